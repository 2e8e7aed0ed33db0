"""Requests of which a deletion removes a part, and their marks where the deletion is rolled back.

The sealed copies decide which members of a batch go, because the file of one may have been removed from the folder, and
of which rows a mark is made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from core.review.execution_state import Execution
from core.runs.ledger import REQUEST, last_fact, open_ledger
from core.runs.ledger_entries import Ledger
from core.runs.requests import request_mark, rewrite, unmarked, void_request, with_rows_mark
from core.types import Request
from core.utils.atomic_io import remove_file


def shrink_requests(execution: Execution) -> None:
    """Remove forgotten users and rows from the open requests, and the requests of which nothing is left."""
    for other, left in _smaller(execution, execution.workspace.requests().whole()):
        if left is None:
            remove_file(execution.layout.request(other.id))
        elif left != other:
            rewrite(execution.sealed_workspace, other, left, execution.case.request)


def enter_marks_again(execution: Execution) -> None:
    """Enter the marks of restored requests again: the last marks in the ledger are those of the smaller versions.

    Only what was signed when the deletion began is signed again: the file of an earlier version may have been put back.

    Raises:
        LedgerError: The ledger takes no entry, or the sealed copies cannot be read.
    """
    ledger, mark = Ledger(execution.workspace), request_mark(execution.workspace)
    for one, left in _smaller(execution, list(execution.sealed_requests())):
        made_smaller = left not in (None, one) and last_fact(ledger, REQUEST, one.id) == mark(left)
        if made_smaller and execution.was_signed(one):
            ledger.record_fact(REQUEST, one.id, one.mark)


def void_removed(execution: Execution) -> None:
    """Enter that the signed requests of which the deletion left nothing are no longer open. May be repeated."""
    carried_out = (open_ledger(execution.workspace).closed_marks() or {}).keys()
    for name in sorted(_gone(execution) - carried_out):
        void_request(execution.workspace, name)


def _smaller(execution: Execution, requests: Sequence[Request]) -> Iterator[tuple[Request, Request | None]]:
    """Each of some requests, and what the deletion leaves of it and of its users' rows; None for nothing."""
    removed, gone = execution.sealed_request(), _gone(execution)
    for one in requests:
        left = _left_of(one, removed)
        if left is None:
            yield one, None
            continue
        left = replace(left, members=tuple(name for name in left.members if name not in gone))
        loses_rows = left.rows_mark and not set(one.subjects).isdisjoint(removed.subjects)
        yield one, with_rows_mark(execution.sealed_workspace, [left], removed)[0] if loses_rows else left


def _gone(execution: Execution) -> set[str]:
    """Ids of the signed requests of which the deletion leaves nothing."""
    removed = execution.sealed_request()
    whole = [one for one in execution.sealed_requests() if _left_of(one, removed) is None]
    return {one.id for one in whole} - {one.id for one in unmarked(execution.sealed_workspace, whole)}


def _left_of(request: Request, removed: Request) -> Request | None:
    """What a deletion leaves of a request; None for nothing."""
    users = tuple(user for user in request.users if user not in removed.users)
    pairs = tuple(
        pair for pair in request.interactions if pair[0] not in removed.users and pair not in removed.interactions
    )
    if request.id == removed.id or not (users or pairs):
        return None
    return replace(request, users=users, interactions=pairs)
