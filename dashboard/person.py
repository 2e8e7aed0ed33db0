"""Who is at the screen, as the login says (OpenID Connect, through st.login)."""

import time

import streamlit as st

FRESH = 15 * 60  # seconds since the login in which somebody may decide


def who() -> str:
    """The person at the screen, as the login says; nobody where there is no login."""
    if not _logged_in() or st.user.get("email_verified") is False:  # an address that anybody may have typed
        return ""
    return str(st.user.email)


def _logged_in() -> bool:
    return bool(getattr(st.user, "is_logged_in", False))


def login_is_set_up() -> bool:
    """Whether somebody can log in here at all."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def fresh() -> bool:
    """Whether the login is young enough to decide."""
    since = st.user.get("auth_time", st.user.get("iat", 0)) if _logged_in() else 0
    return time.time() - float(str(since)) <= FRESH
