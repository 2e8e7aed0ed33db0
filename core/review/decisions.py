"""Submitting a run, talking about it, and deciding: each role that decides has to agree, and one refusal is enough.

Nobody decides on what is their own. A decision is bound to the digest of what it was given on; where that changed, it is void.
"""

import re
from dataclasses import replace

from core.errors import ReviewError
from core.review import leak_scan
from core.review.cases import Cases
from core.review.evidence_digest import check_approvable, check_ready, evidence_of
from core.review.permissions import DECIDERS, check_operators, four_eyes, require, roles
from core.runs.run_folder import run_folder
from core.types import Act, Case, CaseState, Decision, Request, Role
from core.utils.clock import utc_now
from core.workspace import Workspace


def submit(workspace: Workspace, run_id: str, person: str) -> Case:
    """Put a verified run before those who decide. Raises ReviewError, RunError."""
    require(workspace, person, Act.SUBMIT)
    if not workspace.ledger_key.is_file():
        raise ReviewError(
            "No ledger is kept here: make one with `python -m core ledger init`, so that decisions are signed."
        )
    folder = run_folder(workspace, run_id)
    check_operators(workspace, folder.spec.request, person, folder.spec.launched_by)
    check_ready(folder)
    return Cases(workspace).submit(folder.spec.request, run_id, person, evidence_of(workspace, folder))


def comment(workspace: Workspace, request_id: str, person: str, text: str) -> Case:
    """Say something to the others. Raises ReviewError."""
    require(workspace, person, Act.COMMENT)
    if not text.strip():
        raise ReviewError("The comment is empty: write something.")
    return Cases(workspace).comment(case_of(workspace, request_id).number, person, text.strip())


def decide(workspace: Workspace, request_id: str, person: str, approve: bool, evidence: str, reason: str = "") -> Case:
    """Approve or reject a request's pending case. evidence: digest of what the person had before them. What was changed since can
    still be rejected.

    Raises ReviewError for somebody who may not, for evidence that is no longer there, and for a run that cannot be approved.
    What follows from the decision is another's work (outbox.settle).
    """
    known, cases = case_of(workspace, request_id), Cases(workspace)
    folder = run_folder(workspace, known.run)
    _check_reason(workspace, reason)

    def decided(case: Case) -> Case:
        """Looked at inside the transaction: neither the case nor its evidence may have changed since."""
        if case.state is not CaseState.PENDING:
            raise ReviewError(f"Request {request_id!r} is {case.state}: there is nothing to decide any more.")
        if other := cases.approved():
            raise ReviewError(f"Request {other.request!r} is being carried out: decide when that is done.")
        if evidence != case.evidence or (approve and evidence != evidence_of(workspace, folder)):
            raise ReviewError(
                "The evidence is not what you decided on: the run was changed since. Reject it, and launch a new one."
            )
        decision = Decision(
            person, _role(workspace, case, person, approve), approve, evidence, reason.strip(), utc_now()
        )
        if approve:
            check_approvable(folder, reason)
        case = replace(case, message="", decisions=(*case.decisions, decision))
        return replace(case, state=_state(workspace, case))

    return cases.change(known.number, decided)


def _check_reason(workspace: Workspace, reason: str) -> None:
    """Raises ReviewError where it names anybody, or a title, that may be forgotten one day: it stays in the ledger for good."""
    everybody = Request("", users=tuple({one.user for one in workspace.interactions}))
    numbers, folded = set(everybody.users) & set(re.findall(r"\d+", reason)), reason.casefold()
    titles = (re.sub(r" \(\d{4}\)$", "", one.title).casefold() for one in workspace.items.values())
    named = any(title in folded for title in titles if len(title) >= leak_scan.ENOUGH)
    if named or numbers or leak_scan.known(everybody, workspace.interactions, workspace.items).shows(reason):
        raise ReviewError(
            "The reason names a person or a title of this workspace (an id may be a mere number): say it without, as it stays in "
            "the ledger for good."
        )


def case_of(workspace: Workspace, request_id: str) -> Case:
    """The newest case of a request. Raises ReviewError where there is none."""
    if (case := Cases(workspace).of(request_id)) is None:
        raise ReviewError(f"Request {request_id!r} was not submitted: submit a verified run of it first.")
    return case


def _state(workspace: Workspace, case: Case) -> CaseState:
    """Approved where everybody has agreed whose word it takes."""
    if not all(one.approve for one in case.decisions):
        return CaseState.REJECTED
    wanted = DECIDERS if four_eyes(workspace) else DECIDERS[:1]
    return CaseState.APPROVED if {one.role for one in case.decisions} >= set(wanted) else CaseState.PENDING


def changed(workspace: Workspace, case: Case) -> bool:
    """Whether the evidence is no longer what was submitted, which voids every decision."""
    return case.state is CaseState.PENDING and case.evidence != evidence_of(workspace, run_folder(workspace, case.run))


def _role(workspace: Workspace, case: Case, person: str, approve: bool) -> Role:
    """In which role a person decides; whoever may decide may refuse, also after having agreed.

    Raises ReviewError where it is their own case, or they agreed already.
    """
    require(workspace, person, Act.DECIDE)
    if not four_eyes(workspace):
        return DECIDERS[0]
    own = {"opened the request": workspace.request(case.request).opened_by, "submitted the run": case.operator}
    own |= {"launched the run": run_folder(workspace, case.run).spec.launched_by}
    if found := [what for what, who in own.items() if who == person]:
        raise ReviewError(f"Person {person!r} {found[0]}: somebody else has to decide.")
    mine = [role for role in DECIDERS if role in roles(workspace, person)]
    if not approve:
        return mine[0]
    taken = {one.role: one.person for one in case.decisions}
    if person in taken.values():
        raise ReviewError(f"Person {person!r} has decided already: the other role is somebody else's.")
    if not (free := [role for role in mine if role not in taken]):
        raise ReviewError(
            f"Person {person!r} can only repeat what another of the same role decided: ask the other role."
        )
    return free[0]
