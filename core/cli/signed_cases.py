"""Check of `python -m core doctor` on the cases, whose submissions and decisions the ledger holds."""

from collections.abc import Iterable, Iterator

from core.cli.finding import Finding
from core.errors import ReviewError
from core.review.batches import DECIDING
from core.review.cases import Cases
from core.review.ledger_entries import SUBMISSION, check_submitted
from core.review.signed_decisions import as_entered
from core.runs.ledger_entries import Ledger
from core.types import Case, CaseState, Decision
from core.workspace import Workspace

# The database's state, and the ledger's, between the entry of a destruction and the end of the deletion.
ENDING = ((CaseState.APPROVED, CaseState.CLOSED), (CaseState.PENDING, CaseState.VOID))


def signed_cases(workspace: Workspace) -> Iterator[Finding]:
    """One finding for each case that is gone, or has other decisions or another state than the ledger tells."""
    ledger, cases = Ledger(workspace), Cases(workspace)
    found = {case.number: case for case in cases.all()}
    for content in (one.content for one in ledger.of_kind(SUBMISSION) if "repeats" not in one.content):
        case = found.get(content["case"])
        if case is None or (case.request, case.run) != (content["request"], content["run"]):
            about = f"the submission of run {content['run']} for request {content['request']}"
            fix = "Restore it from a backup. Where a submission was killed, submit again."
            yield Finding(f"case {content['case']}", False, f"{about} is signed, and not in {cases.path}", fix)
    for case in found.values():
        if fault := _fault(ledger, case):
            yield Finding(f"case {case.number}", False, fault, f"Restore {cases.path}, or decide again.")


def _fault(ledger: Ledger, case: Case) -> str:
    """How a case differs from what was signed about it; "" where it does not."""
    entered = as_entered(ledger, case)
    signed, own = _made(entered.decisions), _made(case.decisions)
    if lost := signed - own:
        return f"the signed decision of {min(lost)[0]!r} is missing in it"
    try:
        if case.state in DECIDING:
            check_submitted(ledger, case)
    except ReviewError as error:
        return str(error)
    if own - signed:
        return f"the decision of {min(own - signed)[0]!r} was not signed"
    if case.state is not entered.state and (case.state, entered.state) not in ENDING:
        return f"it is {case.state} there, and {entered.state} by the ledger"
    return ""


def _made(decisions: Iterable[Decision]) -> set[tuple[str, str, bool, str]]:
    """Who decided what and when; reasons are wiped when a case is closed."""
    return {(one.person, one.role, one.approve, one.time) for one in decisions}
