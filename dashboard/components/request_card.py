"""One request as a card: what it covers, where it stands, when it is due, and its next step as a button."""

from datetime import UTC, datetime

import streamlit as st

from core.types import Request, RequestState, RequestStatus
from dashboard.components.evidence import badge
from dashboard.components.text import link
from dashboard.presenters.i18n import t
from dashboard.presenters.inbox import TO_LAUNCH, TO_WATCH
from dashboard.presenters.phrases import capital, code, date, escape, scope
from dashboard.services import queries

NAMED = 8  # user ids on a card


def request_card(request: Request, status: RequestStatus, details: bool = True) -> None:
    """Draw an open request; with `details`, its users and its reason too."""
    with st.container(border=True, key=f"request_{request.id}"):
        st.markdown(t("request-card", request=code(request.id), scope=scope(request), state=standing(status)))
        st.caption(due_sentence(request))
        if details:
            users = ", ".join(code(user) for user in request.subjects[:NAMED])
            more = len(request.subjects) > NAMED
            st.caption(t("request-card-users-more" if more else "request-card-users", users=users))
            if request.reason:
                st.caption(t("request-card-reason", reason=escape(request.reason[:300])))
        next_step(request.id, status)


def standing(status: RequestStatus) -> str:
    """Describe where a request stands, as Markdown: the state, with the verdict of its run where there is one."""
    state = f"**{capital(state_text(status, code(status.batch)))}**"
    return f"{state} {badge(status.verdict)}" if status.verdict else state


def state_text(status: RequestStatus, batch: str = "") -> str:
    """Describe the state in words; `batch` replaces the plain id of the batch."""
    return t(f"request-state-{status.state.replace('_', '-')}", batch=batch or status.batch)


def due_sentence(request: Request) -> str:
    """Tell by when a request is to be answered, and whether that day has passed."""
    if not request.due:
        return t("request-card-opened", date=escape(date(request.created)))
    late = t("review-overdue") if overdue(request.due) else ""
    return f"{t('review-due', date=escape(date(request.due)))} {late}".strip()


def overdue(due: str) -> bool:
    """Return whether a due date has passed. The days of the demo world are those of its story, so they never do."""
    return bool(due) and not queries.demo() and datetime.fromisoformat(due) < datetime.now(UTC)


def next_step(request_id: str, status: RequestStatus) -> None:
    """Draw the button that leads to the next step."""
    label = t(f"request-next-{status.state.replace('_', '-')}")
    if status.state in TO_LAUNCH:
        link("run", label, "play_circle", request=request_id)
    elif status.state in TO_WATCH:
        link("run", label, "monitoring", run=status.run)
    elif status.state is RequestState.IN_BATCH:
        link("review", label, "group_work", request=status.batch)
    else:
        named = {"run": status.run} if status.run and status.state is not RequestState.CLOSED else {}
        link("review", label, "gavel", request=request_id, **named)
