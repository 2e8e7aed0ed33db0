"""What was signed about a case: which decisions it has, whether they approve it, and how it ended.

Anybody can write the database of cases, and a kill can come between an entry and the database: the ledger decides.
"""

from dataclasses import replace

from core.errors import ReviewError
from core.review.batches import DECIDING
from core.review.decisions import decided_by_four_eyes, deciding_role, state_of
from core.review.evidence_digest import check_approvable
from core.review.ledger_entries import (
    as_submitted,
    check_not_rejected,
    check_submitted,
    destructions,
    entered_decisions,
    is_destroyed,
    takes_four_eyes,
)
from core.runs.ledger_entries import Ledger
from core.types import Case, CaseState
from core.workspace import Workspace


def as_signed(ledger: Ledger, case: Case) -> Case:
    """The case with the decisions that were signed and not withdrawn, and the state that they give it.

    Raises:
        LedgerError: The ledger is damaged.
    """
    case = replace(case, decisions=entered_decisions(ledger, case))
    return replace(case, state=state_of(case, takes_four_eyes(ledger, case)))


def as_approved(ledger: Ledger, case: Case) -> Case | None:
    """The case as it was submitted and as signed decisions approve it, whatever the database says of it.

    Returns:
        None where they do not approve it.

    Raises:
        LedgerError: The ledger is damaged.
    """
    found = (as_signed(ledger, one) for one in as_submitted(ledger, case) if one.number == case.number)
    return next((one for one in found if one.state is CaseState.APPROVED), None)


def as_entered(ledger: Ledger, case: Case) -> Case:
    """The case as the ledger tells it: what was submitted and decided, and how it ended. Void where nothing was.

    Raises:
        LedgerError: The ledger is damaged.
    """
    submitted = next((one for one in as_submitted(ledger, case) if one.number == case.number), None)
    if submitted is None:
        return replace(case, state=CaseState.VOID, decisions=())
    found = as_signed(ledger, submitted)
    if is_destroyed(ledger, found):
        return replace(found, state=CaseState.CLOSED)
    # A deletion removes all runs, so that it voids the cases that were open.
    voided = any(one.content["time"] >= found.submitted for one in destructions(ledger))
    return replace(found, state=CaseState.VOID) if voided and found.state in DECIDING else found


def check_approved(ledger: Ledger, case: Case) -> None:
    """Check that signed decisions approve a case, by the ledger alone.

    Raises:
        ReviewError: They do not, or the run was rejected, or its signed verification takes no approval.
        LedgerError: The ledger is damaged.
    """
    check_submitted(ledger, case)
    check_not_rejected(ledger, case.run)
    if case.state is not CaseState.APPROVED or case != as_signed(ledger, case):
        raise ReviewError("There are not enough signed decisions: decide again.")
    check_approvable(case.run, ledger, "".join(one.reason for one in case.decisions))


def check_decided(workspace: Workspace, case: Case) -> None:
    """Check the people behind the decisions of a case again, by the roles of today.

    Raises:
        ReviewError: Somebody may not decide any more, or there are too few decisions.
    """
    for number, one in enumerate(case.decisions):
        earlier = replace(case, decisions=case.decisions[:number])
        if deciding_role(workspace, earlier, one.person, one.approve) != one.role:
            raise ReviewError(f"Person {one.person!r} has another role than when they decided: decide again.")
    if state_of(case, decided_by_four_eyes(workspace, case)) is not CaseState.APPROVED:
        raise ReviewError("There are not enough decisions: decide again.")
