"""Where each deletion request stands: one state, which every page reads here."""

from collections.abc import Iterator, Mapping, Sequence

from core.review.cases import Cases
from core.review.evidence_digest import is_approvable
from core.runs.handle import RunHandle, runs
from core.types import Case, CaseState, Request, RequestState, RequestStatus, RunState
from core.workspace import Workspace

OF_CASE = {
    CaseState.PENDING: RequestState.PENDING,
    CaseState.APPROVED: RequestState.APPROVED,
    CaseState.REJECTED: RequestState.REJECTED,
    CaseState.VOID: RequestState.VOID,
    CaseState.CLOSED: RequestState.CLOSED,
}
AGAIN = (CaseState.REJECTED, CaseState.VOID)  # the request needs another run
LIVE = (RunState.QUEUED, RunState.RUNNING)


def request_statuses(workspace: Workspace) -> dict[str, RequestStatus]:
    """Return where each request stands, by id: the open ones by due date, then the carried-out ones."""
    cases = {case.request: case for case in Cases(workspace).all()}  # the newest of each request
    found, opened = runs(workspace), sorted(workspace.requests(), key=lambda one: (one.due, one.id))
    batches = dict(_members(opened, cases))
    statuses = {
        one.id: request_status(cases.get(one.id), batches.get(one.id, ""), _own(found, one.id)) for one in opened
    }
    executing = {case.request for case in cases.values() if case.state is CaseState.APPROVED}
    closed = (one for one in workspace.closed() if one.id not in executing and one.id not in statuses)
    return statuses | {one.id: RequestStatus(RequestState.CLOSED, one.run) for one in closed}


def request_status(case: Case | None, batch: str, own: Mapping[str, RunHandle]) -> RequestStatus:
    """Return where one open request stands.

    Args:
        case: Its newest case.
        batch: Id of the batch under way that it is in; "" without one.
        own: Its runs by id, the newest first.
    """
    if case and case.state not in AGAIN:
        return _of_run(OF_CASE[case.state], own.get(case.run))
    if batch:
        return RequestStatus(RequestState.IN_BATCH, batch=batch)
    if live := next((run for run in own.values() if run.status.state in LIVE), None):
        return RequestStatus(RequestState.RUNNING, live.id)
    if name := default_run(usable(own)):
        return _of_run(finished_state(own[name]), own[name])
    newest = next(iter(own.values()), None)
    if case and (newest is None or newest.id == case.run or newest.spec.created <= case.submitted):
        return RequestStatus(OF_CASE[case.state], case.run)
    return RequestStatus(RequestState.STOPPED, newest.id) if newest else RequestStatus(RequestState.NEW)


def usable(own: Mapping[str, RunHandle]) -> dict[str, RunHandle]:
    """The finished runs whose adapter is there."""
    return {name: run for name, run in own.items() if run.status.state is RunState.DONE and run.layout.adapter.is_dir()}


def default_run(found: Mapping[str, RunHandle]) -> str | None:
    """The newest finished run that passes its verification, else the newest finished run, else the newest.

    Args:
        found: Runs by id, newest first: all, or those for one request.
    """
    done = [name for name, run in found.items() if run.status.state is RunState.DONE]
    passing = (name for name in done if (verified := found[name].verification) and verified.verdict.passes)
    return next(passing, next(iter(done or found), None))


def finished_state(run: RunHandle) -> RequestState:
    """State of a request whose run under review is this finished one."""
    if run.verification is None:
        return RequestState.UNVERIFIED
    return RequestState.VERIFIED if is_approvable(run.verification) else RequestState.FAILED


def _of_run(state: RequestState, run: RunHandle | None) -> RequestStatus:
    verdict = run.verification.verdict if run and run.verification else None
    return RequestStatus(state, run.id if run else "", verdict)


def _own(found: Sequence[RunHandle], request_id: str) -> dict[str, RunHandle]:
    return {run.id: run for run in found if run.spec.request == request_id}


def _members(requests: Sequence[Request], cases: Mapping[str, Case]) -> Iterator[tuple[str, str]]:
    """Each request that a batch under way holds, with the batch's id; a rejected batch holds nothing."""
    for batch in requests:
        if batch.id not in cases or cases[batch.id].state is not CaseState.REJECTED:
            yield from ((member, batch.id) for member in batch.members)
