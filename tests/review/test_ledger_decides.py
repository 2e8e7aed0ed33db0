"""Kills and edits of the database between what is signed and what the database holds: the ledger decides."""

from contextlib import suppress
from dataclasses import replace

import pytest

from core.cli.workspace_checks import check_workspace
from core.errors import LedgerError, ReviewError, WorkspaceError
from core.ledger import chain
from core.review import execution, ledger_entries, withdrawal
from core.review.cases import Cases
from core.review.execution_state import Execution
from core.review.ledger_entries import WITHDRAWAL, destructions
from core.review.withdrawal import withdraw
from core.runs.ledger import open_ledger
from core.types import CaseState
from core.workspace import Workspace
from tests.review.test_closing import Killed, killed_behind, settle, vault_keys

DECISION = ledger_entries.DECISION


def rewritten(desk, **changes):
    """Somebody writes other values of the case into the database."""
    return Cases(desk.workspace).change(desk.case.number, lambda one: replace(one, **changes))


def killed(monkeypatch, owner, name, when="after"):
    """The process is killed right before or after a function; the patch ends with the test's context."""
    real = getattr(owner, name)

    def killing(*words):
        if when == "after":
            real(*words)
        raise Killed

    monkeypatch.setattr(owner, name, killing)


def entered(desk, kind):
    return open_ledger(Workspace(desk.workspace.root)).of_kind(kind)


# ------------------------------------------------------------ how a deletion ended


@pytest.mark.parametrize("behind", ["seal", "purge", "sign_destruction"])
@pytest.mark.parametrize(
    "changes",
    [
        *({"state": state} for state in (CaseState.PENDING, CaseState.VOID, CaseState.REJECTED, CaseState.CLOSED)),
        {"state": CaseState.PENDING, "decisions": (), "run": "run-other", "evidence": "0" * 64, "step": 5},
        {"run": "run-other", "evidence": "0" * 64},
        {"state": CaseState.VOID, "operator": "anna"},
    ],
    ids=[
        "pending",
        "void",
        "rejected",
        "closed",
        "pending and of another run",
        "of another run",
        "of another operator",
    ],
)
def test_interrupted_deletion_goes_on_whatever_the_database_says(desk, monkeypatch, tmp_path, behind, changes):
    desk.approve()
    rows = desk.workspace.layout.interactions.read_bytes()
    killed_behind(desk, monkeypatch, behind)
    rewritten(desk, **changes)
    settle(desk)
    assert desk.case.state is CaseState.CLOSED and len(entered(desk, "destruction")) == 1
    assert desk.workspace.layout.interactions.read_bytes() != rows and not vault_keys(tmp_path)


def test_interrupted_deletion_that_fails_is_taken_back_whatever_the_database_says(desk, monkeypatch, tmp_path):
    desk.approve()
    rows = desk.workspace.layout.interactions.read_bytes()
    killed_behind(desk, monkeypatch, "purge")
    rewritten(desk, state=CaseState.VOID)

    def fails(_execution):
        raise ReviewError("The disk is full.")

    monkeypatch.setattr(execution, "STEPS", (execution.seal, fails, *execution.STEPS[2:]))
    with pytest.raises(ReviewError, match="nothing was destroyed: The disk is full"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert desk.workspace.layout.interactions.read_bytes() == rows and not vault_keys(tmp_path)
    assert desk.case.state is CaseState.PENDING and len(entered(desk, WITHDRAWAL)) == 1


def test_interrupted_deletion_is_not_decided_on_again(desk, monkeypatch):
    desk.approve()
    killed_behind(desk, monkeypatch, "publish")
    rewritten(desk, state=CaseState.PENDING, decisions=())
    with pytest.raises(ReviewError, match="has begun"):
        withdraw(Workspace(desk.workspace.root), desk.request, "petra")
    with pytest.raises(ReviewError, match="is approved by decisions that were signed before yours"):
        desk.decide("petra", approve=False)
    assert desk.case.state is CaseState.APPROVED and len(entered(desk, DECISION)) == 2


@pytest.mark.parametrize("state", [CaseState.APPROVED, CaseState.VOID])
def test_deletion_whose_approval_an_accepted_ledger_lacks_is_rolled_back(desk, monkeypatch, tmp_path, state):
    """The ledger of a backup was accepted in mid-deletion: the sealed copies are the only whole state."""
    desk.submit()
    ledger, rows = desk.workspace.layout.ledger, desk.workspace.layout.interactions.read_bytes()
    earlier = ledger.read_bytes()
    desk.decide("petra")
    desk.decide("owen")
    killed_behind(desk, monkeypatch, "purge")
    assert desk.workspace.layout.interactions.read_bytes() != rows
    rewritten(desk, state=state)
    ledger.write_bytes(earlier)
    assert desk.invoke("ledger", "accept").exit_code == 0
    with pytest.raises(ReviewError, match="so nothing was destroyed: it is pending"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert desk.workspace.layout.interactions.read_bytes() == rows and not vault_keys(tmp_path)


def test_doctor_names_sealed_copies_of_a_case_that_is_not_approved(desk, monkeypatch):
    case = desk.approve()
    killed_behind(desk, monkeypatch, "seal")
    rewritten(desk, state=CaseState.VOID)
    found = [one for one in check_workspace(Workspace(desk.workspace.root)) if one.name == "sealed copies"]
    assert f"{desk.request}-{case.number} was left by an interrupted deletion" in found[0].detail
    assert "review settle" in found[0].fix


@pytest.mark.parametrize("step", [1, 5])
def test_step_that_only_the_database_calls_done_stops_no_withdrawal_and_skips_no_check(desk, monkeypatch, step):
    desk.approve()
    rewritten(desk, step=step)

    def is_busy(_workspace):
        raise ReviewError("A run is at work.")

    monkeypatch.setattr(execution, "check_no_run", is_busy)
    with pytest.raises(ReviewError, match="A run is at work"):
        execution.execute_decisions(desk.workspace)
    assert withdraw(desk.workspace, desk.request, "petra").state is CaseState.PENDING


# ------------------------------------------------------------ a ledger that cannot be read


@pytest.mark.parametrize("moment", [1, 2, 3])
def test_destruction_is_not_signed_where_the_ledger_was_away_for_a_moment(desk, monkeypatch, moment):
    """The database calls all steps done, and the ledger cannot be read while it is asked for the destruction."""
    desk.approve()
    killed_behind(desk, monkeypatch, "seal")
    ledger, rows = desk.workspace.layout.ledger, desk.workspace.layout.interactions.read_bytes()
    rewritten(desk, step=5)
    honest, asked, count = ledger.read_bytes(), ledger_entries.is_destroyed, []
    ledger.write_bytes(honest + b"junk\n")

    def watched(*words):
        count.append(1)
        try:
            return asked(*words)
        finally:
            if len(count) == moment:
                ledger.write_bytes(honest)

    with monkeypatch.context() as patch:
        patch.setattr(ledger_entries, "is_destroyed", watched)
        settle(desk)
    ledger.write_bytes(honest if ledger.read_bytes() == honest + b"junk\n" else ledger.read_bytes())
    is_whole = desk.workspace.layout.interactions.read_bytes() == rows
    assert is_whole and not destructions(open_ledger(Workspace(desk.workspace.root)))
    settle(desk)
    assert desk.case.state is CaseState.CLOSED and desk.workspace.layout.interactions.read_bytes() != rows


@pytest.mark.parametrize("signed", [False, True])
def test_destruction_that_may_be_signed_is_not_rolled_back(desk, monkeypatch, tmp_path, signed):
    """The ledger cannot be read when the step that signs the destruction fails: it may hold the entry or not."""
    desk.approve()
    ledger, enter, honest = desk.workspace.layout.ledger, ledger_entries.enter_destruction, []

    def damaged(*words):
        if signed:
            enter(*words)
        honest.append(ledger.read_bytes())
        ledger.write_bytes(honest[0] + b"junk\n")
        raise WorkspaceError("The disk is full.")

    with monkeypatch.context() as patch, pytest.raises(WorkspaceError, match="The disk is full"):
        patch.setattr(ledger_entries, "enter_destruction", damaged)
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert vault_keys(tmp_path) and not (desk.workspace.root / "adapter").exists()
    with pytest.raises(LedgerError, match="is damaged"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    ledger.write_bytes(honest[0])
    settle(desk)
    assert desk.case.state is CaseState.CLOSED and not vault_keys(tmp_path)


# ------------------------------------------------------------ decisions and withdrawals


@pytest.mark.parametrize("person", ["petra", "owen"])
def test_approval_whose_commit_is_killed_counts(desk, monkeypatch, person):
    desk.submit()
    if person == "owen":
        desk.decide("petra")
    with monkeypatch.context() as patch, suppress(Killed):
        killed(patch, ledger_entries, "enter_decision")
        desk.decide(person)
    assert person not in [one.person for one in desk.case.decisions]
    desk.decide(person)
    if person == "petra":
        desk.decide("owen")
    assert desk.case.state is CaseState.APPROVED and len(entered(desk, DECISION)) == 2
    settle(desk)
    assert desk.case.state is CaseState.CLOSED


def test_approval_whose_commit_is_killed_is_taken_into_the_case_by_the_next_one(desk, monkeypatch):
    desk.submit()
    with monkeypatch.context() as patch, suppress(Killed):
        killed(patch, ledger_entries, "enter_decision")
        desk.decide("petra")
    assert desk.decide("owen").state is CaseState.APPROVED
    assert [one.person for one in desk.case.decisions] == ["petra", "owen"]


@pytest.mark.parametrize("person", ["petra", "owen"])
def test_refusal_whose_commit_is_killed_counts(desk, monkeypatch, person):
    desk.submit()
    with monkeypatch.context() as patch, suppress(Killed):
        killed(patch, ledger_entries, "enter_decision")
        desk.decide("petra", approve=False)
    if person == "petra":
        desk.decide("petra", approve=False)
    else:
        with pytest.raises(ReviewError, match="is rejected by decisions that were signed before yours"):
            desk.decide("owen")
    assert desk.case.state is CaseState.REJECTED and len(entered(desk, DECISION)) == 1
    with pytest.raises(ReviewError, match="is rejected: there is no approval to withdraw"):
        withdraw(desk.workspace, desk.request, "petra")


def test_decision_is_kept_where_only_the_head_of_the_ledger_is_not(desk, monkeypatch):
    """The disk of the keys is full: the entry is there, and its command fails."""
    desk.submit()

    def full(*_words):
        raise WorkspaceError("The disk is full.")

    with monkeypatch.context() as patch, pytest.raises(WorkspaceError):
        patch.setattr(chain, "keep_head", full)
        desk.decide("petra")
    desk.decide("petra")
    assert desk.decide("owen").state is CaseState.APPROVED and len(entered(desk, DECISION)) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_withdrawal_that_is_killed_can_be_made_again(desk, monkeypatch, when):
    desk.approve()
    with monkeypatch.context() as patch, suppress(Killed):
        killed(patch, withdrawal, "enter_withdrawal", when)
        withdraw(desk.workspace, desk.request, "petra")
    assert withdraw(desk.workspace, desk.request, "petra").state is CaseState.PENDING
    desk.decide("petra")
    assert desk.decide("owen").state is CaseState.APPROVED


def test_withdrawal_that_is_killed_behind_its_entry_counts(desk, monkeypatch):
    desk.approve()
    with monkeypatch.context() as patch, suppress(Killed):
        killed(patch, withdrawal, "enter_withdrawal")
        withdraw(desk.workspace, desk.request, "petra")
    with pytest.raises(ReviewError, match="No signed decisions approve .* so nothing was destroyed: it is pending"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert desk.case.state is CaseState.PENDING and not desk.workspace.closed()


@pytest.mark.parametrize("decisions", ["kept", "dropped"])
def test_signed_approvals_of_a_case_that_the_database_calls_pending_are_withdrawn(desk, decisions):
    case = desk.approve()
    rewritten(desk, state=CaseState.PENDING, decisions=case.decisions if decisions == "kept" else ())
    assert settle(desk) and desk.case.state is CaseState.PENDING  # without copies, no deletion has begun
    withdraw(desk.workspace, desk.request, "petra")
    assert desk.case.decisions == () and not Execution(desk.workspace.root, case).vault.has_key
    desk.decide("petra")
    assert desk.decide("owen").state is CaseState.APPROVED
