"""What was sealed for a deletion, compared with what was signed: the copies decide what is published and signed.

The base model and its tokenizer are not sealed, as a base may be large: they are compared where they lie, here and
before the destruction is signed, and the entry of the destruction holds the digests that the last verification signed.
"""

from core.errors import RequestError, ReviewError
from core.review.evidence_digest import check_signed, check_verification
from core.review.execution_state import Execution
from core.review.signed_inputs import check_question, check_request
from core.runs.ledger_entries import Ledger
from core.runs.requests import unmarked


def check_sealed(execution: Execution) -> None:
    """Check that the run, its results, requests and data were sealed as they were approved and signed.

    Raises:
        ReviewError: One was changed, or the base model was.
        RequestError: A request is not signed as it stands.
        LedgerError: The ledger is damaged, or the copies cannot be read.
    """
    if execution.sealed_evidence() != execution.case.evidence:
        raise ReviewError("The run was changed since it was approved.")
    run, ledger, request = execution.case.run, Ledger(execution.workspace), execution.sealed_request()
    check_signed(run, execution.sealed_digests(), ledger)
    check_verification(run, execution.sealed_verification(), ledger)
    check_question(run, execution.sealed_question(), ledger)
    if changed := unmarked(execution.sealed_workspace, [request, *execution.sealed_members()]):
        raise RequestError(f"Request {changed[0].id!r} is not signed as it was sealed: put its file back.")
    check_request(run, request, execution.sealed_forgotten(), ledger)
