"""Requests of which a deletion removes a part, and their marks where the deletion is rolled back.

The sealed copies decide which members of a batch go, because the file of one may have been removed from the folder.
"""

from collections.abc import Collection
from dataclasses import replace

from core.review.execution_state import Execution
from core.runs.ledger import REQUEST, last_fact, open_ledger
from core.runs.ledger_entries import Ledger
from core.runs.requests import request_mark, rewrite, unmarked, void_request
from core.types import Request
from core.utils.atomic_io import remove_file


def shrink_requests(execution: Execution) -> None:
    """Remove forgotten users and rows from the open requests, and the requests of which nothing is left."""
    workspace, removed, gone = execution.workspace, execution.sealed_request(), _gone(execution)
    for other in workspace.requests().whole():
        if (left := _left_of(other, removed, gone)) is None:
            remove_file(workspace.layout.request(other.id))
        elif left != other:
            rewrite(workspace, other, left, execution.case.request)


def enter_marks_again(execution: Execution) -> None:
    """Enter the marks of restored requests again: the last marks in the ledger are those of the smaller versions.

    Only what was signed when the deletion began is signed again: the file of an earlier version may have been put back.

    Raises:
        LedgerError: The ledger takes no entry, or the sealed copies cannot be read.
    """
    workspace, removed, gone = execution.workspace, execution.sealed_request(), _gone(execution)
    ledger, mark = Ledger(workspace), request_mark(workspace)
    for one in execution.sealed_requests():
        left = _left_of(one, removed, gone)
        made_smaller = left not in (None, one) and last_fact(ledger, REQUEST, one.id) == mark(left)
        if made_smaller and one.mark == mark(one) == _mark_before(ledger, one, execution.case.request):
            ledger.record_fact(REQUEST, one.id, one.mark)


def _mark_before(ledger: Ledger, request: Request, deletion: str) -> str:
    """The last mark of a request that a deletion did not enter; earlier versions entered none."""
    entered = [one.content for one in ledger.of_kind(REQUEST, request.id) if one.content["about"] == request.id]
    found = [one["value"] for one in entered if one.get("deletion") != deletion]
    return str(found[-1]) if found else request.mark


def void_removed(execution: Execution) -> None:
    """Enter that the signed requests of which the deletion left nothing are no longer open. May be repeated."""
    carried_out = (open_ledger(execution.workspace).closed_marks() or {}).keys()
    for name in sorted(_gone(execution) - carried_out):
        void_request(execution.workspace, name)


def _gone(execution: Execution) -> set[str]:
    """Ids of the signed requests of which the deletion leaves nothing."""
    removed = execution.sealed_request()
    whole = [one for one in execution.sealed_requests() if _left_of(one, removed) is None]
    return {one.id for one in whole} - {one.id for one in unmarked(execution.workspace, whole)}


def _left_of(request: Request, removed: Request, gone: Collection[str] = ()) -> Request | None:
    """What a deletion leaves of a request, without the members that are gone; None for nothing."""
    users = tuple(user for user in request.users if user not in removed.users)
    pairs = tuple(
        pair for pair in request.interactions if pair[0] not in removed.users and pair not in removed.interactions
    )
    if request.id == removed.id or not (users or pairs):
        return None
    members = tuple(name for name in request.members if name not in gone)
    return replace(request, users=users, interactions=pairs, members=members)
