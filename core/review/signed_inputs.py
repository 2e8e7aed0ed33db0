"""What a run worked on and made, compared with what its worker and its last verification signed.

Adapters alone do not say what was forgotten: a request, its rows, a prompt template or a report may be changed between
the run and the decision.
"""

from collections.abc import Mapping
from typing import Any

from core.data.splits import ForgottenRows, forgotten_of
from core.errors import ReviewError
from core.pipeline.question import question_digest
from core.review.evidence_digest import ABSENT, check_signed
from core.runs.handle import RunHandle
from core.runs.ledger import QUESTION
from core.runs.ledger_entries import Ledger
from core.runs.request_content import request_content
from core.runs.requests import check_opened
from core.runs.signed_files import judged_files, overlap_is_signed, signed_overlap
from core.types import Request
from core.verification.thresholds import Thresholds

BOUND = {  # what of a request its run is bound to, in words
    "id": "its id",
    "opened": "when it was opened",
    "opened_by": "who opened it",
    "due": "its due date",
    "ground": "its legal basis",
    "identity": "how the identity was checked",
    "subjects": "the people",
    "forgotten": "the number of rows",
    "commitment": "the rows",
}


def digests_now(run: RunHandle, ledger: Ledger) -> dict[str, str]:
    """SHA-256 of all files of a run by their names in the ledger, each read once; ABSENT for one that is missing."""
    return dict.fromkeys(judged_files(run.workspace.adapter, run.layout), ABSENT) | ledger.subjects_now(run)


def check_inputs(run: RunHandle, ledger: Ledger, present: Mapping[str, str]) -> None:
    """Check that the request and all files of a run are those that were signed.

    Args:
        run: The run.
        ledger: The workspace's ledger.
        present: What `digests_now` read.

    Raises:
        ReviewError: One is not.
        LedgerError: The ledger is damaged.
    """
    check_signed(run.id, present, ledger)
    if not overlap_is_signed(run, ledger):
        raise ReviewError(f"{run.layout.overlap} is not what was computed and signed: compare all lists again.")
    workspace = run.workspace
    request, settings = workspace.request(run.spec.request), workspace.settings
    check_opened(workspace, request)
    rows = forgotten_of(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    check_request(run.id, request, rows, ledger)
    margins = Thresholds(settings.forgotten_share).digest
    if ledger.run_content(run.id).get("thresholds", margins) != margins:
        raise ReviewError(f"forgotten_share is not what it was when run {run.id!r} was launched: launch a new run.")
    now = check_question(run.id, question_digest(workspace, request), ledger)
    if signed_overlap(run, ledger)[1] not in ("", now):  # earlier versions entered none
        raise ReviewError(f"Data or settings changed since all lists of run {run.id!r} were compared: compare again.")


def check_question(run_id: str, question: str, ledger: Ledger) -> str:
    """Check that models would be asked what they were asked for the last verification of a run.

    Args:
        run_id: Id of the run.
        question: What `question_digest` gives.
        ledger: The workspace's ledger.

    Returns:
        The mark of the question.

    Raises:
        ReviewError: They would not.
        LedgerError: The ledger is damaged.
    """
    now = ledger.mark(QUESTION, question)
    if ledger.verified_content(run_id).get("question", now) != now:  # earlier versions entered none
        raise ReviewError(
            f"Data or settings changed since run {run_id!r} was verified: verify it again. The base model, its "
            "tokenizer and the prompt template count too."
        )
    return now


def check_request(run_id: str, request: Request, rows: ForgottenRows, ledger: Ledger) -> None:
    """Check that a request is about the people and rows that the run forgot.

    Args:
        run_id: Id of the run.
        request: The request.
        rows: What it takes from the training.
        ledger: The workspace's ledger.

    Raises:
        ReviewError: It is not.
        LedgerError: The ledger is damaged.
    """
    signed: Mapping[str, Any] = ledger.run_content(run_id).get("request", {})
    now = request_content(request, rows, ledger.keys)
    verified = ledger.verified_content(run_id).get("commitment", now["commitment"])  # earlier versions entered none
    changed = [words for name, words in BOUND.items() if signed.get(name) != now[name]]
    changed = changed or ["the rows that were verified"] * (verified != now["commitment"])
    if changed:
        raise ReviewError(
            f"Request {request.id!r} is not the one that run {run_id!r} forgot ({', '.join(changed)} differ): put its "
            "file and the data back, or launch a new run."
        )
