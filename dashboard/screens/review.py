"""Review: requests by their due date, and one of them from the question to the evidence, the decision, and what followed."""

from datetime import UTC, datetime
from functools import partial

import pandas as pd
import streamlit as st

from core.report.case_record import Entry, record
from core.types import Act, Case, CaseState, Closed
from dashboard.components.access_gate import log_in
from dashboard.components.decision import comments, decision_form, decisions, submit_form
from dashboard.components.evidence import checks
from dashboard.components.exports import export
from dashboard.components.text import about, empty, guarded, lead, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, date, escape, ground, identity, scope
from dashboard.services import review
from dashboard.services.queries import RunFolder
from dashboard.services.review import AGAIN, ReviewItem
from dashboard.session import auth, state


def standing(found: ReviewItem) -> str:
    """Where a request stands, in a word."""
    if found.case and found.case.state not in AGAIN:
        return t(f"case-{found.case.state}")
    if found.run is None:
        return t(f"case-{found.case.state}" if found.case else "review-no-run")
    return t("review-to-submit" if found.run.verification else "review-to-verify")


def overdue(due: str) -> bool:
    return bool(due) and datetime.fromisoformat(due) < datetime.now(UTC)


def inbox(waiting: tuple[ReviewItem, ...], shown: str | None) -> None:
    for one in waiting:
        with st.container(border=True):
            late = t("review-overdue") if overdue(one.request.due) else ""
            told = t("review-due", date=escape(date(one.request.due))) if one.request.due else ""
            st.markdown(f"{code(one.request.id)} · {scope(one.request)} · **{standing(one)}**")
            st.caption(f"{told} {late}")
            if one.request.id != shown:
                link("review", t("review-look"), "gavel", request=one.request.id)


def question(found: ReviewItem) -> None:
    request = found.request
    st.subheader(t("review-question"), anchor=False)
    st.markdown(t("review-asked", scope=scope(request), date=escape(date(request.created))))
    if request.due:
        due = t("review-due", date=escape(date(request.due)))
        st.markdown(f"{due} {t('review-overdue')}" if overdue(request.due) else due)
    st.caption(t("review-grounds", ground=ground(request.legal_basis), identity=identity(request.identity)))
    st.caption(t("review-people", people=", ".join(code(user) for user in request.subjects)))
    if request.reason:
        st.caption(t("overview-request-reason", reason=escape(request.reason[:500])))
    if request.opened_by:
        st.caption(t("review-opened-by", person=escape(request.opened_by)))


def evidence(found: ReviewItem, acts: bool) -> None:
    st.subheader(t("review-evidence"), anchor=False)
    run = found.run
    if run is None:
        empty(t("review-nothing-yet"), "run", t("overview-request-launch"))
        return
    st.caption(about(run))
    if run.verification:
        checks(run.verification)
    else:
        st.markdown(t("review-unverified"))
    if acts and review.may(Act.RUN) and (found.case is None or found.case.state in AGAIN):
        verify_form(run)
    with st.container(horizontal=True):
        link("before_after", t("overview-compare"), "compare_arrows", run=run.id)
        link("circuit", t("overview-parts"), "account_tree", run=run.id)
        link("report", t("overview-report"), "description", run=run.id)


def verify_form(run: RunFolder) -> None:
    """Until it is submitted; what is decided on does not change any more."""
    with st.container(horizontal=True, vertical_alignment="center"):
        label = t("review-verify-again" if run.verification else "review-verify")
        pressed = st.button(label, icon=":material/fact_check:", key="verify")
        full = st.checkbox(t("review-verify-full"), help=t("review-verify-full-help"), key="verify_full")
    if pressed:
        with guarded(), st.spinner(t("review-verifying")):
            review.verify(run, full)
            st.rerun()


def decision(found: ReviewItem, acts: bool) -> None:
    st.subheader(t("review-decision"), anchor=False)
    case = found.case
    if case is None or case.state in AGAIN:
        st.markdown(t(f"review-was-{case.state}") if case else t("review-not-submitted"))
        if case:
            decisions(case)
        if acts:
            submit_form(found)
        return
    st.markdown(t("review-needs" if review.four_eyes() else "review-needs-one"))
    decisions(case)
    if acts and case.state is CaseState.PENDING and review.may(Act.DECIDE):
        decision_form(case)
    st.subheader(t("review-comments"), anchor=False)
    comments(case, acts)


def timeline(request_id: str) -> None:
    st.subheader(t("review-timeline"), anchor=False, help=t("review-timeline-help"))
    entries = review.timeline(request_id)
    rows = [(entry["content"].get("submitted", entry["content"]["time"]), told(entry)) for entry in entries]
    if not rows:
        st.caption(t("review-timeline-empty"))
        return
    st.markdown("\n".join(f"1. {escape(moment(when))}: {what}" for when, what in rows))
    frame = pd.DataFrame(rows, columns=[t("review-column-time"), t("review-column-what")])
    with st.container(horizontal=True):
        page = partial(record, request_id, entries)
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


def moment(when: str) -> str:
    """A time of the ledger, which is UTC, to the minute."""
    return f"{date(when)}, {when[11:16]} UTC"


def told(entry: Entry) -> str:
    """One entry of the ledger as a sentence."""
    kind, content = entry["kind"], entry["content"]
    if kind == "decision":
        one = content["decision"]
        name = "review-approved-by" if one["approve"] else "review-rejected-by"
        who = escape(one["person"]) or t("review-single-person")
        said = t(name, person=who, role=t(f"role-{one['role'].replace('_', '-')}"), time="").strip()
        return f"{said} “{escape(one['reason'])}”" if one.get("reason") else said
    if kind == "submission":
        return t(
            "timeline-submission", run=code(content["run"]), person=escape(content["by"]) or t("review-single-person")
        )
    if kind == "verification":
        return t("timeline-verification", run=code(content["run"]), verdict=t(f"verdict-{content['verdict']}"))
    return t(f"timeline-{kind}", run=code(content["run"])) if kind in ("run", "destruction") else escape(kind)


def ended(one: Closed, acts: bool) -> None:
    st.subheader(t("review-carried-out"), anchor=False)
    st.markdown(t("review-gone", people=one.people, rows=one.rows, date=escape(date(one.closed))))
    st.caption(t("review-served", adapter=code(one.adapter[:16])))
    if acts and st.button(t("review-look-again"), icon=":material/search:", key="look_again"):
        with guarded(), st.spinner(t("review-looking")):
            looked(review.look_again(one.id))
    timeline(one.id)


def looked(found: dict) -> None:
    if found["traces"]:
        st.error(t("review-found", files=", ".join(map(code, found["traces"]))), icon=":material/error:")
    if not found["served"]:
        st.error(t("review-served-other"), icon=":material/error:")
    if not found["traces"] and found["served"]:
        st.success(t("review-found-nothing"), icon=":material/check:")


def standing_here() -> str:
    """Who is at the screen, or that it makes no difference."""
    if not review.four_eyes():
        return t("review-single")
    names = ", ".join(sorted(t(f"role-{one.replace('_', '-')}") for one in review.roles()))
    return t("review-you", person=escape(auth.who()), roles=names)


def unfinished(case: Case, acts: bool) -> None:
    """Somebody's approval broke off, or is carried out at this moment by another process."""
    told = t("review-unfinished", request=code(case.request), step=case.step, steps=review.STEPS)
    st.warning(told, icon=":material/pending:")
    if acts and review.may(Act.DECIDE) and st.button(t("review-go-on"), icon=":material/resume:", key="go_on"):
        with guarded(), st.spinner(t("review-carrying-out")):
            review.settle()
            state.say(t("review-went-on"))
            st.rerun()


at_work = review.approved()
waiting, over = review.inbox(), {one.id: one for one in review.closed(at_work)}
lead(t("review-lead", requests=len(waiting), closed=len(over)), standing_here())
acts = state.asked("read") is None
if acts and review.four_eyes() and auth.login_is_set_up() and not auth.fresh():
    log_in()
if at_work:
    unfinished(at_work, acts)
names = [one.request.id for one in waiting] + list(over)
if not names:
    if not at_work:
        empty(t("review-empty"), "request", t("overview-open-request"))
    st.stop()
shown = state.pick(t("review-request"), "request", names, names[0]) if acts else state.current("request", names)
if shown in over:
    ended(over[shown], acts)
elif found := next((one for one in waiting if one.request.id == shown), None):
    question(found)
    with guarded():
        evidence(found, acts)
        decision(found, acts)
        timeline(found.request.id)
    if acts:
        link("review", t("review-read-only"), "visibility", request=found.request.id, read="1")
if acts and len(names) > 1:
    st.subheader(t("review-inbox"), anchor=False)
    inbox(waiting, shown)
