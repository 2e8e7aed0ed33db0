"""The decision: who has said what, and the dialog that tells what will be destroyed before anything is."""

import streamlit as st

from core.report.summary import visible
from core.types import Act, Case, CaseState
from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import date, escape
from dashboard.services import review
from dashboard.session import state

DESTROYED = ("rows", "adapter", "references", "runs", "requests", "key")
LEFT = ("backups", "copies", "memory", "blocks", "logs")


def decisions(case: Case) -> None:
    """What was decided so far."""
    for one in case.decisions:
        told = t(
            "review-approved-by" if one.approve else "review-rejected-by",
            person=escape(one.person) or t("review-single-person"),
            role=t(f"role-{one.role.replace('_', '-')}"),
            time=escape(date(one.time)),
        )
        st.markdown(f"- {told} {escape(one.reason)}")
    if case.message:
        st.warning(t("review-went-back", why=escape(case.message)), icon=":material/undo:")


def decision_form(case: Case) -> None:
    """Two buttons for whoever may decide; each opens the dialog."""
    if changed := review.changed(case):
        st.warning(t("review-changed"), icon=":material/warning:")
    with st.container(horizontal=True):
        if not changed and st.button(t("review-approve"), type="primary", icon=":material/check:", key="approve"):
            _dialog(case, True)
        if st.button(t("review-reject"), icon=":material/close:", key="reject"):
            _dialog(case, False)


@st.dialog(t("review-dialog"), width="medium")
def _dialog(case: Case, approve: bool) -> None:
    """What will happen, why, and the last word."""
    if approve:
        st.markdown(t("review-will-go"))
        st.markdown("\n".join(f"- {t(f'review-destroys-{name}')}" for name in DESTROYED))
        st.caption(t("review-will-stay") + " " + "; ".join(t(f"review-left-{name}") for name in LEFT) + ".")
    else:
        st.markdown(t("review-will-reject"))
    reason = st.text_area(t("review-reason"), key="decision_reason", max_chars=1000, help=t("review-reason-help"))
    sure = not approve or st.checkbox(t("review-understood"), key="decision_understood")
    label = t("review-approve-now" if approve else "review-reject-now")
    if st.button(label, type="primary", disabled=not sure, key="decide_now"):
        with guarded(), st.spinner(t("review-carrying-out")):
            found = review.decide(case, approve, reason)
            state.say(t("review-said", state=t(f"case-{found}")))
            st.rerun()


def submit_form(found: review.ReviewItem) -> None:
    """From a finished run to a case: make the ledger, verify, submit, each where it is missing."""
    run = found.run
    if run is None or not review.may(Act.SUBMIT):
        return
    if not review.keeps_ledger():
        st.markdown(t("review-no-ledger"))
        if st.button(t("review-make-ledger"), icon=":material/history_edu:", key="make_ledger"):
            with guarded():
                review.make_ledger()
                st.rerun()
    elif run.verification is None:
        st.markdown(t("review-not-verified"))
    elif st.button(t("review-submit"), type="primary", icon=":material/send:", key="submit"):
        with guarded():
            review.submit(run)
            state.say(t("review-submitted"))
            st.rerun()


def comments(case: Case, acts: bool) -> None:
    """What was said, and room to say something."""
    for one in case.comments:
        with st.container(border=True):
            st.caption(f"{escape(one.person) or t('review-single-person')} · {escape(date(one.time))}")
            st.text("\n".join(map(visible, one.text.splitlines())))
    if acts and review.may(Act.COMMENT) and case.state is CaseState.PENDING:
        with st.form("comment", clear_on_submit=True):
            text = st.text_area(t("review-comment"), max_chars=2000, key="comment_text")
            if st.form_submit_button(t("review-comment-send"), icon=":material/chat:"):
                with guarded():
                    review.comment(case, text)
                    st.rerun()
