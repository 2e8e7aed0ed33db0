"""What was signed about an approved case, compared again with the case and the roles of today."""

from dataclasses import replace

from core.errors import ReviewError
from core.review.decisions import deciding_role, state_of
from core.review.evidence_digest import check_approvable
from core.review.ledger_entries import check_submitted, entered_decisions
from core.runs.ledger_entries import Ledger
from core.types import Case, CaseState
from core.workspace import Workspace


def check_decided(workspace: Workspace, case: Case, ledger: Ledger) -> None:
    """Check an approved case before it is carried out.

    Raises:
        ReviewError: A decision was not signed when it was made, its person may not decide, there are too few, or the
            signed verification takes no approval.
        LedgerError: The ledger is damaged.
    """
    signed = entered_decisions(ledger, case)
    check_submitted(ledger, case)
    for number, one in enumerate(case.decisions):
        if one not in signed or one.evidence != case.evidence:
            raise ReviewError(f"The decision of {one.person!r} was not signed when it was made: decide again.")
        earlier = replace(case, decisions=case.decisions[:number])
        if deciding_role(workspace, earlier, one.person, one.approve) != one.role:
            raise ReviewError(f"Person {one.person!r} has another role than when they decided: decide again.")
    if state_of(workspace, case) is not CaseState.APPROVED:
        raise ReviewError("There are not enough decisions: decide again.")
    check_approvable(case.run, ledger, "".join(one.reason for one in case.decisions))
