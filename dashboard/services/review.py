"""What the review desk asks of core: who is here, where each request stands, and what happened to it. Signs nothing itself."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import ReviewError
from core.report.case_record import Entry, about
from core.review import decisions as deciding
from core.review import permissions
from core.review.cases import Cases
from core.review.evidence_digest import evidence_files
from core.runs.handle import RunHandle
from core.types import Act, Case, CaseState, Closed, Request, Role, RunState
from dashboard.services import queries
from dashboard.services.cli_client import AskedError, asked
from dashboard.session.auth import fresh, who

AGAIN = (CaseState.REJECTED, CaseState.VOID)  # a new run may be submitted after these
STEPS = 6  # of carrying out (core.review.execution, whose libraries sign and stay out of this process)


@dataclass(frozen=True)
class ReviewItem:
    """One request as the desk sees it. run: the one that was submitted, else its newest finished one."""

    request: Request
    case: Case | None
    run: RunHandle | None


def four_eyes() -> bool:
    return permissions.four_eyes(queries.workspace())


def roles() -> frozenset[Role]:
    """Of the person at the screen. Raises ReviewError for a stranger, whom the door keeps out."""
    return permissions.roles(queries.workspace(), who())


def may(act: Act) -> bool:
    """Whether the person at the screen may; a stranger may nothing."""
    try:
        return permissions.may(queries.workspace(), who(), act)
    except ReviewError:
        return False


def inbox() -> tuple[ReviewItem, ...]:
    """All open requests, the one that is due first at the top."""
    place = queries.workspace()
    cases, done = Cases(place), [run for run in queries.runs().values() if run.status.state is RunState.DONE]
    requests = sorted(place.requests(), key=lambda one: (one.due, one.id))
    return tuple(_matter(one, cases.of(one.id), done) for one in requests)


def _matter(request: Request, case: Case | None, done: Sequence[RunHandle]) -> ReviewItem:
    """Where one request stands."""
    if case and case.state not in AGAIN:
        return ReviewItem(request, case, queries.runs().get(case.run))
    own = (run for run in done if run.spec.request == request.id and run.layout.adapter.is_dir())
    return ReviewItem(request, case, next(own, None))


def closed(at_work: Case | None) -> tuple[Closed, ...]:
    """What was carried out to its end, newest first. at_work: the case that is not."""
    return tuple(one for one in queries.workspace().closed() if at_work is None or one.id != at_work.request)


def approved() -> Case | None:
    """The case that is being carried out, or broke off while it was."""
    return Cases(queries.workspace()).approved()


def settle() -> None:
    """Go on with what broke off. Raises AskedError."""
    asked("review", "settle", *_place())
    _forget()


def changed(case: Case) -> bool:
    """Whether what was submitted is no longer there as it was."""
    place = queries.workspace()
    files = evidence_files(place, queries.run(case.run))
    return _changed(str(place.root), case, queries.stamps(*files))


@st.cache_data(max_entries=16, show_spinner=False)
def _changed(root: str, case: Case, key: queries.Stamps) -> bool:
    """Reads the weights anew only where a file has changed; the decision itself always reads them."""
    return deciding.changed(queries.workspace(), case)


def keeps_ledger() -> bool:
    return queries.workspace().keeps_ledger


def timeline(request_id: str) -> list[Entry]:
    """What the ledger says of a request, oldest first. Raises AskedError where the ledger is not whole."""
    if not keeps_ledger():
        return []
    place = queries.workspace()
    found = _ledger(str(place.root), queries.stamps(place.layout.ledger))
    return about(found, request_id, [name for name, run in queries.runs().items() if run.spec.request == request_id])


@st.cache_data(max_entries=4, show_spinner=False)
def _ledger(root: str, key: queries.Stamps) -> list[dict]:
    """All entries, read anew only when there are more of them: it takes another process."""
    return asked("ledger", "show", "--workspace", root)


def make_ledger() -> None:
    asked("ledger", "init", *_place())


def verify(run: RunHandle, full: bool) -> None:
    """Check a run; it takes about a minute, and minutes where all is asked. Raises ReviewError, AskedError."""
    permissions.require(queries.workspace(), who(), Act.RUN)
    asked("verify", *_place(), "--run", run.id, "--as", who(), *(["--full"] if full else []))


def submit(run: RunHandle) -> None:
    deciding.submit(queries.workspace(), run.id, who())


def comment(case: Case, text: str) -> None:
    deciding.comment(queries.workspace(), case.request, who(), text)


def decide(case: Case, approve: bool, reason: str) -> CaseState:
    """Decide on what is on the screen, and carry it out if that was the last word it took. Raises ReviewError, AskedError."""
    if four_eyes() and not fresh():
        raise ReviewError("Your login is older than 15 minutes: log in again to decide.")
    verdict = "--approve" if approve else "--reject"
    options = ("-r", case.request, verdict, "--evidence", case.evidence, "--reason", "-", "--as", who())
    found = CaseState(asked("review", "decide", *_place(), *options, said=reason)["state"])
    if found is CaseState.CLOSED:
        _forget()
    return found


def _forget() -> None:
    """Models and lists that this process still holds: they may be of what was destroyed."""
    st.cache_data.clear()
    st.cache_resource.clear()


def look_again(request_id: str) -> dict:
    """The files that still show something of a closed request ("traces"), and whether the approved adapter is in use ("served").

    Raises AskedError, also where nobody knows what to look for.
    """
    found = asked("verify-destruction", *_place(), "-r", request_id)
    if not found["requests"]:
        raise AskedError("The ledger holds no destruction of this request: nothing was searched for.")
    return found


def _place() -> tuple[str, str]:
    return "--workspace", str(queries.workspace().root)
