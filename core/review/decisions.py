"""Submitting a run, commenting on it, and deciding. Every deciding role has to agree, and one rejection is enough.

Nobody decides on their own request, run or submission. A decision is bound to the digest of the evidence that it was
made on; it is void where that evidence has changed.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

from core.errors import ReviewError
from core.review.batches import check_free, check_members
from core.review.cases import Cases
from core.review.evidence_digest import check_approvable, check_ready, evidence_of
from core.review.forgotten_data import MIN_TITLE_LENGTH, data_of_everybody
from core.review.idle import check_idle
from core.review.participants import participants
from core.review.permissions import (
    DECIDERS,
    check_operators,
    folded,
    four_eyes,
    openers,
    playable_people,
    require,
    roles,
)
from core.runs.handle import open_run
from core.runs.ledger import open_ledger
from core.types import Action, Case, CaseState, Decision, Role
from core.utils.clock import utc_now
from core.utils.commands import command_line
from core.workspace import Workspace
from core.workspace.locks import shared_model_lock


def submit(workspace: Workspace, run_id: str, person: str) -> Case:
    """Submit a verified run for a decision.

    Raises:
        ReviewError: The person may not, no ledger is kept, the run is not ready, or the request is in a batch.
        RunError: No run has this id.
        WorkspaceError: A deletion is being carried out, or a batch is being dissolved.
    """
    from core.review.ledger_entries import check_not_rejected, enter_submission  # loads the signing libraries
    from core.review.signed_inputs import check_inputs, digests_now  # loads the signing libraries
    from core.runs.ledger_entries import Ledger  # loads the signing libraries

    require(workspace, person, Action.SUBMIT)
    if not workspace.keeps_ledger:
        make = command_line("ledger", "init", "--workspace", str(workspace.root))
        raise ReviewError(f"No ledger is kept here: make one with `{make}`, so that decisions are signed.")
    with shared_model_lock(workspace):  # a run that is submitted can no longer be removed
        run, ledger = open_run(workspace, run_id), Ledger(workspace)
        worked = participants(run, run.spec.request, ledger)
        check_operators(workspace, run.spec.request, person, *chain.from_iterable(worked.values()))
        check_free(workspace, run.spec.request)
        check_members(workspace, workspace.request(run.spec.request))
        check_ready(run, ledger)
        check_not_rejected(ledger, run_id)
        present = digests_now(run, ledger)
        check_inputs(run, ledger, present)
        sign = partial(enter_submission, ledger)
        return Cases(workspace).submit(run.spec.request, run_id, person, evidence_of(workspace, run, present), sign)


def comment(workspace: Workspace, request_id: str, person: str, text: str) -> Case:
    """Add a comment that the other people of the case read.

    Raises:
        ReviewError: The person may not, the text is empty, or the case is decided.
    """
    require(workspace, person, Action.COMMENT)
    if not text.strip():
        raise ReviewError("The comment is empty: write something.")
    return Cases(workspace).comment(case_of(workspace, request_id), person, text.strip())


def decide(workspace: Workspace, request_id: str, person: str, approve: bool, evidence: str, reason: str = "") -> Case:
    """Approve or reject the pending case of a request. Carrying it out is another step (execution.execute_decisions).

    Args:
        workspace: The workspace.
        request_id: The request.
        person: Who decides.
        approve: True to approve, False to reject.
        evidence: Digest of the evidence that the person saw. Evidence that changed since can only be rejected.
        reason: Why; a rejection needs it, and the approval of an inconclusive run. It stays in the ledger.

    Returns:
        The case after the decision. A decision that was signed, but not stored because of a kill, is not signed again.

    Raises:
        ReviewError: The person may not decide, the case is not the last submission, the evidence changed, the run
            cannot be approved, a rejection has no reason, the reason names a user or a title, the last approval comes
            while a run waits or is at work, or signed decisions that a kill kept from the database decided the case.
        WorkspaceError: The last approval comes while a reference or a verification is at work.
    """
    from core.review import ledger_entries  # loads the signing libraries
    from core.review.signed_decisions import as_signed  # loads the signing libraries
    from core.review.signed_inputs import check_inputs, digests_now  # loads the signing libraries
    from core.runs.ledger_entries import Ledger  # loads the signing libraries

    known, cases = case_of(workspace, request_id), Cases(workspace)
    run, ledger = open_run(workspace, known.run), Ledger(workspace)
    _check_reason(workspace, reason)
    if not approve and not reason.strip():
        raise ReviewError(f"A rejection destroys the adapter of run {run.id!r}: give the reason.")

    def decided(case: Case) -> Case:
        # Runs inside the transaction: neither the case nor its evidence may change between check and write.
        _check_undecided(cases, case)
        ledger_entries.check_may_be_decided(ledger, case, approve)
        known_before, case = case.decisions, as_signed(ledger, case)
        lost = [one for one in case.decisions if one not in known_before]  # by a kill
        if case.state is not CaseState.PENDING or _has_decided(person, approve, evidence, lost):
            return case
        present = digests_now(run, ledger) if approve else {}
        if evidence != case.evidence or (approve and evidence != evidence_of(workspace, run, present)):
            raise ReviewError(
                "The evidence is not what you decided on: the run was changed since. Reject it, and launch a new one."
            )
        role, time = deciding_role(workspace, case, person, approve), utc_now("microseconds")  # tells decisions apart
        decision = Decision(person, role, approve, evidence, reason.strip(), time)
        if approve:
            check_free(workspace, request_id)
            check_ready(run, ledger)
            check_approvable(run.id, ledger, reason)
            check_inputs(run, ledger, present)
            ledger_entries.check_not_rejected(ledger, run.id)
        case = replace(case, message="", decisions=(*case.decisions, decision))
        case = replace(case, state=state_of(case, decided_by_four_eyes(workspace, case)))
        if case.state is CaseState.APPROVED:
            check_idle(workspace)  # before it is recorded: a recorded approval is carried out later
        ledger_entries.enter_decision(ledger, case, decision)  # one that is not signed counts for nothing
        return case

    return _with_decision(cases.change(known.number, decided, known), person, approve, evidence)


def _check_undecided(cases: Cases, case: Case) -> None:
    if case.state is not CaseState.PENDING:
        raise ReviewError(f"Request {case.request!r} is {case.state}: there is nothing to decide any more.")
    if other := cases.approved():
        raise ReviewError(f"Request {other.request!r} is being carried out: decide when that is done.")


def _with_decision(case: Case, person: str, approve: bool, evidence: str) -> Case:
    """The case, which has this decision. Raises ReviewError where others, lost by a kill, came before it."""
    if not _has_decided(person, approve, evidence, case.decisions):
        raise ReviewError(f"Request {case.request!r} is {case.state} by decisions that were signed before yours.")
    return case


def _has_decided(person: str, approve: bool, evidence: str, decisions: Sequence[Decision]) -> bool:
    return (person, approve, evidence) in [(one.person, one.approve, one.evidence) for one in decisions]


def _check_reason(workspace: Workspace, reason: str) -> None:
    """Raise ReviewError where a reason names a user or a title: it stays in the ledger for good."""
    everybody = data_of_everybody(workspace.interactions, workspace.items)
    numbers, folded = any(map(everybody.is_forgotten_user, re.findall(r"\d+", reason))), reason.casefold()
    titles = (re.sub(r" \(\d{4}\)$", "", one.title).casefold() for one in workspace.items.values())
    named = any(title in folded for title in titles if len(title) >= MIN_TITLE_LENGTH)
    if named or numbers or everybody.shows(reason):
        raise ReviewError(
            "The reason names a user or a title of this workspace (an id may be a mere number): write it "
            "without, as it stays in the ledger for good."
        )


def case_of(workspace: Workspace, request_id: str) -> Case:
    """The newest case of a request.

    Raises:
        ReviewError: No run of the request was submitted.
    """
    if (case := Cases(workspace).of(request_id)) is None:
        raise ReviewError(f"Request {request_id!r} was not submitted: submit a verified run of it first.")
    return case


def state_of(case: Case, several: bool) -> CaseState:
    """The state of a case by its decisions, which are those of `several` people or of one person alone."""
    if not all(one.approve for one in case.decisions):
        return CaseState.REJECTED
    needed = DECIDERS if several else DECIDERS[:1]
    return CaseState.APPROVED if {one.role for one in case.decisions} >= set(needed) else CaseState.PENDING


def decided_by_four_eyes(workspace: Workspace, case: Case, *acting: str) -> bool:
    """Whether a case takes decisions of several people; in the demo world, `acting` or an earlier decision say so."""
    return four_eyes(workspace, *acting, *(one.person for one in case.decisions))


def changed(workspace: Workspace, case: Case) -> bool:
    """Whether the evidence of a pending case differs from what was submitted, which voids every decision."""
    return case.state is CaseState.PENDING and case.evidence != evidence_of(workspace, open_run(workspace, case.run))


def deciding_role(workspace: Workspace, case: Case, person: str, approve: bool) -> Role:
    """The role in which a person decides. Whoever may decide may refuse, also after having agreed.

    A page asks before it offers the decision; `decide` asks again inside its transaction.

    Raises:
        ReviewError: It is their own case, they agreed already, or their role has agreed already.
    """
    require(workspace, person, Action.DECIDE)
    if not decided_by_four_eyes(workspace, case, person):
        return DECIDERS[0]
    if not four_eyes(workspace, person):  # the demo world, where people were played before
        played = " or ".join(map(repr, playable_people(workspace)))
        raise ReviewError(f"Two people decide on request {case.request!r} in the demo: decide as {played}.")
    ledger = open_ledger(workspace)
    worked = participants(open_run(workspace, case.run), case.request, ledger)
    opened = {one["request"]["opened_by"] for one in ledger.run_contents(case.run)}
    own = {"opened the request": openers(workspace, case.request) | opened, **worked}
    if conflicts := [what for what, who in own.items() if folded(person) in map(folded, who)]:
        raise ReviewError(f"Person {person!r} {conflicts[0]}: somebody else has to decide.")
    mine = [role for role in DECIDERS if role in roles(workspace, person)]
    if not approve:
        return mine[0]
    check_operators(workspace, case.request, *chain.from_iterable(worked.values()))
    if own_time := next((one.time for one in case.decisions if one.person == person), ""):
        raise ReviewError(f"Person {person!r} approved on {own_time[:10]} already: a second person must approve.")
    taken = {one.role for one in case.decisions}
    if not (free := [role for role in mine if role not in taken]):
        raise ReviewError(
            "Another person with the same role decided already: a person with the other role must decide."
        )
    return free[0]
