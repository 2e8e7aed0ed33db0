"""Attacks on facts of the ledger, batches, comparisons, odd files and odd texts: each is refused, or changes nothing."""

import pytest

from core.errors import RequestError, ReviewError, RunError
from core.review import execution
from core.review.batches import dissolve, open_batch
from core.runs.cancel import cancel
from core.runs.handle import RunHandle, open_run
from core.runs.ledger import OVERLAP, open_ledger
from core.runs.list_overlap import write_overlaps
from core.runs.requests import check_opened, open_request
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout


def others(desk):
    """The training users whom the request does not name."""
    own = desk.workspace.request(desk.request).users
    return [one for one in desk.workspace.user_split.training_users if one not in own]


def test_batch_whose_members_somebody_removed_does_not_become_a_single_request(desk):
    """Else the people who opened its members could decide on it."""
    members = [open_request(desk.workspace, users=[one], opened_by="owen").id for one in others(desk)[:2]]
    batch = open_batch(desk.workspace, members, opened_by="rita")
    desk.approve()
    for name in members:
        desk.workspace.layout.request(name).unlink()
    execution.execute_decisions(desk.workspace)
    assert Workspace(desk.workspace.root).request(batch.id).members == tuple(members)


def test_requests_are_as_they_were_where_a_deletion_is_rolled_back(desk, monkeypatch):
    left = others(desk)[0]
    shared = desk.workspace.request(desk.request).users[0]
    second = open_request(desk.workspace, users=(shared, left), opened_by="rita")
    file, smaller = desk.workspace.layout.request(second.id), []
    desk.approve()

    def fails(_execution):
        smaller.append(file.read_bytes())
        raise ReviewError("Forgotten data is still in x: remove it.")

    with monkeypatch.context() as patch, pytest.raises(ReviewError, match="was taken back"):
        patch.setattr(execution, "STEPS", (*execution.STEPS[:3], fails, *execution.STEPS[4:]))
        execution.execute_decisions(desk.workspace)
    check_opened(desk.workspace, second)
    assert desk.workspace.request(second.id) == second
    file.write_bytes(smaller[0])
    with pytest.raises(RequestError, match="is not signed as it stands"):
        check_opened(desk.workspace, desk.workspace.request(second.id))


@pytest.mark.parametrize("which", ["run", "original", "reference"])
def test_lists_are_compared_by_the_adapters_that_were_signed(desk, which):
    """One is exchanged while the lists are compared, and put back."""
    run, workspace = open_run(desk.workspace, desk.run), desk.workspace
    reference = workspace.reference_folders(desk.request)[0]
    folder = {"run": run.layout.adapter, "original": workspace.adapter, "reference": reference}[which]
    other = workspace.adapter if which != "original" else run.layout.adapter
    AdapterLayout(folder).weights.write_bytes(AdapterLayout(other).weights.read_bytes())
    with pytest.raises(RunError, match="is not the one that the ledger holds"):
        write_overlaps(run, "cpu")
    assert not open_ledger(workspace).facts(OVERLAP, run.id)


def test_run_that_was_stopped_after_its_entry_is_not_submitted(desk, monkeypatch):
    monkeypatch.setattr(RunHandle, "request_cancel", lambda _run: None)
    cancel(open_run(desk.workspace, desk.run), "olaf")
    with pytest.raises(ReviewError, match="was stopped by a person"):
        desk.submit()


def test_request_that_somebody_makes_a_batch_is_not_dissolved(desk):
    """Dissolving removes the request, and enters that it counts no more."""
    second = open_request(desk.workspace, users=others(desk)[:1], opened_by="rita")
    file = desk.workspace.layout.request(second.id)
    write_json(file, read_json(file) | {"members": [desk.request]})
    with pytest.raises(RequestError, match="is not the batch that was opened"):
        dissolve(desk.workspace, second.id)
    assert file.exists()
