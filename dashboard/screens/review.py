"""Review page: one request with its verdict, the options, the evidence and its history; then the other requests."""

from functools import partial
from typing import Any, Literal

import streamlit as st

from core.report.check_texts import render
from core.types import Action, Case, CaseState, ClosedRequest, Request, RequestState, RequestStatus, Verification
from core.types.review import EXECUTION_STEPS
from dashboard.components.access_gate import log_in
from dashboard.components.batch import dissolve_button
from dashboard.components.decision import comments, decision_form, decisions, left_over, submit_form
from dashboard.components.evidence import answers, trust, verdict, verdict_word
from dashboard.components.history import timeline
from dashboard.components.options import option, other_steps
from dashboard.components.person_switch import person_switch
from dashboard.components.request_card import due_sentence, next_step, request_card, standing, state_text
from dashboard.components.text import about, empty, guarded, lead, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, date, escape, ground, identity, role_name, scope
from dashboard.services import batches, queries, review
from dashboard.services.queries import RunHandle
from dashboard.services.review import NEEDS_ANOTHER_RUN, ReviewItem
from dashboard.session import auth, state


def inbox(waiting: tuple[ReviewItem, ...], statuses: dict[str, RequestStatus], shown: str | None) -> None:
    """List the other open requests; `shown` is the id of the one on the page."""
    for item in waiting:
        if item.request.id != shown:
            request_card(item.request, statuses[item.request.id], details=False)


def facts(request: Request) -> None:
    """Show what is asked and by when, in one line."""
    asked = t("review-asked", scope=scope(request), date=escape(date(request.created)))
    st.markdown(f"{asked} {due_sentence(request)}")


def about_request(request: Request, writable: bool) -> None:
    """Show who asked for what and why, folded away."""
    with st.expander(t("review-question"), icon=":material/person_search:"):
        st.markdown(t("review-grounds", ground=ground(request.legal_basis), identity=identity(request.identity)))
        st.markdown(t("review-users", users=", ".join(code(user) for user in request.subjects)))
        if request.reason:
            st.markdown(t("request-card-reason", reason=escape(request.reason[:500])))
        if request.opened_by:
            st.markdown(t("review-opened-by", person=escape(request.opened_by)))
        if request.members:
            st.markdown(t("batch-members", requests=", ".join(map(code, request.members))))
            if writable and review.may(batches.dissolving_action(request.id)):
                dissolve_button(request)


def decision(item: ReviewItem, shown: Verification | None, writable: bool) -> None:
    """Show the verdict, the decisions so far, and the options with their consequences, in one box."""
    run, case = item.run, item.case
    with st.container(border=True, key="decision"):
        if case and case.state in NEEDS_ANOTHER_RUN:
            st.markdown(t(f"review-was-{case.state}"))
            decisions(case)
        if run is None:
            st.markdown(t("review-nothing-yet"))
            link("run", t("request-next-new"), "play_circle", request=item.request.id)
            return
        if shown:
            verdict(shown)
        else:
            st.markdown(t("review-unverified"))
        if case and case.state not in NEEDS_ANOTHER_RUN:
            decisions(case)
        failed = shown is not None and not review.is_approvable(run)
        parts = (partial(options, item, run, writable), partial(next_steps, item, shown, writable))
        for draw in reversed(parts) if failed else parts:
            draw()
        if case and case.state not in NEEDS_ANOTHER_RUN:
            st.caption(t("review-needs" if review.takes_several(case) else "review-needs-one"))


def next_steps(item: ReviewItem, shown: Verification | None, writable: bool) -> None:
    """Draw the next steps of the verdict that other pages carry out; a failed run has them first."""
    if shown and not (item.case and item.case.state is CaseState.APPROVED):
        other_steps(item.request, shown, writable and review.may(Action.RUN))


def options(item: ReviewItem, run: RunHandle, writable: bool) -> None:
    """Draw what the signed-in person can do here now."""
    case = item.case
    if not writable:
        return
    if case and case.state is CaseState.PENDING and review.may_decide(case):
        decision_form(case)
    if case is None or case.state in NEEDS_ANOTHER_RUN:
        submit_form(item)
        if review.may(Action.RUN):
            verify_form(run)


def evidence(run: RunHandle, shown: Verification | None) -> None:
    """Show the answers of the verification, how far they can be trusted, and where to read more."""
    if shown:
        answers(shown)
        with st.expander(t("review-trust"), icon=":material/balance:"):
            trust(shown)
    with st.container(horizontal=True):
        link("before_after", t("overview-compare"), "compare_arrows", run=run.id)
        link("circuit", t("overview-modules"), "account_tree", run=run.id)
        link("report", t("overview-report"), "description", run=run.id)


def run_label(item: ReviewItem, name: str) -> str:
    """Describe a run that can be chosen: id, method and verdict."""
    run = item.choices[name]
    verdict = verdict_word(queries.verification(run))
    return t("review-run-label", run=run.id, method=queries.method_title(run.spec), verdict=verdict)


def verify_form(run: RunHandle) -> None:
    """Draw the verification form; the page shows it until the run is submitted."""
    with option(t("review-verify-means")):
        label = t("review-verify-again" if run.verification else "review-verify")
        kind: Literal["primary", "secondary"] = "secondary" if run.verification else "primary"
        pressed = st.button(label, type=kind, icon=":material/fact_check:", key="verify")
        full = st.checkbox(t("review-verify-full"), help=t("review-verify-full-help"), key="verify_full")
    if pressed:
        with guarded(), st.spinner(t("review-verifying")):
            review.verify(run, full)
            state.put_notice(t("review-verified"))
            st.rerun()


def closed_request(closed: ClosedRequest, without_run: int, writable: bool) -> None:
    """Show a request that was carried out, what is left to do, and the search for remaining data.

    Args:
        closed: The request.
        without_run: Number of open requests without a run.
        writable: Whether the page is not read-only.
    """
    st.subheader(t("review-carried-out"), anchor=False)
    st.markdown(t("review-gone", users=closed.users, rows=closed.rows, date=escape(date(closed.closed))))
    if closed.batch not in ("", closed.id):
        st.caption(t("review-gone-together", batch=code(closed.batch), requests=closed.together))
    st.caption(t("review-served", adapter=code(closed.adapter[:16])))
    steps = [t("review-after-record"), t("review-after-copies", left=left_over())]
    steps += [t("review-after-runs", requests=without_run)] if without_run else []
    st.markdown(f"{t('review-next')}\n" + "\n".join(f"1. {step}" for step in steps))
    if writable and st.button(t("review-audit-again"), icon=":material/search:", key="repeat_audit"):
        with guarded(), st.spinner(t("review-auditing")):
            search_result(review.repeat_audit(closed.id))
    timeline(closed.id, closed.created)


def search_result(result: dict[str, Any]) -> None:
    """Show the files with forgotten data or not searched, and whether the approved adapter is in use."""
    if result["traces"]:
        st.error(t("review-found", files=", ".join(map(code, result["traces"]))), icon=":material/error:")
    if result["unread"]:
        files = ", ".join(f"{code(name)} ({escape(why)})" for name, why in result["unread"].items())
        st.error(t("review-not-searched", files=files), icon=":material/error:")
    if not result["served"]:
        st.error(t("review-served-other"), icon=":material/error:")
    if not result["traces"] and not result["unread"] and result["served"]:
        st.success(t("review-found-nothing"), icon=":material/check:")


def own_roles() -> str:
    """Describe the signed-in person and their roles, or the single-user mode."""
    if not review.four_eyes():
        return t("review-single-demo" if review.playable_people() else "review-single")
    names = ", ".join(sorted(map(role_name, review.roles())))
    return t("review-you", person=escape(review.acting_person()), roles=names)


def unfinished(case: Case, writable: bool) -> None:
    """Warn of an approval that was interrupted or is being carried out by another process."""
    warning = t("review-unfinished", request=code(case.request), step=case.step, steps=len(EXECUTION_STEPS))
    st.warning(warning if case.step else f"{warning} {t('review-not-begun')}", icon=":material/pending:")
    if not writable or not review.may(Action.DECIDE):
        return
    with st.container(horizontal=True):
        go_on = st.button(t("review-go-on"), icon=":material/resume:", key="go_on")
        take_back = not case.step and st.button(t("review-withdraw"), icon=":material/undo:", key="withdraw")
    if go_on:
        with guarded(), st.spinner(t("review-carrying-out")):
            review.settle()
            after_execution(case, "review-decided-closed")
    if take_back:
        with guarded():
            review.withdraw(case)
            after_execution(case, "review-withdrawn")


def after_execution(case: Case, notice: str) -> None:
    """Draw the page of this request again, with a notice; its run may be destroyed."""
    state.address(request=case.request, run="")
    state.put_notice(t(notice))
    st.rerun()


def first_request(names: list[str]) -> str:
    """Return the request of the run that was chosen before, else the first request."""
    runs = queries.runs()
    chosen = state.current("run", list(runs))
    request = runs[chosen].spec.request if chosen else ""
    return request if request in names else names[0]


def run_picker(item: ReviewItem) -> None:
    """Draw the choice of the run under review, while none is submitted."""
    if item.run and item.choices:
        label = partial(run_label, item)
        state.pick(t("review-run"), "run", list(item.choices), item.run.id, label, box="review_run")


def open_request(item: ReviewItem, status: RequestStatus, writable: bool) -> None:
    """Show one open request: what is asked, the decision, the evidence, and what happened so far."""
    facts(item.request)
    if item.run and not (writable and item.choices):
        st.caption(about(item.run))
    if status.state is RequestState.IN_BATCH:
        with st.container(border=True):
            st.markdown(standing(status))
            next_step(item.request.id, status)
        about_request(item.request, writable)
        return
    verified = queries.verification(item.run) if item.run else None
    texts = render(verified) if verified else None  # once for all parts of the page, as it takes a while
    decision(item, texts, writable)
    if item.run:
        evidence(item.run, texts)
    about_request(item.request, writable)
    if item.case and item.case.state not in NEEDS_ANOTHER_RUN:
        st.subheader(t("review-comments"), anchor=False)
        comments(item.case, writable)
    timeline(item.request.id, item.request.created, item.request.due)
    if writable:
        named = {"run": item.run.id} if item.run else {}
        link("review", t("review-read-only"), "visibility", request=item.request.id, read="1", **named)


approved = review.approved()
waiting, closed = review.inbox(), {request.id: request for request in review.closed(approved)}
names = [item.request.id for item in waiting] + list(closed)
shown = state.current("request", names, first_request(names) if names else None)
current = next((item for item in waiting if item.request.id == shown), None)
statuses = queries.request_statuses()
status = statuses.get(shown or "", RequestStatus(RequestState.CLOSED))
ended = status.state in (RequestState.UNVERIFIED, RequestState.VERIFIED, RequestState.FAILED)
if ended and current and current.run and status.run != current.run.id:  # another run is chosen
    status = review.status_by(current.run)
lead(t("review-title", request=escape(shown), state=state_text(status)) if shown else t("review-lead"), own_roles())
writable = state.query_value("read") is None
if writable and auth.login_is_set_up() and review.login_is_too_old():
    log_in()
if writable:
    person_switch(current.case if current else None)
if approved:
    unfinished(approved, writable)
if not names:
    if not approved:
        empty(t("review-empty"), "request", t("overview-open-request"))
    st.stop()
if writable:
    left, right = st.columns(2, gap="medium")
    with left:
        state.pick(t("review-request"), "request", names, shown)
    with right:
        if current:
            run_picker(current)
if shown in closed:
    closed_request(closed[shown], sum(item.run is None for item in waiting), writable)
elif current:
    with guarded():
        open_request(current, status, writable)
if writable and len(waiting) > bool(current):
    st.subheader(t("review-inbox-others" if current else "review-inbox"), anchor=False)
    inbox(waiting, statuses, shown)
