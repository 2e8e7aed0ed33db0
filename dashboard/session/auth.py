"""Identity of the signed-in person (OpenID Connect, through st.login)."""

import time

import streamlit as st

FRESH = 15 * 60  # seconds after the login in which a person may decide
AHEAD = 60  # seconds by which the provider's clock may be ahead of ours


def signed_in_email() -> str:
    """Return the verified e-mail address of the signed-in person, or "" without a login or a verified address."""
    email = st.user.get("email")
    return email if _logged_in() and _verified() and isinstance(email, str) else ""


def _logged_in() -> bool:
    return bool(getattr(st.user, "is_logged_in", False))


def _verified() -> bool:
    """Whether the provider verified the address; some providers send the claim as text, Microsoft never sends it."""
    return st.user.get("email_verified", True) in (True, "true")


def login_is_set_up() -> bool:
    """Return whether a login provider is configured."""
    try:
        # st.login() uses the provider without a name
        return "client_id" in st.secrets.get("auth", {})
    except FileNotFoundError:
        return False


def login_is_recent() -> bool:
    """Return whether the login is recent enough to decide; a login without a time or from the future is not."""
    since = st.user.get("auth_time", st.user.get("iat")) if _logged_in() else None
    return isinstance(since, int | float) and -AHEAD <= time.time() - since <= FRESH
