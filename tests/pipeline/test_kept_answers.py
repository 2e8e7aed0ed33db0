"""Kept answers of references: the same numbers, no names, and only for the same question."""

import shutil
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import LedgerError, ModelError
from core.pipeline import kept_answers
from core.pipeline.collect_answers import collect_answers
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import load_adapter, make_context
from core.pipeline.kept_answers import (
    NOTHING_KEPT,
    ReferenceAnswers,
    fits,
    numbers,
    rows_digest,
    with_numbers,
)
from core.pipeline.question import question_digest
from core.runs.answer_files import reference_digest
from core.runs.handle import runs
from core.runs.ledger import open_ledger
from core.runs.ledger_entries import Ledger
from core.runs.references import train_references
from core.runs.signed_settings import settings_to_sign
from core.runs.submit import create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import RunState
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout


@pytest.fixture
def loads(monkeypatch) -> list[str]:
    """The references that were loaded."""
    names: list[str] = []

    def load(workspace, adapter, device):
        names.append(adapter.rsplit("/", 1)[-1])
        return load_adapter(workspace, adapter, device)

    monkeypatch.setattr(kept_answers, "load_adapter", load)
    return names


@pytest.fixture(scope="module")
def signed(prepared, tmp_path_factory) -> Path:
    """A folder with keys, and a workspace whose ledger holds its two references."""
    folder = tmp_path_factory.mktemp("signed")
    workspace = Workspace(shutil.copytree(prepared, folder / "workspace"))
    request = workspace.requests()[0].id
    shutil.rmtree(workspace.layout.references(request))  # trained before there was a ledger
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        assert CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)]).exit_code == 0
        train_references(workspace, request, 2, "cpu", lambda number, step: False)
    return folder


@pytest.fixture(scope="module")
def with_answers(signed, tmp_path_factory) -> Path:
    """The same after a run, for which both references were asked."""
    folder = Path(shutil.copytree(signed, tmp_path_factory.mktemp("answers") / "signed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        finished(Workspace(folder / "workspace"))
    return folder


@pytest.fixture
def with_ledger(signed, tmp_path, monkeypatch) -> Workspace:
    """A copy of the workspace whose ledger holds its two references."""
    return copied(signed, tmp_path, monkeypatch)


def copied(folder: Path, target: Path, monkeypatch) -> Workspace:
    shutil.copytree(folder, target, dirs_exist_ok=True)
    monkeypatch.setenv("CURE_LENS_KEYS", str(target / "keys"))
    return Workspace(target / "workspace")


def finished(workspace: Workspace, seed: int = 0):
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", seed=seed, steps=2)
    assert work(run) is RunState.DONE, run.status
    return run


def same(left, right) -> bool:
    """Whether two models answered the same to the bit."""
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    if is_dataclass(left):
        return all(same(getattr(left, one.name), getattr(right, one.name)) for one in fields(left))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


def test_numbers_of_one_model_fill_the_form_of_another(with_ledger):
    workspace, request = with_ledger, with_ledger.requests()[0]
    original = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, request, original.tokenizer)
    reference = load_adapter(workspace, str(workspace.reference_folders(request.id)[0]), "cpu")
    for ask in (lambda one: collect_answers(one, context, True), lambda one: evaluate_model(one, context, lists=True)):
        form, answers = ask(original), ask(reference)
        items = tuple(workspace.items.values())
        kept = numbers(answers, items)
        assert fits(form, kept, items) and not same(form, answers)
        assert same(with_numbers(form, kept, items), answers)
        assert {one.dtype.kind for one in kept.values()} <= {"f", "i"}  # no text, so no user
        assert not any(user in place for user in context.histories for place in kept)


def test_references_are_asked_once_and_the_verification_stays_the_same(with_ledger, loads):
    run = finished(with_ledger)
    first = verify_run(run, "cpu", full=True)
    assert loads == ["seed-101", "seed-102"] * 2  # by the run and by its verification
    assert verify_run(run, "cpu", full=True) == first
    again = finished(with_ledger, seed=1)
    assert len(loads) == 4 and len(again.evaluation.references) == 2
    assert again.evaluation.references == run.evaluation.references
    verify_run(run, "cpu")  # another question
    assert len(loads) == 6


def test_weights_may_go_where_all_answers_were_kept(with_ledger, loads):
    run = finished(with_ledger)
    first = verify_run(run, "cpu", full=True)
    request = run.spec.request
    for folder in with_ledger.reference_folders(request):
        weights, damaged = AdapterLayout(folder).weights, AdapterLayout(folder).answers("damaged")
        digest = sha256_of_file(weights)
        weights.unlink()
        damaged.write_bytes(b"cut")
        assert reference_digest(folder) == digest  # the other files tell it
    assert len(with_ledger.reference_folders(request)) == 2
    assert verify_run(run, "cpu", full=True) == first
    assert finished(with_ledger, seed=1).evaluation.references == run.evaluation.references
    with pytest.raises(ModelError, match="seed-101 has no weights and no kept answers"):
        verify_run(run, "cpu")


@pytest.mark.parametrize(
    "change", ["planted", "damaged", "other settings", "other weights", "other config", "other tokenizer"]
)
def test_other_answers_than_those_entered_are_not_read(with_answers, tmp_path, monkeypatch, loads, change):
    workspace = copied(with_answers, tmp_path, monkeypatch)
    run = runs(workspace)[0]
    folder = workspace.reference_folders(run.spec.request)[0]
    file = AdapterLayout(folder).answers("evaluation-lists")
    if change == "planted":
        arrays = load_file(file)
        save_file(arrays | {"/forget/margins": arrays["/forget/margins"] + 1}, file)
    elif change == "damaged":
        file.write_bytes(file.read_bytes()[:-40])
    elif change == "other settings":
        settings = read_json(workspace.layout.settings)
        write_json(workspace.layout.settings, settings | {"ranking_titles": 1200})
        changed = Workspace(workspace.root)
        Ledger(changed).record_settings(settings_to_sign(changed))
    elif change == "other config":
        config = read_json(AdapterLayout(folder).config)
        write_json(AdapterLayout(folder).config, config | {"lora_alpha": 2 * config["lora_alpha"]})
    elif change == "other tokenizer":
        tokenizer = workspace.layout.base / "tokenizer.json"
        tokenizer.write_text(tokenizer.read_text() + "\n")
    else:
        shutil.copyfile(AdapterLayout(workspace.adapter).weights, AdapterLayout(folder).weights)
    entered = open_ledger(workspace).entered_answers(run.spec.request)
    again = finished(Workspace(workspace.root), seed=1)
    if change in ("other weights", "other config"):  # the ledger does not hold them, so they are not asked
        assert "seed-101" not in loads and len(again.evaluation.references) == 1
        found = open_ledger(workspace).entered_answers(run.spec.request)
        assert {name for name in found.keys() - entered.keys() if "seed-101" in name} == set()
        return
    assert "seed-101" in loads
    if change in ("planted", "damaged"):
        assert again.evaluation.references == run.evaluation.references
        assert sha256_of_file(file) in open_ledger(workspace).entered_answers(run.spec.request).values()


def test_question_names_rows_settings_and_request(workspace):
    request = workspace.requests()[0]
    precision = ("cpu", "torch.float32")
    asked = question_digest(workspace, request, precision)
    other = replace(request, users=request.users[:0], interactions=((request.users[0], next(iter(workspace.items))),))
    assert asked == question_digest(Workspace(workspace.root), request, precision)
    assert asked != question_digest(workspace, other, precision)
    assert asked != question_digest(workspace, request, ("cuda", "torch.bfloat16"))


def test_reference_is_loaded_on_all_devices_of_the_run(with_ledger, monkeypatch):
    model = load_adapter(with_ledger, str(with_ledger.adapter), "cpu")
    context, devices = make_context(with_ledger, with_ledger.requests()[0], model.tokenizer), []
    monkeypatch.setattr(
        kept_answers, "load_adapter", lambda _workspace, _adapter, device: devices.append(device) or model
    )
    answers = ReferenceAnswers(NOTHING_KEPT, context, model, "cuda:0,cuda:1")
    form = evaluate_model(model, context)
    answers.of(with_ledger.reference_folders(context.request.id)[0], "evaluation", form, lambda _model: form)
    assert devices == ["cuda:0,cuda:1"]


def test_answers_of_weights_that_were_there_only_meanwhile_are_not_kept(with_ledger, monkeypatch):
    """Somebody puts other weights into the folder before a reference is loaded, and the true ones back afterwards."""
    request, load = with_ledger.requests()[0], kept_answers.load_adapter
    folder = with_ledger.reference_folders(request.id)[0]
    true, planted = AdapterLayout(folder).weights.read_bytes(), AdapterLayout(with_ledger.adapter).weights.read_bytes()
    AdapterLayout(folder).weights.write_bytes(planted)

    def load_and_restore(*arguments):
        found = load(*arguments)
        AdapterLayout(folder).weights.write_bytes(true)
        return found

    monkeypatch.setattr(kept_answers, "load_adapter", load_and_restore)
    finished(with_ledger)
    names = open_ledger(with_ledger).entered_answers(request.id)
    assert not any(name.startswith("seed-101") for name in names) and any(name.startswith("seed-102") for name in names)


def test_answers_about_other_rows_or_names_do_not_fit(with_ledger):
    model = load_adapter(with_ledger, str(with_ledger.adapter), "cpu")
    context = make_context(with_ledger, with_ledger.requests()[0], model.tokenizer)
    answers = collect_answers(model, context, True)
    labels = replace(answers.retain, labels=~answers.retain.labels)
    renamed = {f"{name}, otherwise": one for name, one in answers.paraphrased.items()}
    others = (replace(answers, retain=labels), replace(answers, paraphrased=renamed))
    assert len({rows_digest(one) for one in (answers, *others)}) == 3


def test_verification_without_the_keys_stops_before_its_work(with_ledger, loads, monkeypatch, tmp_path):
    run = finished(with_ledger)
    del loads[:]
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "nowhere"))
    with pytest.raises(LedgerError):
        verify_run(run, "cpu", full=True)
    assert loads == [] and run.verification is None
