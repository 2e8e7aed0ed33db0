"""Rollback of a deletion: every file as it was before, and a case that nobody approved as the ledger tells it."""

from contextlib import suppress
from dataclasses import replace

from core.errors import CureLensError, ReviewError, WorkspaceError
from core.review.cases import Cases
from core.review.execution_state import Execution
from core.review.signed_decisions import as_entered
from core.review.smaller_requests import enter_marks_again
from core.runs.ledger_entries import Ledger
from core.types import Case
from core.utils.atomic_io import remove_file, remove_folder, staging
from core.workspace import Workspace


def roll_back(execution: Execution) -> None:
    """Restore every file as it was before the first step, and the marks of requests where the ledger takes them.

    Raises:
        LedgerError: The sealed copies are missing or cannot be read.
    """
    if not execution.vault.sealed:
        execution.vault.check_not_lost()
        return
    for folder in (staging(execution.adapter), execution.adapter):
        with suppress(WorkspaceError):  # first of all, everything is restored
            remove_folder(folder)
    for request in (execution.sealed_request(), *execution.sealed_members()):
        with suppress(WorkspaceError):  # the folder was exchanged meanwhile
            remove_file(execution.layout.closed(request.id))
    execution.vault.restore(execution.root)
    with suppress(CureLensError):
        enter_marks_again(execution)


def set_back(workspace: Workspace, case: Case) -> ReviewError:
    """Set a case that only the database calls approved to what the ledger tells of it, and sign nothing about it.

    Returns:
        What to tell the person.

    Raises:
        LedgerError: The ledger cannot be read, or the sealed copies are missing or cannot be read.
    """
    entered = as_entered(Ledger(workspace), case)
    execution = Execution(workspace.root, entered)
    roll_back(execution)
    message = f"No signed decisions approve request {case.request!r}, so nothing was destroyed: it is {entered.state}."
    Cases(workspace).change(case.number, lambda _: replace(entered, step=0, message=message), case)
    execution.vault.discard()
    return ReviewError(message)
