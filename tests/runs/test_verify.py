"""Verification of real small runs: stored files, the command, and replaced adapters."""

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
from core.pipeline.collect_answers import RELEARN_EPOCHS, relearned
from core.pipeline.context import load_adapter, make_context
from core.runs.handle import RunHandle
from core.runs.ledger import open_ledger
from core.runs.references import train_references
from core.runs.submit import create_run
from core.runs.verify import _distinct, _identity, context_of, verify_run
from core.runs.worker import work
from core.types import Check, RunState, Verdict, Verification
from core.unlearning.early_stopping import Stopper
from core.unlearning.methods import METHODS
from core.utils.serialization import write_json
from core.verification.suite import NEVER_RUN
from core.workspace import Workspace

RUNNER = CliRunner()


def finished_run(workspace: Workspace, method: str = "uniform", steps: int = 3) -> RunHandle:
    run = create_run(workspace, workspace.requests()[0].id, method, "cpu", steps=steps)
    assert work(run) is RunState.DONE, run.status
    return run


def checks_with_id(found: Verification, id: str) -> list[Check]:
    return [one for one in found.checks if one.id == id]


@pytest.fixture(scope="module")
def reference_cache(tmp_path_factory):
    """Cache of the references: they are trained once, and each test gets a copy."""
    return {}


@pytest.fixture
def workspace_with_references(workspace, reference_cache, tmp_path_factory) -> Workspace:
    request = workspace.requests()[0].id
    if "folder" not in reference_cache:
        train_references(workspace, request, 3, "cpu", lambda number, step: False)
        reference_cache["folder"] = shutil.copytree(
            workspace.root / "references", tmp_path_factory.mktemp("references") / request
        )
    else:
        shutil.copytree(reference_cache["folder"], workspace.root / "references", dirs_exist_ok=True)
    return workspace


def test_all_checks_are_returned_and_stored(workspace_with_references):
    run = finished_run(workspace_with_references)
    found = verify_run(run, "cpu")
    assert {one.id for one in found.checks} == {"V0", "V1", "V2", "V3", "V4", "V6", "V9", "V10", "V11", "V12"}
    assert run.verification == found and found.thresholds == run.spec.thresholds
    assert set(found.not_run) == {"V5", "V7", "V8", *NEVER_RUN} and "--full" in found.not_run["V5"]
    assert checks_with_id(found, "V12")[0].verdict is Verdict.PASS
    exact = {
        one.name: one.verdict
        for one in checks_with_id(found, "V0")
        if one.source in ("SHA-256 of all bounds", "SHA-256, exact")
    }
    assert len(exact) == 2 and set(exact.values()) == {Verdict.PASS}


@pytest.mark.parametrize("source", ["another reference", "candidate"])
def test_copied_reference_makes_the_check_inconclusive(workspace_with_references, source):
    run = finished_run(workspace_with_references)
    first, second, _ = workspace_with_references.reference_folders(run.spec.request)
    copied = second if source == "another reference" else run.path / "adapter"
    shutil.copyfile(copied / "adapter_model.safetensors", first / "adapter_model.safetensors")
    folders = workspace_with_references.reference_folders(run.spec.request)
    assert _distinct(run, open_ledger(run.workspace), context_of(run), folders).verdict is Verdict.INCONCLUSIVE


def test_full_verification_runs_paraphrases_relearning_and_probes(workspace_with_references):
    found = verify_run(finished_run(workspace_with_references), "cpu", full=True)
    assert {"V5", "V7", "V8"} < {one.id for one in found.checks} and set(found.not_run) == set(NEVER_RUN)
    assert all(
        one.value.n > 0 and one.value.value == one.value.value
        for id in ("V5", "V7", "V8")
        for one in checks_with_id(found, id)
    )


def test_relearning_restores_weights_bit_for_bit(workspace_with_references):
    recommender = load_adapter(workspace_with_references, str(workspace_with_references.root / "adapter"), "cpu")
    context = make_context(workspace_with_references, workspace_with_references.requests()[0], recommender.tokenizer)
    before = adapter_weights(recommender.model)
    first, *later = relearned(recommender, context)
    after = adapter_weights(recommender.model)
    assert before.keys() == after.keys() and all(torch.equal(after[name], before[name]) for name in before)
    assert len(later) == RELEARN_EPOCHS and all(np.abs(one.losses - first.losses).max() > 0 for one in later)
    assert all((one.users == first.users).all() for one in later)


def test_neighbours_are_most_similar_other_users(workspace, monkeypatch):
    monkeypatch.setattr(collect_answers, "NEIGHBOURS", 5)
    context = make_context(workspace, workspace.requests()[0], load_adapter(workspace, None, "cpu").tokenizer)
    items_of_user = {user: {event.item for event in events} for user, events in context.histories.items()}
    subject_items = set().union(*(items_of_user.pop(user) for user in context.request.subjects))
    similarity = {user: len(own & subject_items) / len(own | subject_items) for user, own in items_of_user.items()}
    found = collect_answers.neighbours(context)
    assert len(found) == 5 and found < items_of_user.keys()
    assert min(similarity[one] for one in found) >= max(similarity[one] for one in items_of_user.keys() - found)


@pytest.mark.parametrize("change", ["replaced", "rescaled", "removed"])
def test_replaced_rescaled_or_removed_adapter_is_detected(workspace_with_references, change):
    run = finished_run(workspace_with_references)
    weights = run.path / "adapter/adapter_model.safetensors"
    if change != "removed":
        if change == "replaced":
            shutil.copyfile(workspace_with_references.root / "adapter/adapter_model.safetensors", weights)
        else:
            config = weights.with_name("adapter_config.json")
            write_json(config, json.loads(config.read_text()) | {"lora_alpha": 1})
        found = verify_run(run, "cpu")
        assert checks_with_id(found, "V12")[0].verdict is found.verdict is Verdict.FAIL
    else:
        weights.unlink()
        with pytest.raises(Exception, match="adapter"):
            verify_run(run, "cpu")


def test_run_without_recorded_config_digest_is_inconclusive(workspace_with_references):
    run = finished_run(workspace_with_references)
    events = [event | {"config": None} for event in run.events()]
    lines = [json.dumps({name: value for name, value in one.items() if value is not None}) for one in events]
    (run.path / "events.jsonl").write_text("\n".join(lines) + "\n")
    assert _identity(run, open_ledger(run.workspace)).verdict is Verdict.INCONCLUSIVE


@pytest.mark.slow
def test_model_that_forgot_too_much_fails(workspace_with_references, monkeypatch):
    """The model is trained by gradient ascent without early stopping."""
    monkeypatch.setattr(Stopper, "reason", property(lambda self: "", lambda self, value: None), raising=False)
    fast = replace(METHODS["gradient_ascent_uncapped"], learning_rate=2e-2)
    monkeypatch.setitem(METHODS, "gradient_ascent_uncapped", fast)
    found = verify_run(finished_run(workspace_with_references, "gradient_ascent_uncapped", 0), "cpu")
    assert found.verdict is Verdict.FAIL and found.reason in ("over_forgot", "guardrail", "utility_test"), found


def test_thresholds_changed_after_the_run_never_pass(workspace_with_references):
    run = finished_run(workspace_with_references)
    write_json(run.path / "spec.json", json.loads((run.path / "spec.json").read_text()) | {"thresholds": "other"})
    found = verify_run(run, "cpu")
    assert found.verdict is not Verdict.PASS
    assert any(
        "fixed beforehand" in one.sentence and one.verdict is Verdict.INCONCLUSIVE
        for one in checks_with_id(found, "V0")
    )


def test_command_without_references_exits_with_one(workspace):
    run = finished_run(workspace)
    result = RUNNER.invoke(app, ["verify", "-w", str(workspace.root), "--run", run.id, "--device", "cpu"])
    assert result.exit_code == 1 and "a PASS needs five" in result.output and "INCONCLUSIVE" in result.output
    assert "Not covered: paraphrases of the prompt" in result.output
    found = RUNNER.invoke(app, ["verify", "-w", str(workspace.root), "--run", run.id, "--device", "cpu", "--json"])
    assert json.loads(found.stdout)["verdict"] == "inconclusive"


def test_unfinished_run_is_refused(workspace):
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", steps=3)
    with pytest.raises(RunError, match="choose a finished run"):
        verify_run(run, "cpu")
