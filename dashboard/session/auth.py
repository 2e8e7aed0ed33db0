"""Who is at the screen, as the login says (OpenID Connect, through st.login)."""

import time

import streamlit as st

FRESH = 15 * 60  # seconds since the login in which somebody may decide
AHEAD = 60  # seconds that a provider's clock may be ahead of ours


def who() -> str:
    """The person at the screen, as the login says; nobody where there is no login, or none with an address of their own."""
    email = st.user.get("email")
    return email if _logged_in() and _verified() and isinstance(email, str) else ""


def _logged_in() -> bool:
    return bool(getattr(st.user, "is_logged_in", False))


def _verified() -> bool:
    """An address may be one that anybody has typed. Some providers say so as text, and Microsoft never says."""
    return st.user.get("email_verified", True) in (True, "true")


def login_is_set_up() -> bool:
    """Whether somebody can log in here at all."""
    try:
        # of the provider without a name, which is the one that is asked
        return "client_id" in st.secrets.get("auth", {})
    except FileNotFoundError:
        return False


def fresh() -> bool:
    """Whether the login is young enough to decide; one that does not say when, or says a time to come, is not."""
    since = st.user.get("auth_time", st.user.get("iat")) if _logged_in() else None
    return isinstance(since, int | float) and -AHEAD <= time.time() - since <= FRESH
