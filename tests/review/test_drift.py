"""Several deletions in a row in one workspace: each closed request keeps its fall of the test AUC."""

from dataclasses import replace

import pytest

from core.review import execution
from core.runs import verify
from core.runs.handle import open_run
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import CaseState, Drift, RunState, Verdict
from core.utils.serialization import write_json
from core.verification.drift_budget import drift_of
from core.workspace import Workspace


def carried_out(desk):
    """Carry the desk's run out; return the fall of the test AUC that its evaluation shows, and the record left."""
    metrics = open_run(desk.workspace, desk.run).evaluation
    desk.approve()
    assert execution.execute_decisions(desk.workspace).state is CaseState.CLOSED
    desk.workspace = Workspace(desk.workspace.root)
    return metrics.original.test_auc.value - metrics.unlearned.test_auc.value, desk.workspace.closed()[0]


def next_run(desk, method):
    """A verified run of a further request of one user; the desk goes on with it."""
    user = desk.workspace.user_split.training_users[0]
    desk.request = open_request(desk.workspace, users=(user,), opened_by="rita").id
    run = create_run(desk.workspace, desk.request, method, "cpu", steps=3, launched_by="olaf")
    assert work(run) is RunState.DONE, run.status
    desk.run = run.id
    return verify_run(run, "cpu")


def test_deletions_in_a_row_use_the_budget_until_a_retraining(desk, monkeypatch):
    monkeypatch.setattr(verify, "confirmed_closed", lambda workspace, ledger: workspace.closed())  # one is made up
    first, closed = carried_out(desk)
    assert closed.test_auc_fall == first and not closed.retrained
    write_json(desk.workspace.layout.closed(closed.id), replace(closed, test_auc_fall=0.5))  # as a bad run would
    found = next_run(desk, "uniform")
    assert found.next_steps[0] == "retrain_drift" and "retrain" not in found.next_steps
    second, closed = carried_out(desk)
    assert closed.test_auc_fall == second
    assert drift_of(desk.workspace.closed()) == Drift(2, pytest.approx(0.5 + second), 0, False)
    found = next_run(desk, "retrain")
    assert found.verdict is Verdict.EXACT and "retrain_drift" not in found.next_steps
    _, closed = carried_out(desk)
    assert closed.retrained and drift_of(desk.workspace.closed()) == Drift(0, 0.0, 0, True)
