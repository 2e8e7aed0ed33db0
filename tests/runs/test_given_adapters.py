"""Property of given adapters: refused by `prepare` in one sentence, or the saved result is the one that was measured."""

import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer
from typer.testing import CliRunner

import core
from core.cli.app import app
from core.errors import ModelError, RequestError
from core.models.adapter_fit import stored_shapes
from core.pipeline.prepare import prepare
from core.pipeline.train_reference import train_reference
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import Group, ModuleGroup, RunState
from core.types.results import METRIC_NAMES
from core.utils.serialization import read_json
from core.workspace import Workspace, WorkspaceSettings
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS
from tests.conftest import TINY, small_dataset
from tests.models.adapter_folders import change_weights, make_adapter
from tests.models.test_lora_recipe import random_layout
from tests.runs.second_way import SecondWay

RUNNER = CliRunner()
TARGETS = {
    "q and v": ["q_proj", "v_proj"],
    "k and v": ["k_proj", "v_proj"],
    "attention": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "mlp": ["gate_proj", "up_proj", "down_proj"],
    "output only": ["o_proj"],
    "all": "all-linear",
    "with lm_head": ["q_proj", "v_proj", "lm_head"],
    "with embeddings": ["q_proj", "v_proj", "embed_tokens"],
}
EXTRAS = [
    {},
    {"layers_to_transform": [1]},
    {"rank_pattern": {"q_proj": 2, "up_proj": 3}},
    {"alpha_pattern": {"v_proj": 1}, "use_rslora": True},
    {"exclude_modules": ["layers.0.self_attn.v_proj", "layers.0.mlp.up_proj"]},
    {"bias": "lora_only"},
    {"lora_bias": True},
    {"modules_to_save": ["lm_head"]},
    {"trainable_token_indices": [1, 2]},
    {"use_dora": True},
]
DATA = small_dataset(users=16)
UNREACHED = "The adapter reaches no module that serves the forgotten data"
OUTPUTS = ("o_proj", "down_proj")
KEPT = "base_model.model.model.embed_tokens.weight"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Workspace:
    """A small workspace, whose base model the given adapters belong to."""
    settings = WorkspaceSettings("tiny", "test", window=12, epochs=1, rank=2)
    scratch = replace(TINY, epochs=2)
    return prepare(DATA, tmp_path_factory.mktemp("tiny") / "ws", settings, scratch, lambda *_: False)


def with_given(tiny: Workspace, adapter: Path, folder: Path) -> Workspace:
    settings = replace(tiny.settings, base=str(tiny.layout.base))
    return prepare(DATA, folder, settings, TINY, lambda *_: pytest.fail("trained"), adapter)


def run_of(workspace: Workspace, method: str, steps: int):
    request = open_request(workspace, users=workspace.user_split.training_users[:1])
    run = create_run(workspace, request.id, method, "cpu", steps=steps)
    assert work(run) is RunState.DONE or UNREACHED in run.status.message, run.status
    return run


def check_saved_is_measured(workspace: Workspace, run) -> None:
    """Measure the saved adapter again in two ways, and compare every number that the run reports of it."""
    again, reported = core.evaluate(workspace.root, run.spec.request, run.layout.adapter), run.evaluation.unlearned
    way = SecondWay(workspace, run.spec.request, run.layout.adapter)
    by_hand = way.metrics()
    assert by_hand.keys() == {*METRIC_NAMES}
    for name in METRIC_NAMES:
        value = getattr(reported, name).value
        assert getattr(again, name).value == pytest.approx(value, abs=1e-6, nan_ok=True), name
        assert by_hand[name] == pytest.approx(value, abs=1e-5, nan_ok=True), name
    assert run.evaluation.lists
    for one in run.evaluation.lists:
        scores = [title.score for title in one.unlearned]
        assert scores == pytest.approx(way.top(one.user, len(scores)), abs=1e-4)
        assert {title.item for title in one.unlearned}.isdisjoint(
            event.item for event in way.context.histories[one.user]
        )


def check_only_coordinates_moved(workspace: Workspace, run) -> None:
    """Coordinates are rows of B of input projections and columns of A of output projections; the rest stays fixed."""
    before, after = (load_file(folder / WEIGHTS) for folder in (workspace.adapter, run.layout.adapter))
    assert before.keys() == after.keys()
    fixed = [name for name in before if ("lora_B" if name.split(".")[-3] in OUTPUTS else "lora_A") in name]
    assert len(fixed) == len(before) / 2 and all(torch.equal(before[name], after[name]) for name in fixed)


def named_layout(draw: random.Random) -> dict:
    target = TARGETS[draw.choice(list(TARGETS))]
    return {"r": draw.choice([1, 2, 4, 8]), "lora_alpha": draw.choice([1, 8, 32]), "target_modules": target}


def random_adapter(tiny: Workspace, folder: Path, seed: int) -> Path:
    """An adapter of a named layout with one extra, or of any linears, layers, ranks and patterns with or without one."""
    draw = random.Random(seed)
    adapter = None
    while not adapter:
        options = named_layout(draw) if draw.random() < 0.5 else random_layout(draw, layers=2)
        options |= draw.choice([*[{}] * 8, *EXTRAS])
        with suppress(ValueError):  # PEFT does not train every combination
            adapter = make_adapter(tiny.layout.base, folder, seed, **options)
    scale, dtype = draw.choice([0.3, 1.0]), draw.choice([torch.float32, torch.float16, torch.bfloat16])
    change_weights(adapter, lambda weights: {name: (value * scale).to(dtype) for name, value in weights.items()})
    if draw.random() < 0.15:
        change_weights(adapter, lambda weights: weights | {KEPT: torch.ones_like(next(iter(weights.values())))})
    return adapter


def check_property(tiny: Workspace, tmp_path: Path, seed: int, method: str = "cure", steps: int = 2) -> bool:
    """Return whether the adapter was taken."""
    adapter = random_adapter(tiny, tmp_path / "adapter", seed)
    try:
        workspace = with_given(tiny, adapter, tmp_path / "ws")
    except ModelError as refusal:
        text = str(refusal)
        assert text.endswith(".") and "\n" not in text
        assert not (tmp_path / "ws").exists()
        return False
    run = run_of(workspace, method, steps)
    if run.status.state is RunState.FAILED:
        return True
    check_saved_is_measured(workspace, run)
    check_only_coordinates_moved(workspace, run)
    return True


def test_random_adapters(tiny, tmp_path):
    """Some of these seeds are taken, and some refused."""
    taken = {check_property(tiny, tmp_path / str(seed), seed) for seed in (5, 6, 8, 9)}
    assert taken == {True, False}


def test_run_that_would_move_nothing_says_so(tiny, tmp_path, monkeypatch):
    given = make_adapter(tiny.layout.base, tmp_path / "adapter", target_modules=["o_proj"], layers_to_transform=[0])
    workspace = with_given(tiny, given, tmp_path / "ws")
    monkeypatch.setattr(
        "core.pipeline.stages.group_by_circuit",
        lambda *_: tuple(
            ModuleGroup(f"{name}{layer}{head}", Group.FORGET if name == "m" else Group.OUTSIDE, 0, 0, 0.5, 0, 0)
            for layer in (0, 1)
            for name, head in [*(("a", f".h{number}") for number in range(TINY.heads)), ("m", "")]
        ),
    )
    request = open_request(workspace, users=workspace.user_split.training_users[:1])
    run = create_run(workspace, request.id, "cure", "cpu", steps=2)
    assert work(run) is RunState.FAILED and UNREACHED in run.status.message
    assert not run.layout.adapter.exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 50))
def test_more_random_adapters(tiny, tmp_path, seed):
    check_property(tiny, tmp_path, seed, method=["cure", "cure_merge", "graddiff"][seed % 3])


@pytest.mark.parametrize("layout", ["q and v", "k and v", "mlp"])
def test_modules_without_lora_are_shown_and_never_move(tiny, tmp_path, layout):
    workspace = with_given(
        tiny, make_adapter(tiny.layout.base, tmp_path / "a", target_modules=TARGETS[layout]), tmp_path / "ws"
    )
    run = run_of(workspace, "cure", 2)
    with_lora = {row.module for row in run.groups if row.has_lora}
    assert {name for name in with_lora if ".h" in name} == (set() if layout == "mlp" else with_lora)
    assert 0 < len(with_lora) < len(run.groups)
    assert {owner for cell in run.outcome.cells for owner in cell.owners} == with_lora
    assert "no LoRA" in run.reviewer_report.read_text()
    check_saved_is_measured(workspace, run)


def test_memory_contrast_of_modules_without_lora_is_zero(tiny, tmp_path):
    workspace = with_given(
        tiny, make_adapter(tiny.layout.base, tmp_path / "a", target_modules=TARGETS["k and v"]), tmp_path / "ws"
    )
    rows = run_of(workspace, "cure_merge", 2).memory
    assert {row.module for row in rows if not row.has_lora} == {"m0", "m1"}
    assert all(row.contrast == 0 for row in rows if not row.has_lora)
    assert any(row.contrast != 0 for row in rows)  # heads that share keys and values are switched off together


def sorted_lists(value):
    return sorted(value) if isinstance(value, list) else value


def test_references_take_the_recipe_of_the_given_adapter(tiny, tmp_path):
    options = {"r": 4, "lora_alpha": 4, "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 1}}
    options |= {"target_modules": TARGETS["q and v"], "use_rslora": True, "lora_dropout": 0.1}
    given = make_adapter(tiny.layout.base, tmp_path / "a", **options)
    workspace = with_given(tiny, given, tmp_path / "ws")
    request = open_request(workspace, users=workspace.user_split.training_users[:1])
    train_reference(workspace, request, 7, "cpu", tmp_path / "reference", lambda step: False)
    assert stored_shapes(tmp_path / "reference") == stored_shapes(given)
    made, known = (read_json(folder / ADAPTER_CONFIG) for folder in (tmp_path / "reference", given))
    assert {key: sorted_lists(made[key]) for key in options} == {key: sorted_lists(known[key]) for key in options}
    assert workspace.settings.rank == 4


def test_references_of_an_adapter_trained_here_take_the_settings(tiny, tmp_path):
    request = open_request(tiny, users=tiny.user_split.training_users[:1])
    train_reference(tiny, request, 7, "cpu", tmp_path / "own", lambda step: False)
    assert stored_shapes(tmp_path / "own") == stored_shapes(tiny.adapter)


def test_report_says_what_is_not_known_of_the_given_adapter(tiny, tmp_path):
    workspace = with_given(tiny, make_adapter(tiny.layout.base, tmp_path / "a"), tmp_path / "ws")
    reports = {folder: run_of(folder, "graddiff", 1).report.read_text() for folder in (workspace, tiny)}
    assert ["perhaps also on held-out users and last" in text for text in reports.values()] == [True, False]


def prepare_command(tiny, folder, *options):
    rows = [f"{one.user},{one.item},Title {one.item},{one.rating},{one.time}" for one in DATA.interactions]
    (folder / "rows.csv").write_text("\n".join(["user,item,title,rating,time", *rows]))
    given = make_adapter(tiny.layout.base, folder / "a", target_modules=TARGETS["q and v"])
    data = ["--data", f"csv:{folder / 'rows.csv'}", "-w", str(folder / "ws"), "--window", "12"]
    result = RUNNER.invoke(app, ["prepare", *data, "--adapter", str(given), "--base", str(tiny.layout.base), *options])
    return result, " ".join(result.output.split())


def test_prepare_loads_the_tokenizer_of_a_given_base_once(tiny, tmp_path, monkeypatch):
    load, loaded = AutoTokenizer.from_pretrained, []
    monkeypatch.setattr(
        AutoTokenizer, "from_pretrained", lambda *args, **more: loaded.append(args) or load(*args, **more)
    )
    with_given(tiny, make_adapter(tiny.layout.base, tmp_path / "a"), tmp_path / "ws")
    assert loaded == [(tiny.layout.base,)]


def test_prepare_tells_the_recipe_and_what_is_not_known(tiny, tmp_path):
    result, text = prepare_command(
        tiny, tmp_path, "--epochs", "3", "--learning-rate", "1e-3", "--rank", "16", "--batch-size", "3"
    )
    assert result.exit_code == 0, result.output
    assert (
        "the adapter's rank 4, alpha 8 and targets (q_proj, v_proj), and train 3 epochs at 0.001 in batches of 3."
        in text
    )
    assert "perhaps also on held-out users and last interactions" in text
    settings = Workspace(tmp_path / "ws").settings
    assert (settings.epochs, settings.learning_rate, settings.batch_size) == (3, 1e-3, 3)
    assert (settings.average, settings.rank) == (0, 4)


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ([], "give --epochs and --learning-rate of its training"),
        (["--epochs", "2"], "give --learning-rate of its training"),
        (["--learning-rate", "1e-3"], "give --epochs of its training"),
    ],
)
def test_prepare_asks_for_epochs_and_rate_of_a_given_adapter(tiny, tmp_path, options, missing):
    result, _ = prepare_command(tiny, tmp_path, *options)
    assert result.exit_code and isinstance(result.exception, RequestError)
    assert missing in str(result.exception)
    assert not (tmp_path / "ws").exists()
