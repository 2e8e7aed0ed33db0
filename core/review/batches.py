"""Batches: one run, one verification and one decision for several requests. Each keeps a record of its own.

A batch is a request whose forget set is the union of its members'. It holds them from its creation until its run is
rejected or it is dissolved; then they are free. Another run of a rejected batch takes them up again if they still are.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from core.errors import RequestError, ReviewError
from core.review.cases import Cases
from core.review.forgotten_data import forgotten_data_of
from core.runs.handle import runs
from core.runs.ledger import REQUEST, last_fact, open_ledger
from core.runs.requests import check_opened, request_mark, void_request, with_rows_mark, write_marked
from core.types import ENDED, Action, Case, CaseState, Identity, LegalBasis, Request, RunState
from core.utils.atomic_io import remove_file, remove_folder
from core.utils.clock import utc_now
from core.utils.commands import command_line
from core.workspace import Workspace
from core.workspace.ids import is_id
from core.workspace.locks import exclusive_model_lock

DECIDING = (CaseState.PENDING, CaseState.APPROVED)


def open_batch(
    workspace: Workspace, members: Sequence[str], batch_id: str = "", reason: str = "", opened_by: str = ""
) -> Request:
    """Check a batch of open requests, then write it.

    Args:
        workspace: The workspace.
        members: Ids of the requests, at least two.
        batch_id: Id of the batch; "" for a random one. It stays in the ledger.
        reason: Free text; it is destroyed with the batch.
        opened_by: Who makes the batch.

    Raises:
        RequestError: A member or the id cannot be used, or the union cannot be served; nothing is written.
        ReviewError: A member is under review or in another batch.
    """
    requests = [_open_member(workspace, name) for name in dict.fromkeys(members)]
    for one in requests:
        check_opened(workspace, one)
    if len(requests) < 2:
        raise RequestError("A batch needs at least two different requests: name them, separated by commas.")
    name = batch_id or f"batch-{secrets.token_hex(3)}"
    _check_id(workspace, name)
    batch = _union(name, requests, reason, opened_by)
    workspace.check(batch)
    check_members(workspace, batch)
    return write_marked(workspace, with_rows_mark(workspace, [batch])[0])


def holding_batch(workspace: Workspace, request_id: str) -> Request | None:
    """The batch under way that a request is in; a batch whose last run was rejected holds nothing."""
    newest = {case.request: case for case in Cases(workspace).all().whole()}
    return held_members(workspace.requests().whole(), newest).get(request_id)


def held_members(requests: Sequence[Request], cases: Mapping[str, Case]) -> dict[str, Request]:
    """The batch under way that each member is in.

    Args:
        requests: All open requests.
        cases: The newest case of each request, by its id.
    """
    under_way = (one for one in requests if one.id not in cases or cases[one.id].state is not CaseState.REJECTED)
    return {member: batch for batch in under_way for member in batch.members}


def dissolve(workspace: Workspace, batch_id: str) -> tuple[str, ...]:
    """Remove a batch with its references and runs; its members are free again.

    Returns:
        Ids of the members that are open, and can be worked on by themselves.

    Raises:
        RequestError: The id is not that of an open batch, or the ledger holds another version of it.
        ReviewError: The batch is under review, or has a run that waits or is at work.
        WorkspaceError: A run, a reference or a verification is at work, or the disk refuses.
        LedgerError: The ledger takes no entry.
    """
    if not (batch := workspace.request(batch_id)).members:
        raise RequestError(f"Request {batch_id!r} is no batch: only a batch can be dissolved.")
    with exclusive_model_lock(workspace):
        _check_was_batch(workspace, batch)
        check_dissolvable(workspace, batch_id)
        own = [run.path for run in runs(workspace).whole() if run.spec.request == batch_id]
        for folder in filter(Path.exists, (*own, workspace.layout.references(batch_id))):
            remove_folder(folder)
        void_request(workspace, batch_id)
        remove_file(workspace.layout.request(batch_id))  # last: until then, the command can be repeated
    still_open = {one.id for one in workspace.requests()}
    return tuple(member for member in batch.members if member in still_open)


def _check_was_batch(workspace: Workspace, batch: Request) -> None:
    """Raise RequestError where the ledger holds another request of this id, which would be lost."""
    entered = last_fact(open_ledger(workspace), REQUEST, batch.id)
    if entered not in (None, "", request_mark(workspace)(batch)):  # "" of a command that was killed
        file = workspace.layout.request(batch.id)
        raise RequestError(
            f"{file} is not the batch that was opened: restore it, or sign it with `ledger confirm` if it is right."
        )


def dissolving_action(workspace: Workspace, batch_id: str) -> Action:
    """The action that dissolving a batch takes: RUN where it removes finished runs or references, else OPEN."""
    finished = (run for run in runs(workspace).whole() if run.status.state is RunState.DONE)
    removes = any(run.spec.request == batch_id for run in finished) or workspace.layout.references(batch_id).exists()
    return Action.RUN if removes else Action.OPEN


def check_dissolvable(workspace: Workspace, batch_id: str) -> None:
    """Check that nobody decides on a batch and that no run of it waits or is at work.

    Raises:
        ReviewError: Somebody does, or one is.
    """
    if (case := Cases(workspace).of(batch_id)) and case.state in DECIDING:
        raise ReviewError(f"Batch {batch_id!r} is under review with run {case.run!r}: have it rejected first.")
    for run in runs(workspace).whole():
        if run.spec.request == batch_id and run.status.state not in ENDED:
            raise ReviewError(f"Batch {batch_id!r} has run {run.id!r}, which has not ended: cancel it first.")


def check_free(workspace: Workspace, request_id: str) -> None:
    """Check that a request may be carried out on its own.

    Raises:
        ReviewError: It is in a batch under way.
    """
    if batch := holding_batch(workspace, request_id):
        raise ReviewError(
            f"Request {request_id!r} is in batch {batch.id!r}: work on the batch, or dissolve it with "
            f"`{command_line('dissolve', '--workspace', str(workspace.root), '--request', batch.id)}`."
        )


def check_members(workspace: Workspace, request: Request) -> None:
    """Check that no member of a batch is under review or in another batch. A single request always passes.

    Raises:
        ReviewError: One is.
    """
    cases = Cases(workspace)
    for member in request.members:
        if (batch := holding_batch(workspace, member)) and batch.id != request.id:
            raise ReviewError(f"Request {member!r} is in batch {batch.id!r} already: leave it out of {request.id!r}.")
        if (case := cases.of(member)) and case.state in DECIDING:
            raise ReviewError(f"Request {member!r} is under review by itself: wait for the decision or leave it out.")


def _open_member(workspace: Workspace, request_id: str) -> Request:
    """A request that can join a batch. Raises RequestError where it is closed, unknown or a batch itself."""
    if any(one.id == request_id for one in workspace.closed().whole()):
        raise RequestError(f"Request {request_id!r} is carried out already: leave it out of the batch.")
    request = workspace.request(request_id)
    if request.members:
        raise RequestError(f"Request {request_id!r} is a batch itself: name its requests instead.")
    return request


def _check_id(workspace: Workspace, name: str) -> None:
    """Raise RequestError where a batch cannot have this id. It stands in every member's record, so it names nobody."""
    if not is_id(name):
        raise RequestError(f"Batch id {name!r} is no plain word of at most 100 bytes: use letters, digits, - and _.")
    opened, closed = workspace.requests().whole(), workspace.closed().whole()
    ids = {one.id for one in opened} | {one.id for one in closed}
    if name in ids | set(Cases(workspace).newest()):
        raise RequestError(f"Batch id {name!r} is taken by another request: choose a new one.")
    single = [one.id for one in opened if not one.members] + [one.id for one in closed if one.batch != one.id]
    for one in single:
        if re.search(rf"(?<![^-_]){re.escape(one)}(?![^-_])", name):
            raise RequestError(f"Batch id {name!r} names request {one!r}: choose another, as it stays in the ledger.")
    everybody = Request("", users=tuple(workspace.user_split.everyone))
    pieces = " ".join((name, *name.replace("_", "-").split("-")))
    if forgotten_data_of(everybody, (), {}).shows(pieces):
        raise RequestError(f"Batch id {name!r} names a user: choose another, as it stays in the ledger.")


def _union(name: str, requests: Sequence[Request], reason: str, opened_by: str) -> Request:
    bases, identities = {one.legal_basis for one in requests}, {one.identity for one in requests}
    return replace(
        Request.union(name, requests),
        reason=reason,
        created=utc_now(),
        opened_by=opened_by,
        legal_basis=bases.pop() if len(bases) == 1 else LegalBasis.NOT_RECORDED,
        identity=identities.pop() if len(identities) == 1 else Identity.NOT_RECORDED,
        members=tuple(one.id for one in requests),
        deadline=min((one.due for one in requests if one.due), default=""),
    )
