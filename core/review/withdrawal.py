"""Withdrawal of an approval that is signed and not carried out: the case waits for its decisions again."""

from core.errors import ReviewError
from core.review.batches import DECIDING
from core.review.cases import Cases
from core.review.decisions import case_of
from core.review.execution_state import Execution
from core.review.ledger_entries import check_submitted, enter_withdrawal
from core.review.permissions import require
from core.review.signed_decisions import as_entered
from core.runs.ledger_entries import Ledger
from core.types import Action, Case, CaseState
from core.workspace import Workspace
from core.workspace.locks import decision_lock


def withdraw(workspace: Workspace, request_id: str, person: str) -> Case:
    """Withdraw the approvals of a request, complete or not, while no step of its deletion is done.

    Args:
        workspace: The workspace.
        request_id: The request.
        person: Who withdraws it; whoever may decide may withdraw.

    Returns:
        The case, pending and without decisions.

    Raises:
        ReviewError: The person may not decide, the case is not the one that was submitted last, nobody approved it, or
            its deletion has begun.
        LedgerError: The ledger takes no entry, or the key of sealed copies is there without them.
    """
    require(workspace, person, Action.DECIDE)
    with decision_lock(workspace):  # no deletion begins meanwhile
        case, ledger = case_of(workspace, request_id), Ledger(workspace)
        # Once it is signed no deletion begins, whatever the database says after a kill.
        pending = Cases(workspace).reopen(case.number, "", case, lambda one: _sign(ledger, one, person))
        Execution(workspace.root, case).vault.discard()  # copies of a sealing that was cut off
        return pending


def _sign(ledger: Ledger, case: Case, person: str) -> None:
    """Sign that the approvals of a case are withdrawn, where the ledger holds any and no step was done."""
    check_submitted(ledger, case)
    entered = as_entered(ledger, case)
    # A withdrawal that was killed behind its entry leaves a case that only the database calls approved.
    if entered.state not in DECIDING or not (entered.decisions or case.state is CaseState.APPROVED):
        raise ReviewError(f"Request {case.request!r} is {entered.state}: there is no approval to withdraw.")
    # Sealed copies without a done step may belong to a rollback that was cut off: they hold the only whole state.
    # Copies are files, which anybody may take away; their key is not.
    vault = Execution(ledger.workspace.root, case).vault
    if vault.sealed:
        raise ReviewError(
            f"The deletion of request {case.request!r} has begun, so its approval stays: continue the deletion."
        )
    vault.check_not_lost()
    if entered.decisions:
        enter_withdrawal(ledger, case, person)
