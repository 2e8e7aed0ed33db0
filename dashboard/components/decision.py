"""Decision forms of the review page: decisions so far, submission, the approve and reject dialog, comments."""

from typing import Literal

import streamlit as st

from core.types import Action, Case, CaseState
from core.utils.text import visible
from dashboard.components.evidence import verdict_word
from dashboard.components.options import option
from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, date, escape, role_name
from dashboard.services import queries, review
from dashboard.session import state

DESTROYED = ("rows", "adapter", "references", "runs", "requests", "key")
LEFT = ("backups", "copies", "memory", "blocks", "logs")


def left_over() -> str:
    """Name the places with forgotten data that this program cannot reach."""
    return "; ".join(t(f"review-left-{name}") for name in LEFT)


def decisions(case: Case) -> None:
    """List the decisions so far."""
    for decision in case.decisions:
        sentence = t(
            "review-approved-by" if decision.approve else "review-rejected-by",
            person=escape(decision.person) or t("review-single-person"),
            role=role_name(decision.role),
            time=escape(date(decision.time)),
        )
        st.markdown(f"- {sentence} {escape(decision.reason)}")
    if case.message:
        st.warning(t("review-went-back", why=escape(case.message)), icon=":material/undo:")


def decision_form(case: Case) -> None:
    """Draw the buttons of the decisions that are possible; each opens the dialog.

    In place of a decision that this person may not take stands one sentence why.
    """
    refusals = {approve: review.refusal(case, approve) for approve in (True, False)}
    for sentence in dict.fromkeys(filter(None, refusals.values())):
        st.info(escape(sentence), icon=":material/how_to_reg:")
    if changed := review.changed(case):
        st.warning(t("review-changed"), icon=":material/warning:")
    if failed := not review.is_approvable(queries.run(case.run)):
        st.warning(t("review-failed"), icon=":material/warning:")
    if not (changed or failed or refusals[True]):
        needed = review.requires_reason(case, True)
        with option(t("review-approve-means")):
            label = t("review-approve-reason" if needed else "review-approve")
            if st.button(label, type="primary", icon=":material/check:", key="approve"):
                _dialog(case, True)
    if not refusals[False]:
        with option(t("review-reject-means")):
            if st.button(t("review-reject"), icon=":material/close:", key="reject"):
                _dialog(case, False)


@st.dialog(t("review-dialog"), width="medium")
def _dialog(case: Case, approve: bool) -> None:
    """Name what the decision destroys, ask for the reason and the confirmation, and decide."""
    st.markdown(_subject(case))
    if approve:
        st.markdown(t("review-will-go"))
        st.markdown("\n".join(f"- {t(f'review-destroys-{name}')}" for name in DESTROYED))
        st.caption(t("review-will-stay", left=left_over()))
    else:
        st.markdown(t("review-will-reject"))
    needed = review.requires_reason(case, approve)
    label = t("review-reason-needed" if needed else "review-reason")
    reason = st.text_area(label, key="decision_reason", max_chars=1000, help=t("review-reason-help"))
    understood = t("review-understood" if approve else "review-understood-reject")
    ready = st.checkbox(understood, key="decision_understood") and (bool(reason.strip()) or not needed)
    label = t("review-approve-now" if approve else "review-reject-now")
    if st.button(label, type="primary", disabled=not ready, key="decide_now"):
        with guarded(), st.spinner(t("review-carrying-out")):
            outcome = review.decide(case, approve, reason)
            # The page stays at this request; its run may be destroyed.
            state.address(request=case.request, run="")
            state.put_notice(t(f"review-decided-{outcome}"))
            st.rerun()


def _subject(case: Case) -> str:
    """Name the request, the run, the method and the verdict that a decision is about."""
    run = queries.run(case.run)
    method, verdict = escape(queries.method_title(run.spec)), verdict_word(queries.verification(run))
    return t("review-subject", request=code(case.request), run=code(run.id), method=method, verdict=verdict)


def submit_form(item: review.ReviewItem) -> None:
    """Draw the next step from a verified run to a case: create the ledger, or submit."""
    run = item.run
    if run is None or not review.may(Action.SUBMIT):
        return
    if not review.keeps_ledger():
        with option(t("review-no-ledger")):
            pressed = st.button(t("review-make-ledger"), icon=":material/history_edu:", key="make_ledger")
        if pressed:
            with guarded():
                review.make_ledger()
                st.rerun()
    elif run.verification is not None:
        approvable = review.is_approvable(run)
        with option(t("review-submit-means" if approvable else "review-submit-failed-means")):
            kind: Literal["primary", "secondary"] = "primary" if approvable else "secondary"
            pressed = st.button(t("review-submit"), type=kind, icon=":material/send:", key="submit")
        if pressed:
            with guarded():
                review.submit(run)
                state.put_notice(t("review-submitted"))
                st.rerun()


def comments(case: Case, writable: bool) -> None:
    """List the comments, and draw the form for a new one.

    Args:
        case: The case under review.
        writable: Whether the page is not read-only.
    """
    for comment in case.comments:
        with st.container(border=True):
            st.caption(f"{escape(comment.person) or t('review-single-person')} · {escape(date(comment.time))}")
            st.text("\n".join(map(visible, comment.text.splitlines())))
    if writable and review.may(Action.COMMENT) and case.state is CaseState.PENDING:
        with st.form("comment", clear_on_submit=True):
            text = st.text_area(t("review-comment"), max_chars=2000, key="comment_text")
            if st.form_submit_button(t("review-comment-send"), icon=":material/chat:"):
                with guarded():
                    review.comment(case, text)
                    st.rerun()
