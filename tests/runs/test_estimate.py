"""Estimates of a run: tokens against those of a real run, memory, parameters, and the command."""

import json
import shutil
from collections import namedtuple
from dataclasses import replace

import psutil
import pytest
import torch
from transformers import AutoTokenizer
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import CureLensError, RunError
from core.models.lora_recipe import lora_config
from core.models.token_counter import TokenCounter
from core.pipeline.context import make_context
from core.pipeline.events import ModelLoaded, NullObserver
from core.pipeline.kept_answers import NOTHING_KEPT
from core.pipeline.stages import run
from core.runs.estimate import timing
from core.runs.estimate.estimate import estimate_by_tokens
from core.runs.estimate.learned import estimate
from core.runs.estimate.timing import Cost
from core.runs.estimate.tokens import Lengths
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import ClosedRequest, Group, MemoryContrast, RunSpec, RunState
from core.unlearning import task_vectors
from core.unlearning.early_stopping import Stopper
from core.unlearning.training_types import NO_CHECKPOINTS
from core.utils.serialization import write_json
from tests.conftest import CONFIGS, random_lora

RUNNER = CliRunner()


class MeterObserver(NullObserver):
    """Collect the token counter of each model of a run."""

    def __init__(self):
        self.found = []

    def on_event(self, event):
        self.found += [event.recommender.token_counter] if isinstance(event, ModelLoaded) else []


@pytest.mark.parametrize("method", ["cure", "cure_merge", "e2urec", "graddiff", "finetune", "retrain"])
def test_estimated_tokens_are_close_to_tokens_of_full_run(workspace, monkeypatch, method):
    monkeypatch.setattr(Stopper, "reason", property(lambda self: "", lambda self, value: None), raising=False)
    monkeypatch.setattr(
        Stopper, "utility_violated", property(lambda self: False, lambda self, value: None), raising=False
    )
    # Memory contrasts differ between CPUs; without a shared module, the merged method skips one training.
    monkeypatch.setattr(MemoryContrast, "group", property(lambda self: Group.SHARED))
    request = workspace.requests()[0]
    add_references(workspace, 2)
    found, meters = estimate(workspace, request.id, method, "cpu"), MeterObserver()
    run(workspace, RunSpec("run-1", request.id, method, "cpu"), request, meters, NO_CHECKPOINTS, NOTHING_KEPT)
    counted_tokens = sum(token_counter.tokens for token_counter in meters.found)
    assert 0.7 < found.tokens / counted_tokens < 1.4, (found.tokens, counted_tokens)


def test_control_training_reads_whole_epochs_of_its_own_prompts(workspace, monkeypatch):
    """At least 48 steps of 8 prompts: 48 epochs of one step over 8 prompts, or 12 epochs of four steps over 25."""
    request, tokens = workspace.requests()[0], {}
    for prompts in (8, 25):
        monkeypatch.setattr(task_vectors, "CONTROL_PROMPTS", prompts)
        tokens[prompts] = estimate(workspace, request.id, "cure_merge", "cpu").tokens
    tokenizer = AutoTokenizer.from_pretrained(workspace.base)
    length = Lengths(make_context(workspace, request, tokenizer)).one("retain")
    assert tokens[8] - tokens[25] == pytest.approx((48 * 8 - 12 * 25) * length, abs=1)


def test_token_counter_counts_and_does_not_change_logits():
    model, token_counter = random_lora("llama"), TokenCounter()
    ids = torch.ones(3, 5, dtype=torch.long)
    before = model(input_ids=ids).logits
    token_counter.attach(model)
    model.requires_grad_(True)
    with torch.no_grad():
        model(input_ids=ids[:2])
    assert torch.equal(model(input_ids=ids).logits, before)
    assert token_counter.tokens == 25


@pytest.mark.parametrize("family", list(CONFIGS))
def test_parameters_are_counted_from_the_config(family):
    adapted = random_lora(family, rank=4)
    adapter_count = sum(one.numel() for name, one in adapted.named_parameters() if "lora_" in name)
    whole = sum(one.numel() for one in adapted.parameters()) - adapter_count
    assert timing.parameters(CONFIGS[family](), lora_config(4)) == (whole, adapter_count)


def test_memory_of_deep_model_is_extrapolated_from_shallow_ones():
    """The results are equal, because every layer keeps the same number of bytes."""
    config = CONFIGS["llama"]()
    config.num_hidden_layers, config.vocab_size = 6, 64
    sizes = (4, 2, 9, torch.device("cpu"), torch.float32)
    assert timing.measured(config, *sizes).kept == pytest.approx(timing._timed(config, *sizes).kept)


def test_run_larger_than_memory_does_not_fit(workspace, monkeypatch):
    request = workspace.requests()[0].id
    assert estimate(workspace, request, "graddiff", "cpu").fits
    monkeypatch.setattr(psutil, "virtual_memory", lambda: namedtuple("Memory", "available")(10**6))
    assert not estimate(workspace, request, "graddiff", "cpu").fits
    result = RUNNER.invoke(app, ["estimate", "-w", str(workspace.root), "-r", request])
    assert result.exit_code == 1 and "does not fit" in result.output


def test_command_tells_the_drift_after_the_first_deletion(workspace):
    request = workspace.requests()[0].id
    command = ["estimate", "-w", str(workspace.root), "-r", request, "--device", "cpu"]
    assert "Since the" not in RUNNER.invoke(app, command).output
    closed = ClosedRequest("req-0", "", "2026-01-01T00:00:00Z", "run-0", 1, 1, 5, "digest", test_auc_fall=0.012)
    write_json(workspace.layout.closed("req-0"), closed)
    assert "Since the first adapter, one deletion lowered the test AUC by 0.012;" in RUNNER.invoke(app, command).output
    assert json.loads(RUNNER.invoke(app, [*command, "--json"]).stdout)["drift"]["test_auc_fall"] == 0.012


def test_references_steps_and_epochs_raise_the_estimate(workspace):
    request = workspace.requests()[0].id
    found = {name: estimate(workspace, request, name, "cpu") for name in ("finetune", "graddiff", "cure", "retrain")}
    tokens = {name: one.tokens for name, one in found.items()}
    assert tokens["finetune"] < tokens["graddiff"] < tokens["cure"] and tokens["retrain"] > 0
    assert estimate(workspace, request, "uniform", "cpu", steps=300).tokens > tokens["graddiff"]
    add_references(workspace, 1)
    one = estimate(workspace, request, "graddiff", "cpu")
    add_references(workspace, 2)
    assert tokens["graddiff"] < one.tokens < estimate(workspace, request, "graddiff", "cpu").tokens
    settings = replace(workspace.settings, epochs=2 * workspace.settings.epochs)
    workspace.__dict__["settings"] = settings
    assert estimate(workspace, request, "retrain", "cpu").tokens > tokens["retrain"]


def test_out_of_memory_is_reported_in_one_sentence(workspace, monkeypatch):
    def raise_out_of_memory(*args):
        raise torch.OutOfMemoryError

    monkeypatch.setattr("core.runs.estimate.estimate.measured", raise_out_of_memory)
    with pytest.raises(RunError, match="cpu has no room"):
        estimate(workspace, workspace.requests()[0].id, "cure", "cpu")


def add_references(workspace, count):
    """Add `count` copies of the adapter as references."""
    folder = workspace.root / "references" / workspace.requests()[0].id
    for number in range(count):
        shutil.copytree(workspace.root / "adapter", folder / f"seed-{len(list(folder.glob('*'))) + number + 1}")


@pytest.mark.parametrize(
    ("options", "word"), [({"method": "wish"}, "wish"), ({"device": "tpu"}, "tpu"), ({"request_id": "no"}, "no")]
)
def test_unknown_option_is_refused_in_one_sentence(workspace, options, word):
    with pytest.raises(CureLensError, match=word):
        estimate(workspace, **{"request_id": workspace.requests()[0].id, "device": "cpu", **options})


def test_command_prints_one_json_object(workspace):
    result = RUNNER.invoke(app, ["estimate", "-w", str(workspace.root), "-r", workspace.requests()[0].id, "--json"])
    found = json.loads(result.stdout)
    assert found["seconds"] > 0 and found["fits"] and found["device"] == "cpu"


def test_estimate_learns_from_finished_runs_of_the_method_and_else_of_others(workspace, monkeypatch):
    """What runs took is set, so that the correction is known; what they were estimated to take is their own."""
    request = workspace.requests()[0].id
    fixed = Cost(forward=1e-5, step=3e-5, kept=1e3)  # timings differ from call to call
    monkeypatch.setattr("core.runs.estimate.estimate.measured", lambda *_sizes: fixed)
    monkeypatch.setattr("core.runs.estimate.estimate._baseline", lambda _where: 10**8)
    monkeypatch.setattr(Lengths, "candidate", (8.0, 1e-5))
    add_references(workspace, 2)
    first = {method: estimate(workspace, request, method, "cpu", 2) for method in ("uniform", "graddiff", "finetune")}
    assert {one.runs for one in first.values()} == {0}
    for method, (seconds, memory) in {"uniform": (3.0, 2.0), "graddiff": (5.0, 4.0)}.items():
        done = create_run(workspace, request, method, "cpu", steps=2)
        assert work(done) is RunState.DONE
        entered = next(event for event in done.events() if event["kind"] == "estimate")
        took = seconds * entered["estimated"], round(memory * entered["peak_bytes"])
        done.write_status(replace(done.status, seconds=took[0], peak_bytes=took[1]))
    for file in workspace.layout.store_files():  # it knows what the runs really took
        file.unlink(missing_ok=True)
    # The references' answers are kept by now, so that there is less to do.
    plain = {method: estimate_by_tokens(workspace, request, method, "cpu", 2) for method in first}
    found = {method: estimate(workspace, request, method, "cpu", 2) for method in first}
    factors = {
        method: (one.seconds / plain[method].seconds, one.peak_bytes / plain[method].peak_bytes, one.runs)
        for method, one in found.items()
    }
    assert factors["uniform"] == pytest.approx((3, 2, 1), rel=1e-3)
    assert factors["graddiff"] == pytest.approx((5, 4, 1), rel=1e-3)
    assert factors["finetune"] == pytest.approx((4, 3, 2), rel=1e-3)  # the median of the others
