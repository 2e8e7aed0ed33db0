"""Access gate: in a workspace with roles, only people with a role see the pages."""

import streamlit as st

from core.types import Action
from dashboard.components.text import lead
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape
from dashboard.services import review
from dashboard.session import auth


def access_gate() -> bool:
    """Return whether the signed-in person may read; otherwise explain how to get access."""
    if review.may(Action.READ):
        return True
    name = auth.signed_in_email()
    lead(t("access-gate-lead"), t("access-gate-no-role", person=escape(name)) if name else t("access-gate-roles"))
    if not auth.login_is_set_up():
        st.caption(t("access-gate-no-login"))
    elif not name:
        log_in()
    return False


def log_in() -> None:
    """Draw the login button."""
    st.button(t("review-log-in"), on_click=st.login, icon=":material/login:", key="log_in")
