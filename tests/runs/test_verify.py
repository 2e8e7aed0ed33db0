"""Verifying real small runs: the files, the command, and adapters that were exchanged."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import RunError
from core.models.recommender import adapter_weights
from core.pipeline import collect_answers
from core.pipeline.collect_answers import LAPS, relearned
from core.pipeline.context import load_adapter, make_context
from core.runs.handle import RunHandle
from core.runs.ledger import open_ledger
from core.runs.references import train_references
from core.runs.submit import create_run
from core.runs.verify import _distinct, _evidence, _identity, verify
from core.runs.worker import work
from core.types import Check, RunState, Verdict, Verification
from core.unlearning.early_stopping import Stopper
from core.unlearning.methods import METHODS
from core.utils.serialization import write_json
from core.verification.suite import NEVER_RUN, run_checks
from core.verification.thresholds import Thresholds
from core.workspace import Workspace

RUNNER = CliRunner()


def made(place: Workspace, method: str = "graddiff", steps: int = 3) -> RunHandle:
    folder = create_run(place, place.requests()[0].id, method, "cpu", steps=steps)
    assert work(folder) is RunState.DONE, folder.status
    return folder


def of(found: Verification, id: str) -> list[Check]:
    return [one for one in found.checks if one.id == id]


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """References are trained once for all tests; each gets a copy."""
    return {}


@pytest.fixture
def place(workspace, three, tmp_path_factory) -> Workspace:
    request = workspace.requests()[0].id
    if "folder" not in three:
        train_references(workspace, request, 3, "cpu", lambda number, step: False)
        three["folder"] = shutil.copytree(
            workspace.root / "references", tmp_path_factory.mktemp("references") / request
        )
    else:
        shutil.copytree(three["folder"], workspace.root / "references", dirs_exist_ok=True)
    return workspace


def test_every_check_is_told_and_kept(place):
    folder = made(place)
    found = verify(folder, "cpu")
    assert {one.id for one in found.checks} == {"V0", "V1", "V2", "V3", "V4", "V6", "V9", "V10", "V11", "V12"}
    assert folder.verification == found and found.thresholds == folder.spec.thresholds
    assert set(found.not_run) == {"V5", "V7", "V8", *NEVER_RUN} and "--full" in found.not_run["V5"]
    assert of(found, "V12")[0].verdict is Verdict.PASS
    exact = {
        one.name: one.verdict for one in of(found, "V0") if one.source in ("SHA-256 of all bounds", "SHA-256, exact")
    }
    assert len(exact) == 2 and set(exact.values()) == {Verdict.PASS}


@pytest.mark.parametrize("of", ["another", "the candidate"])
def test_a_reference_that_is_a_copy_tells_nothing(place, of):
    folder = made(place)
    first, second, _ = place.reference_folders(folder.spec.request)
    source = second if of == "another" else folder.path / "adapter"
    shutil.copyfile(source / "adapter_model.safetensors", first / "adapter_model.safetensors")
    assert _distinct(folder, open_ledger(folder.workspace)).verdict is Verdict.INCONCLUSIVE


def test_full_asks_other_wordings_teaches_again_and_looks_inside(place):
    found = verify(made(place), "cpu", full=True)
    assert {"V5", "V7", "V8"} < {one.id for one in found.checks} and set(found.not_run) == set(NEVER_RUN)
    assert all(
        one.value.n > 0 and one.value.value == one.value.value for id in ("V5", "V7", "V8") for one in of(found, id)
    )


def test_what_is_taught_again_is_taken_back_to_the_bit(place):
    recommender = load_adapter(place, str(place.root / "adapter"), "cpu")
    context = make_context(place, place.requests()[0], recommender.tokenizer)
    before = adapter_weights(recommender.model)
    first, *later = relearned(recommender, context)
    after = adapter_weights(recommender.model)
    assert before.keys() == after.keys() and all(torch.equal(after[name], before[name]) for name in before)
    assert len(later) == LAPS and all(np.abs(one.losses - first.losses).max() > 0 for one in later)
    assert all((one.users == first.users).all() for one in later)


def test_neighbours_stay_and_share_most(workspace, monkeypatch):
    monkeypatch.setattr(collect_answers, "NEIGHBOURS", 5)
    context = make_context(workspace, workspace.requests()[0], load_adapter(workspace, None, "cpu").tokenizer)
    met = {user: {event.item for event in events} for user, events in context.histories.items()}
    theirs = set().union(*(met.pop(user) for user in context.request.subjects))
    likeness = {user: len(own & theirs) / len(own | theirs) for user, own in met.items()}
    found = collect_answers.neighbours(context)
    assert len(found) == 5 and found < met.keys()
    assert min(likeness[one] for one in found) >= max(likeness[one] for one in met.keys() - found)


@pytest.mark.parametrize("way", ["exchanged", "otherwise scaled", "gone"])
def test_a_copy_of_the_original_under_the_same_name_is_found_out(place, way):
    folder = made(place)
    weights = folder.path / "adapter/adapter_model.safetensors"
    if way != "gone":
        if way == "exchanged":
            shutil.copyfile(place.root / "adapter/adapter_model.safetensors", weights)
        else:
            config = weights.with_name("adapter_config.json")
            write_json(config, json.loads(config.read_text()) | {"lora_alpha": 1})
        found = verify(folder, "cpu")
        assert of(found, "V12")[0].verdict is found.verdict is Verdict.FAIL
    else:
        weights.unlink()
        with pytest.raises(Exception, match="adapter"):
            verify(folder, "cpu")


def test_a_run_of_an_older_version_is_not_accused(place):
    folder = made(place)
    events = [event | {"config": None} for event in folder.events()]
    lines = [json.dumps({name: value for name, value in one.items() if value is not None}) for one in events]
    (folder.path / "events.jsonl").write_text("\n".join(lines) + "\n")
    assert _identity(folder, open_ledger(folder.workspace)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.slow
def test_a_model_that_forgot_far_too_much_fails(place, monkeypatch):
    """Ascent on the forgotten answers that nobody stops."""
    monkeypatch.setattr(Stopper, "reason", property(lambda self: "", lambda self, value: None), raising=False)
    fast = replace(METHODS["gradient_ascent_uncapped"], learning_rate=2e-2)
    monkeypatch.setitem(METHODS, "gradient_ascent_uncapped", fast)
    found = run_checks(
        _evidence(made(place, "gradient_ascent_uncapped", 0), "cpu", Thresholds(), False, lambda done: None)
    )
    assert Verdict.FAIL in {one.verdict for one in found if one.id in ("V9", "V10")}, found


def test_other_bounds_than_the_run_began_with_never_pass(place):
    folder = made(place)
    write_json(folder.path / "spec.json", json.loads((folder.path / "spec.json").read_text()) | {"thresholds": "other"})
    found = verify(folder, "cpu")
    assert found.verdict is not Verdict.PASS
    assert any("fixed beforehand" in one.sentence and one.verdict is Verdict.INCONCLUSIVE for one in of(found, "V0"))


def test_without_references_it_says_so_and_the_command_ends_with_one(workspace):
    folder = made(workspace)
    told = RUNNER.invoke(app, ["verify", "-w", str(workspace.root), "--run", folder.id, "--device", "cpu"])
    assert told.exit_code == 1 and "train them first" in told.output and "INCONCLUSIVE" in told.output
    assert "Not covered: paraphrases of the prompt" in told.output
    found = RUNNER.invoke(app, ["verify", "-w", str(workspace.root), "--run", folder.id, "--device", "cpu", "--json"])
    assert json.loads(found.stdout)["verdict"] == "inconclusive"


def test_a_run_that_is_not_done_is_refused(workspace):
    folder = create_run(workspace, workspace.requests()[0].id, "graddiff", "cpu", steps=3)
    with pytest.raises(RunError, match="choose a finished run"):
        verify(folder, "cpu")
