"""Queries and commands of the review page. Signing happens in another process, which holds the keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.errors import CureLensError, ReviewError
from core.report.case_record import Entry, entries_of_request
from core.review import decisions as deciding
from core.review import evidence_digest, permissions
from core.review.cases import Cases
from core.review.request_state import NEEDS_ANOTHER_RUN as NEEDS_ANOTHER_RUN
from core.review.request_state import finished_status, usable
from core.runs.handle import RunHandle
from core.types import Action, Case, CaseState, ClosedRequest, Request, RequestStatus, Role
from core.verification import drift_budget
from dashboard.services import queries
from dashboard.services.cli_client import CommandError, run_command
from dashboard.session import state
from dashboard.session.auth import login_is_recent, signed_in_email

PLAYED = "played_person"  # session key


@dataclass(frozen=True)
class ReviewItem:
    """One request on the review page.

    Attributes:
        request: The request.
        case: Its newest case.
        run: The submitted run, else the one that the address names, else the default run of the request.
        choices: The runs that can be chosen, by id; none while a run is submitted.
    """

    request: Request
    case: Case | None
    run: RunHandle | None
    choices: Mapping[str, RunHandle] = field(default_factory=dict)


def four_eyes() -> bool:
    """Whether several people work here; in the demo world also while a person is played."""
    return permissions.four_eyes(queries.workspace(), acting_person())


def playable_people() -> tuple[str, ...]:
    """The people whom one person may play: those of the demo world, and nobody anywhere else."""
    return tuple(permissions.playable_people(queries.workspace()))


def acting_person() -> str:
    """Whoever acts on this page: the logged-in person; on the review page of the demo world, the chosen one."""
    chosen = state.kept(PLAYED, "") if state.page() == "review" else ""
    return chosen if chosen in playable_people() else signed_in_email()


def play(person: str) -> None:
    """Act as a person of the demo world in this session; "" ends it."""
    state.keep(PLAYED, person)


def roles(person: str | None = None) -> frozenset[Role]:
    """The roles of a person, by default of who acts. Raises ReviewError for somebody without a role."""
    return permissions.roles(queries.workspace(), acting_person() if person is None else person)


def may(act: Action) -> bool:
    """Whether who acts may do something; somebody without a role may nothing."""
    try:
        return permissions.may(queries.workspace(), acting_person(), act)
    except ReviewError:
        return False


def takes_several(case: Case) -> bool:
    """Whether a case takes the decisions of several people."""
    return deciding.decided_by_four_eyes(queries.workspace(), case, acting_person())


def may_decide(case: Case) -> bool:
    """Whether who acts may decide on a case; nobody decides for all where people of the demo world decided before."""
    return may(Action.DECIDE) and takes_several(case) == four_eyes()


def refusal(case: Case, approve: bool) -> str:
    """Why who acts may not approve or reject a pending case, as one sentence; "" where they may."""
    try:
        deciding.deciding_role(queries.workspace(), case, acting_person(), approve)
    except CureLensError as error:
        return str(error)
    return ""


def waits_for(case: Case) -> tuple[str, ...]:
    """The people of the demo world whose approval a pending case still takes, after the first of them approved it."""
    if case.state is not CaseState.PENDING or not case.decisions:
        return ()
    open_roles = set(permissions.DECIDERS) - {one.role for one in case.decisions}
    return tuple(person for person in playable_people() if roles(person) & open_roles)


def login_is_too_old() -> bool:
    """Whether a decision needs a new login; the people of the demo world have none."""
    return permissions.four_eyes(queries.workspace()) and not login_is_recent()


def inbox() -> tuple[ReviewItem, ...]:
    """All open requests, by due date."""
    workspace = queries.workspace()
    cases, runs = Cases(workspace).newest(), queries.runs()
    requests = sorted(workspace.requests(), key=lambda one: (one.due, one.id))
    return tuple(_item(one, cases.get(one.id), runs) for one in requests)


def _item(request: Request, case: Case | None, runs: dict[str, RunHandle]) -> ReviewItem:
    """One request with its case and its run."""
    if case and case.state not in NEEDS_ANOTHER_RUN:
        return ReviewItem(request, case, runs.get(case.run))
    own = usable({name: run for name, run in runs.items() if run.spec.request == request.id})
    name = state.current("run", list(own), queries.default_run(own))
    return ReviewItem(request, case, own[name] if name else None, own)


def status_by(run: RunHandle) -> RequestStatus:
    """Where the request of a finished run would stand if this were its run under review."""
    return finished_status(run, queries.verification)


def closed(executing: Case | None) -> tuple[ClosedRequest, ...]:
    """Closed requests, newest first, without those whose case `executing` is still being carried out."""
    return tuple(one for one in queries.workspace().closed() if executing is None or one.case != executing.number)


def drift_sentence() -> str:
    """What deletions in a row did to the test AUC; "" before the first one."""
    return drift_budget.drift_sentence(queries.workspace().closed())


def approved() -> Case | None:
    """The case that is being carried out, or was interrupted while it was."""
    return Cases(queries.workspace()).approved()


def settle() -> None:
    """Continue an interrupted execution. Raises CommandError."""
    run_command("review", "settle", *_place())
    _forget()


def withdraw(case: Case) -> None:
    """Withdraw an approval of which no step is done. Raises CommandError."""
    run_command("review", "withdraw", *_place(), "-r", case.request, "--as", acting_person())


def changed(case: Case) -> bool:
    """Whether the evidence has changed since the submission."""
    workspace = queries.workspace()
    files = evidence_digest.evidence_files(workspace, queries.run(case.run))
    return _changed(str(workspace.root), case, queries.stamps(*files))


@st.cache_data(max_entries=16, show_spinner=False)
def _changed(root: str, case: Case, key: queries.Stamps) -> bool:
    """Cached by the change times of the files; the decision itself always reads them."""
    return deciding.changed(queries.workspace(), case)


def requires_reason(case: Case, approve: bool) -> bool:
    """Whether a decision on a case needs a reason."""
    return evidence_digest.needs_reason(queries.verification(queries.run(case.run)), approve)


def is_approvable(run: RunHandle) -> bool:
    """Whether a run may be approved; one that failed its verification may not."""
    return evidence_digest.is_approvable(queries.verification(run))


def keeps_ledger() -> bool:
    """Whether the workspace keeps a ledger."""
    return queries.workspace().keeps_ledger


def timeline(request_id: str) -> list[Entry]:
    """Ledger entries of a request, oldest first. Raises CommandError where the ledger is damaged."""
    if not keeps_ledger():
        return []
    return entries_of_request(
        ledger_entries(), request_id, [name for name, run in queries.runs().items() if run.spec.request == request_id]
    )


def ledger_entries() -> Sequence[Entry]:
    """All entries of the ledger, oldest first. Raises CommandError where it is damaged or not kept."""
    workspace = queries.workspace()
    return _ledger(str(workspace.root), queries.stamps(workspace.layout.ledger))


@st.cache_data(max_entries=4, show_spinner=False)
def _ledger(root: str, key: queries.Stamps) -> list[dict[str, Any]]:
    """All entries, cached until the file changes, since reading them starts a process."""
    result: list[dict[str, Any]] = run_command("ledger", "show", "--workspace", root)
    return result


def make_ledger() -> None:
    """Create the ledger and its keys. Raises CommandError."""
    run_command("ledger", "init", *_place())


def verify(run: RunHandle, full: bool) -> None:
    """Verify a run. It takes about a minute, and several minutes with `full`. Raises ReviewError, CommandError."""
    permissions.require(queries.workspace(), acting_person(), Action.RUN)
    run_command("verify", *_place(), "--run", run.id, "--as", acting_person(), *(["--full"] if full else []))


def submit(run: RunHandle) -> None:
    """Submit a run for a decision. Raises CommandError."""
    run_command("review", "submit", *_place(), "--run", run.id, "--as", acting_person())


def comment(case: Case, text: str) -> None:
    """Comment on a case. Raises ReviewError."""
    deciding.comment(queries.workspace(), case.request, acting_person(), text)


def decide(case: Case, approve: bool, reason: str) -> CaseState:
    """Decide on a case; the last approval that it needs also carries it out.

    Raises:
        ReviewError: The login is too old.
        CommandError: The decision was refused or could not be carried out.
    """
    if login_is_too_old():
        raise ReviewError("Your login is older than 15 minutes: log in again to decide.")
    verdict = "--approve" if approve else "--reject"
    options = ("-r", case.request, verdict, "--evidence", case.evidence, "--reason", "-", "--as", acting_person())
    found = CaseState(run_command("review", "decide", *_place(), *options, stdin=reason)["state"])
    if found is CaseState.CLOSED:
        _forget()
    return found


def _forget() -> None:
    """Drop models and lists from memory: they may hold destroyed data."""
    st.cache_data.clear()
    st.cache_resource.clear()


def repeat_audit(request_id: str) -> dict[str, Any]:
    """Search for data of a closed request again.

    Returns:
        "traces": files that show something; "unread": why files could not be searched, by name; "served":
            whether the approved adapter is in use.

    Raises:
        CommandError: The search failed, or the ledger holds no destruction of this request.
    """
    found: dict[str, Any] = run_command("verify-destruction", *_place(), "-r", request_id)
    if not found["requests"]:
        raise CommandError("The ledger holds no destruction of this request: nothing was searched for.")
    return found


def _place() -> tuple[str, str]:
    return "--workspace", str(queries.workspace().root)
