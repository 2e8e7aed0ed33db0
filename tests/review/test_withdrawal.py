"""Approvals while something is at work: refused before they are recorded, or withdrawn before a step is done."""

import pytest

from core.errors import LedgerError, ReviewError, WorkspaceError
from core.ledger.chain import entries
from core.ledger.key_folder import write_secret
from core.ledger.keys import folder_of, read_public
from core.review import decisions, execution
from core.review.execution_state import Execution
from core.review.withdrawal import withdraw
from core.runs.submit import create_run
from core.types import CaseState
from core.utils.atomic_io import staging
from core.workspace.locks import shared_model_lock


def kinds(desk) -> list[str]:
    layout = desk.workspace.layout
    return [one.kind for one in entries(layout.ledger, read_public(layout.ledger_key))]


def record(desk) -> str:
    out = desk.workspace.root.parent / "record.html"
    assert desk.invoke("ledger", "record", "-r", desk.request, "--out", str(out)).exit_code == 0
    return out.read_text(encoding="utf-8")


def test_last_approval_is_refused_and_not_recorded_while_a_run_waits(desk):
    desk.submit()
    desk.decide("petra")  # decides nothing yet, so a run at work does no harm
    run = create_run(desk.workspace, desk.request, "finetune", "cpu")
    with pytest.raises(ReviewError, match=f"Run '{run.id}' is queued .* cancel it with `python -m core cancel"):
        desk.decide("owen")
    assert desk.case.state is CaseState.PENDING and [one.person for one in desk.case.decisions] == ["petra"]
    run.request_cancel()
    assert desk.decide("owen").state is CaseState.APPROVED


def test_last_approval_is_refused_and_not_recorded_while_a_verification_is_at_work(desk):
    desk.submit()
    desk.decide("petra")
    with shared_model_lock(desk.workspace), pytest.raises(WorkspaceError, match="let it end"):
        desk.decide("owen")
    assert len(desk.case.decisions) == 1


def test_waiting_approval_is_said_to_be_recorded_and_can_be_withdrawn(desk, monkeypatch):
    desk.submit()
    desk.decide("petra")
    run = create_run(desk.workspace, desk.request, "finetune", "cpu")
    monkeypatch.setattr(decisions, "check_idle", lambda workspace: None)  # the run began right after the check
    words = ("--approve", "--evidence", desk.case.evidence, "--reason", "It will do.", "--as", "owen")
    result = desk.invoke("review", "decide", "-r", desk.request, *words)
    for part in ("is recorded and waits", run.id, "review settle", "review withdraw"):
        assert part in str(result.exception)
    with pytest.raises(ReviewError, match="may not decide"):
        withdraw(desk.workspace, desk.request, "olaf")
    assert "pending" in desk.invoke("review", "withdraw", "-r", desk.request, "--as", "petra").stdout
    assert desk.case.state is CaseState.PENDING and not desk.case.decisions
    assert kinds(desk)[-3:] == ["decision", "decision", "withdrawal"]
    assert f"petra withdrew all approvals of run {desk.run}" in record(desk)
    run.request_cancel()
    assert execution.execute_decisions(desk.workspace) is None  # nothing is destroyed later
    assert (desk.workspace.root / "runs" / desk.run / "adapter").is_dir()
    with pytest.raises(ReviewError, match="is pending: there is no approval to withdraw"):
        withdraw(desk.workspace, desk.request, "petra")


@pytest.mark.parametrize("done", [1, 2, 4])
def test_begun_deletion_cannot_be_withdrawn(desk, monkeypatch, done):
    desk.approve()

    def interrupted(one):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:done], interrupted, *execution.STEPS[done + 1 :]))
        with pytest.raises(KeyboardInterrupt):
            execution.execute_decisions(desk.workspace)
    with pytest.raises(ReviewError, match="has begun, so its approval stays"):
        withdraw(desk.workspace, desk.request, "petra")
    assert execution.execute_decisions(desk.workspace).state is CaseState.CLOSED


def test_sealed_copies_without_a_done_step_cannot_be_withdrawn(desk):
    """After a rollback that was cut off, the sealed copies are the only whole state."""
    case = desk.approve()
    one = Execution(desk.workspace.root, case)
    execution.seal(one)
    with pytest.raises(ReviewError, match="has begun"):
        withdraw(desk.workspace, desk.request, "petra")
    away = one.vault.path.rename(desk.workspace.root / "away")  # their key is still there
    with pytest.raises(LedgerError, match="put the copies back"):
        withdraw(desk.workspace, desk.request, "petra")
    part = away.rename(staging(one.vault.path))  # as if the sealing itself had been cut off
    assert withdraw(desk.workspace, desk.request, "owen").state is CaseState.PENDING
    assert not part.exists() and not one.vault.has_key


def test_key_of_an_earlier_workspace_at_this_place_is_named_and_can_be_deleted(desk):
    """A workspace that was removed in the middle of a deletion leaves its key, and others may take its place."""
    vault = Execution(desk.workspace.root, desk.approve()).vault
    key = folder_of(read_public(desk.workspace.layout.ledger_key)) / f"{'a' * 32}.key"
    write_secret(key, bytes([1]) * 32 + str(vault.path).encode())
    with pytest.raises(LedgerError, match=f"delete the key file {key}"):
        withdraw(desk.workspace, desk.request, "petra")
    assert desk.case.state is CaseState.APPROVED
    key.unlink()
    assert withdraw(desk.workspace, desk.request, "petra").state is CaseState.PENDING
