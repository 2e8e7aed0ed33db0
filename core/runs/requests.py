"""Requests as they were opened.

The file of a request says who asked for what, and whoever writes files could change it. So it carries a mark: an HMAC
of all the rest under the ledger's secret. The last mark of each request stands in the ledger too, so that an earlier
version of its file does not count. Where no ledger is kept, requests carry none.

A request is about rows of the data, which whoever writes files could remove before a run. So its file also holds a mark
of all rows of its subjects, as they were when it was signed. Requests of version 0.2.0 and earlier hold none.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from core.errors import RequestError
from core.runs.ledger import REQUEST, NullLedger, last_fact, open_ledger
from core.runs.signed_settings import check_settings
from core.types import Identity, LegalBasis, Request
from core.utils.clock import utc_now
from core.utils.commands import command_line
from core.utils.serialization import from_json, sorted_json, to_json, write_json
from core.workspace import Workspace

ROWS = "rows of a request"  # name of the mark of the rows


def request_mark(workspace: Workspace) -> Callable[[Request], str]:
    """The function that makes marks; it raises LedgerError where the secret is missing.

    Empty fields are left out, so that a field that a later version adds changes no mark.
    """
    ledger = open_ledger(workspace)

    def mark(request: Request) -> str:
        values = to_json(replace(request, mark="")).items()
        return ledger.mark(REQUEST, sorted_json({name: value for name, value in values if value}))

    return mark


def with_rows_mark(workspace: Workspace, requests: Sequence[Request], removed: Request | None = None) -> list[Request]:
    """The requests, each with a mark of all rows of its subjects in the data and the titles in them.

    Args:
        workspace: The workspace.
        requests: The requests.
        removed: A request whose rows are left out, as after its deletion.

    Raises:
        LedgerError: The ledger's keys are missing.
    """
    ledger, items, covers = open_ledger(workspace), workspace.items, (removed or Request("")).covers
    rows: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for row in workspace.interactions.of_users({user for one in requests for user in one.subjects}):
        if not covers(row):
            title = items[row.item].title if row.item in items else ""
            rows[row.user].append((row.item, title, row.liked, row.time, row.rating))
    marks = (ledger.mark(ROWS, sorted_json([(user, rows[user]) for user in one.subjects])) for one in requests)
    return [replace(one, rows_mark=mark) for one, mark in zip(requests, marks, strict=True)]


def open_request(
    workspace: Workspace,
    users: Iterable[str] = (),
    interactions: Iterable[tuple[str, str]] = (),
    reason: str = "",
    opened_by: str = "",
    legal_basis: LegalBasis = LegalBasis.NOT_RECORDED,
    identity: Identity = Identity.NOT_RECORDED,
) -> Request:
    """Check a deletion request against the data, then mark and write it.

    Raises:
        RequestError: The request cannot be served; nothing is written.
        LedgerError: The ledger's keys are missing; nothing is written.
    """
    request = Request(
        id=f"req-{secrets.token_hex(3)}",
        users=tuple(dict.fromkeys(users)),
        interactions=tuple(dict.fromkeys(interactions)),
        reason=reason,
        created=utc_now(),
        opened_by=opened_by,
        legal_basis=legal_basis,
        identity=identity,
    )
    workspace.check(request)
    return write_marked(workspace, with_rows_mark(workspace, [request])[0])


def write_marked(workspace: Workspace, request: Request, deletion: str = "") -> Request:
    """Mark, enter and write a request, with the mark of rows that it has.

    Args:
        workspace: The workspace.
        request: The request.
        deletion: Id of another request whose deletion made this one smaller.

    Raises:
        DamagedError: It holds text that no file can hold.
        LedgerError: The ledger takes no entry.
    """
    from_json(Request, to_json(request), "The request")
    marked = replace(request, mark=request_mark(workspace)(request))
    open_ledger(workspace).record_fact(REQUEST, request.id, marked.mark, deletion)
    write_json(workspace.layout.request(request.id), marked)
    return marked


def rewrite(workspace: Workspace, before: Request, request: Request, deletion: str) -> None:
    """Write a request of which a deletion removed a part. Only a request that was signed before gets a new mark.

    Args:
        workspace: The workspace, with the data as they were before.
        before: The request before.
        request: What is left of it.
        deletion: Id of the request that was carried out.
    """
    # A deletion that was killed here does it again.
    is_entered = last_fact(open_ledger(workspace), REQUEST, request.id) == request_mark(workspace)(request)
    if is_entered or not unmarked(workspace, [before]):
        write_marked(workspace, request, deletion)
    else:
        write_json(workspace.layout.request(request.id), request)


def void_request(workspace: Workspace, request_id: str) -> None:
    """Enter an empty mark: no file of this request counts any more. Raises LedgerError."""
    open_ledger(workspace).record_fact(REQUEST, request_id, "")


def entered_requests(workspace: Workspace) -> list[str]:
    """Ids of the requests that are open by the ledger. Raises LedgerError. Earlier versions entered none."""
    ledger = open_ledger(workspace)
    closed = ledger.closed_marks() or {}
    return [name for name, mark in dict(ledger.facts(REQUEST)).items() if mark and name not in closed]


def lost_requests(workspace: Workspace) -> list[str]:
    """Ids of the requests that are open by the ledger, and whose files are not there. Raises LedgerError.

    None while copies are sealed: a deletion that is at work may put such files back.
    """
    layout = workspace.layout
    return [] if layout.vaults() else [one for one in entered_requests(workspace) if not layout.request(one).is_file()]


def check_opened(workspace: Workspace, request: Request, rows: bool = True) -> None:
    """Check that a request, and each member of a batch, is what was opened here, about the same rows and settings.

    Args:
        workspace: The workspace.
        request: The request.
        rows: Whether its rows are compared too, and its people can be forgotten; that reads all rows of its subjects.

    Raises:
        RequestError: One, or a row of its subjects, was changed since, put there, or put back to an earlier version;
            it was opened before the ledger or with version 0.2.0 or earlier; a batch is not about what its members
            ask for; or somebody did not train the adapter, as the list of users is now.
        ReviewError: The settings are not those that were signed.
        LedgerError: The ledger's keys are missing.
    """
    check_settings(workspace)
    members = [workspace.request(name) for name in request.members]
    if changed := unmarked(workspace, [request, *members], rows):
        confirm = command_line("ledger", "confirm", "--workspace", str(workspace.root))
        raise RequestError(
            f"Request {changed[0].id!r} is not signed as it stands: its file, or rows or titles of its users, were "
            "changed, or it was opened before the ledger or with version 0.2.0 or earlier. Check the file and the data "
            f"and run `{confirm}`, or open the request again."
        )
    if members and not _same_rows(request, Request.union(request.id, members)):
        raise RequestError(f"Batch {request.id!r} is not what its requests ask for: dissolve it, and make it again.")
    if rows:
        workspace.check(request)


def _same_rows(one: Request, other: Request) -> bool:
    return (set(one.users), set(one.interactions)) == (set(other.users), set(other.interactions))


def unmarked_requests(workspace: Workspace) -> list[Request]:
    """The open requests that are not signed as they stand; none without a ledger. Raises LedgerError."""
    return unmarked(workspace, workspace.requests())


def unmarked(workspace: Workspace, requests: Sequence[Request], rows: bool = True) -> list[Request]:
    """Those of some requests that are not signed as they stand; none without a ledger. Raises LedgerError.

    Args:
        workspace: The workspace.
        requests: The requests.
        rows: Whether their rows are compared too.
    """
    if isinstance(ledger := open_ledger(workspace), NullLedger):
        return []
    mark, entered = request_mark(workspace), dict(ledger.facts(REQUEST))  # the last of each request
    known = [one for one in requests if rows and one.rows_mark]
    now = {one.id: one.rows_mark for one in with_rows_mark(workspace, known)} if known else {}
    return [
        one
        for one in requests
        if one.mark != mark(one)
        or one.mark != entered.get(one.id, one.mark)
        or one.rows_mark != now.get(one.id, one.rows_mark)
    ]
