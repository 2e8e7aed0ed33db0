"""Where each deletion request stands: one state, which every page reads here."""

import logging
from collections.abc import Callable, Mapping, Sequence

from core.errors import DamagedError
from core.review.batches import held_members
from core.review.cases import Cases
from core.review.evidence_digest import is_approvable
from core.runs.handle import RunHandle, runs
from core.types import LIVE, Case, CaseState, Request, RequestState, RequestStatus, RunState, Verification
from core.workspace import Workspace

log = logging.getLogger("core")
Reader = Callable[[RunHandle], Verification | None]  # reads the verification of a run; pages pass one with a cache
# In an inbox: what waits for a decision, then what waits for another step of a person, then what goes on by itself.
INBOX_ORDER = (
    RequestState.APPROVED,
    RequestState.PENDING,
    RequestState.VERIFIED,
    RequestState.UNVERIFIED,
    RequestState.FAILED,
    RequestState.REJECTED,
    RequestState.VOID,
    RequestState.STOPPED,
    RequestState.NEW,
    RequestState.RUNNING,
    RequestState.IN_BATCH,
    RequestState.CLOSED,
)
NEEDS_ANOTHER_RUN = (CaseState.REJECTED, CaseState.VOID)  # the request needs another run


def stored(run: RunHandle) -> Verification | None:
    """Read the verification of a run from its file."""
    return run.verification


def _usable(read: Reader, run: RunHandle) -> Verification | None:
    """The verification of a run; None, as before it was verified, where its file is damaged."""
    try:
        return read(run)
    except DamagedError as error:
        log.warning("run %s has to be verified again: %s", run.id, error)
        return None


def request_statuses(workspace: Workspace, read: Reader = stored) -> dict[str, RequestStatus]:
    """Return where each request stands, by id: the open ones by due date, then the carried-out ones."""
    cases, found = Cases(workspace).newest(), runs(workspace)
    opened = sorted(workspace.requests(), key=lambda one: (one.due, one.id))
    batches = held_members(opened, cases)
    statuses = {
        one.id: request_status(cases.get(one.id), batches.get(one.id), _own(found, one.id), read) for one in opened
    }
    executing = {case.request for case in cases.values() if case.state is CaseState.APPROVED}
    closed = (one for one in workspace.closed() if one.id not in executing and one.id not in statuses)
    return statuses | {one.id: RequestStatus(RequestState.CLOSED, one.run) for one in closed}


def inbox_order(statuses: Mapping[str, RequestStatus]) -> dict[str, RequestStatus]:
    """Sort requests by state (`INBOX_ORDER`); within a state they keep their order, which is the due date's."""
    return dict(sorted(statuses.items(), key=lambda one: INBOX_ORDER.index(one[1].state)))


def request_status(
    case: Case | None, batch: Request | None, own: Mapping[str, RunHandle], read: Reader = stored
) -> RequestStatus:
    """Return where one open request stands.

    Args:
        case: Its newest case.
        batch: The batch under way that it is in.
        own: Its runs by id, the newest first.
        read: Reads the verification of a run.
    """
    if case and case.state not in NEEDS_ANOTHER_RUN:
        run = own.get(case.run)
        found = _usable(read, run) if run else None
        return RequestStatus(RequestState(case.state), run.id if run else "", found.verdict if found else None)
    if batch:
        return RequestStatus(RequestState.IN_BATCH, batch=batch.id)
    if live := next((run for run in own.values() if run.status.state in LIVE), None):
        return RequestStatus(RequestState.RUNNING, live.id)
    if name := default_run(usable(own), read):
        return finished_status(own[name], read)
    newest = next(iter(own.values()), None)
    if case and (newest is None or newest.id == case.run or newest.spec.created <= case.submitted):
        return RequestStatus(RequestState(case.state), case.run)
    return RequestStatus(RequestState.STOPPED, newest.id) if newest else RequestStatus(RequestState.NEW)


def finished_status(run: RunHandle, read: Reader = stored) -> RequestStatus:
    """Return where a request stands whose run under review is this finished one."""
    found = _usable(read, run)
    if found is None:
        return RequestStatus(RequestState.UNVERIFIED, run.id)
    state = RequestState.VERIFIED if is_approvable(found) else RequestState.FAILED
    return RequestStatus(state, run.id, found.verdict)


def usable(own: Mapping[str, RunHandle]) -> dict[str, RunHandle]:
    """The finished runs whose adapter is there."""
    return {name: run for name, run in own.items() if run.status.state is RunState.DONE and run.layout.adapter.is_dir()}


def default_run(found: Mapping[str, RunHandle], read: Reader = stored) -> str | None:
    """The newest finished run that passes its verification, else the newest finished run, else the newest.

    Args:
        found: Runs by id, newest first: all, or those for one request.
        read: Reads the verification of a run.
    """
    done = [name for name, run in found.items() if run.status.state is RunState.DONE]
    passing = (name for name in done if (verified := _usable(read, found[name])) and verified.verdict.passes)
    return next(passing, next(iter(done or found), None))


def _own(found: Sequence[RunHandle], request_id: str) -> dict[str, RunHandle]:
    return {run.id: run for run in found if run.spec.request == request_id}
