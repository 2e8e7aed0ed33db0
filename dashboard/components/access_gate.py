"""The door: where people have roles, nobody without one looks inside."""

import streamlit as st

from core.types import Act
from dashboard.components.text import lead
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape
from dashboard.services import review
from dashboard.session import auth


def door() -> bool:
    """Whether whoever is at the screen may look inside; where not, how to get in."""
    if review.may(Act.READ):
        return True
    name = auth.who()
    lead(t("door-lead"), t("door-no-role", person=escape(name)) if name else t("door-who"))
    if not auth.login_is_set_up():
        st.caption(t("door-no-login"))
    elif not name:
        log_in()
    return False


def log_in() -> None:
    st.button(t("review-log-in"), on_click=st.login, icon=":material/login:", key="log_in")
