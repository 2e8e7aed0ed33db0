"""Review page: the requests by due date, and one request with its evidence, decision and history."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from core.report.case_record import Entry, render_case_record
from core.review.request_state import AGAIN
from core.types import Action, Case, CaseState, ClosedRequest, Verdict
from core.types.review import EXECUTION_STEPS
from dashboard.components.access_gate import log_in
from dashboard.components.batch import dissolve_button
from dashboard.components.decision import comments, decision_form, decisions, left_over, submit_form
from dashboard.components.evidence import WORDS, checks, verdict_word
from dashboard.components.exports import export
from dashboard.components.request_card import due_sentence, request_card, standing
from dashboard.components.text import about, empty, guarded, lead, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, date, escape, ground, identity, role_name, scope
from dashboard.services import queries, review
from dashboard.services.queries import RunHandle
from dashboard.services.review import ReviewItem
from dashboard.session import auth, state


def inbox(waiting: tuple[ReviewItem, ...], shown: str | None) -> None:
    """List the other open requests; `shown` is the id of the one on the page."""
    statuses = queries.request_statuses()
    for item in waiting:
        if item.request.id != shown:
            request_card(item.request, statuses[item.request.id], details=False)


def question(item: ReviewItem, writable: bool) -> None:
    """Show the request: scope, due date, legal basis, users and reason."""
    request = item.request
    st.subheader(t("review-question"), anchor=False)
    st.markdown(t("review-asked", scope=scope(request), date=escape(date(request.created))))
    st.markdown(f"{due_sentence(request)} {standing(queries.request_statuses()[request.id])}")
    st.caption(t("review-grounds", ground=ground(request.legal_basis), identity=identity(request.identity)))
    st.caption(t("review-users", users=", ".join(code(user) for user in request.subjects)))
    if request.members:
        st.caption(t("batch-members", requests=", ".join(map(code, request.members))))
        if writable and review.may(Action.OPEN):
            dissolve_button(request)
    if request.reason:
        st.caption(t("request-card-reason", reason=escape(request.reason[:500])))
    if request.opened_by:
        st.caption(t("review-opened-by", person=escape(request.opened_by)))


def evidence(item: ReviewItem, writable: bool) -> None:
    """Show the verification of the run, and the form that starts one."""
    st.subheader(t("review-evidence"), anchor=False)
    run = item.run
    if run is None:
        empty(t("review-nothing-yet"), "run", t("request-next-new"))
        return
    if writable and item.choices:
        state.pick(t("review-run"), "run", list(item.choices), run.id, partial(run_label, item), box="review_run")
    st.caption(about(run))
    if run.verification:
        checks(run.verification, run.spec.request)
    else:
        st.markdown(t("review-unverified"))
    if writable and review.may(Action.RUN) and (item.case is None or item.case.state in AGAIN):
        verify_form(run)
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
    with st.container(horizontal=True, vertical_alignment="center"):
        label = t("review-verify-again" if run.verification else "review-verify")
        pressed = st.button(label, icon=":material/fact_check:", key="verify")
        full = st.checkbox(t("review-verify-full"), help=t("review-verify-full-help"), key="verify_full")
    if pressed:
        with guarded(), st.spinner(t("review-verifying")):
            review.verify(run, full)
            st.rerun()


def decision(item: ReviewItem, writable: bool) -> None:
    """Show the decisions so far, and the form for the next step."""
    st.subheader(t("review-decision"), anchor=False)
    case = item.case
    if case is None or case.state in AGAIN:
        st.markdown(t(f"review-was-{case.state}") if case else t("review-not-submitted"))
        if case:
            decisions(case)
        if writable:
            submit_form(item)
        return
    st.markdown(t("review-needs" if review.four_eyes() else "review-needs-one"))
    decisions(case)
    if writable and case.state is CaseState.PENDING and review.may(Action.DECIDE):
        decision_form(case)
    st.subheader(t("review-comments"), anchor=False)
    comments(case, writable)


def timeline(request_id: str) -> None:
    """List the ledger's entries for a request, and offer them as a record and as CSV."""
    st.subheader(t("review-timeline"), anchor=False, help=t("review-timeline-help"))
    entries = review.timeline(request_id)
    rows = [(entry["content"].get("submitted", entry["content"]["time"]), entry_sentence(entry)) for entry in entries]
    if not rows:
        st.caption(t("review-timeline-empty"))
        return
    st.markdown("\n".join(f"1. {escape(to_the_minute(time))}: {sentence}" for time, sentence in rows))
    frame = pd.DataFrame(rows, columns=[t("review-column-time"), t("review-column-what")])
    with st.container(horizontal=True):
        page = partial(render_case_record, request_id, entries)
        st.download_button(
            t("review-record-save"),
            page,
            f"{request_id}-record.html",
            "text/html",
            icon=":material/draft:",
            on_click="ignore",
            help=t("review-record-help"),
        )
        export(frame, f"{request_id}-timeline", t("review-timeline-save"))


def to_the_minute(time: str) -> str:
    """Format a time of the ledger (UTC) to the minute."""
    return f"{date(time)}, {time[11:16]} UTC"


def entry_sentence(entry: Entry) -> str:
    """Describe one entry of the ledger in a sentence."""
    kind, content = entry["kind"], entry["content"]
    if kind == "decision":
        made = content["decision"]
        name = "review-approved-by" if made["approve"] else "review-rejected-by"
        person = escape(made["person"]) or t("review-single-person")
        sentence = t(name, person=person, role=role_name(made["role"]), time="").strip()
        return f"{sentence} “{escape(made['reason'])}”" if made.get("reason") else sentence
    if kind == "submission":
        return t(
            "timeline-submission", run=code(content["run"]), person=escape(content["by"]) or t("review-single-person")
        )
    if kind == "withdrawal":
        return t("timeline-withdrawal", person=escape(content["by"]) or t("review-single-person"))
    if kind == "verification":
        return t("timeline-verification", run=code(content["run"]), verdict=WORDS[Verdict(content["verdict"])])
    return t(f"timeline-{kind}", run=code(content["run"])) if kind in ("run", "destruction") else escape(kind)


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
    timeline(closed.id)


def search_result(result: dict[str, Any]) -> None:
    """Show the files with forgotten data, and whether the approved adapter is in use."""
    if result["traces"]:
        st.error(t("review-found", files=", ".join(map(code, result["traces"]))), icon=":material/error:")
    if not result["served"]:
        st.error(t("review-served-other"), icon=":material/error:")
    if not result["traces"] and result["served"]:
        st.success(t("review-found-nothing"), icon=":material/check:")


def own_roles() -> str:
    """Describe the signed-in person and their roles, or the single-user mode."""
    if not review.four_eyes():
        return t("review-single")
    names = ", ".join(sorted(map(role_name, review.roles())))
    return t("review-you", person=escape(auth.signed_in_email()), roles=names)


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


approved = review.approved()
waiting, closed = review.inbox(), {request.id: request for request in review.closed(approved)}
pending = sum(item.case is not None and item.case.state is CaseState.PENDING for item in waiting)
lead(t("review-lead", pending=pending, requests=len(waiting), closed=len(closed)), own_roles())
writable = state.query_value("read") is None
if writable and review.four_eyes() and auth.login_is_set_up() and not auth.login_is_recent():
    log_in()
if approved:
    unfinished(approved, writable)
names = [item.request.id for item in waiting] + list(closed)
if not names:
    if not approved:
        empty(t("review-empty"), "request", t("overview-open-request"))
    st.stop()
shown = (
    state.pick(t("review-request"), "request", names, first_request(names))
    if writable
    else state.current("request", names)
)
if shown in closed:
    closed_request(closed[shown], sum(item.run is None for item in waiting), writable)
elif current := next((item for item in waiting if item.request.id == shown), None):
    question(current, writable)
    with guarded():
        evidence(current, writable)
        decision(current, writable)
        timeline(current.request.id)
    if writable:
        named = {"run": current.run.id} if current.run else {}
        link("review", t("review-read-only"), "visibility", request=current.request.id, read="1", **named)
if writable and len(names) > 1:
    st.subheader(t("review-inbox"), anchor=False)
    inbox(waiting, shown)
