"""Login: claims that identify a user, the age of a login, its configuration, and access to the review page."""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.runtime import secrets
from streamlit.testing.v1 import AppTest

from core.utils.serialization import write_json
from core.workspace import Workspace
from dashboard.session import auth
from tests.dashboard.conftest import open_page

NOW = 1_800_000_000
PETRA = "petra@example.org"
LOGIN = {"is_logged_in": True, "email": PETRA, "email_verified": True, "iat": NOW}
AUTH = {"auth": {"redirect_uri": "http://localhost/oauth2callback", "client_id": "cure"}}


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: float(NOW)))


def login_without(*names: str) -> dict:
    """Login claims without these names."""
    return {name: value for name, value in LOGIN.items() if name not in names}


@cache
def rule_app() -> AppTest:
    """A page that calls one function of session/auth.py; cached because it is slow to start."""

    def script() -> None:
        import streamlit as st

        from dashboard.session import auth

        st.session_state["answer"] = getattr(auth, st.session_state["rule"])()

    return AppTest.from_function(script, default_timeout=60)


def call_rule(rule: str, claims: dict):
    """Result of a function of session/auth.py for these login claims."""
    app = rule_app()
    app.user, app.session_state["rule"] = claims, rule
    assert not app.run().exception
    return app.session_state["answer"]


# ---------------------------------------------------------------- identity


def test_login_is_identified_by_its_verified_email() -> None:
    assert call_rule("signed_in_email", LOGIN) == PETRA


@pytest.mark.parametrize("claims", [{}, login_without("is_logged_in"), LOGIN | {"is_logged_in": False}])
def test_email_without_login_is_not_signed_in(claims: dict) -> None:
    assert call_rule("signed_in_email", claims) == ""


def test_unverified_email_is_not_signed_in() -> None:
    assert call_rule("signed_in_email", LOGIN | {"email_verified": False}) == ""


def test_missing_verified_claim_counts_as_verified() -> None:
    """Microsoft's tokens lack the claim `email_verified`."""
    assert call_rule("signed_in_email", login_without("email_verified")) == PETRA


@pytest.mark.parametrize("verified", ["false", "False", "", 0, None])
def test_other_spellings_of_unverified_are_not_signed_in(verified) -> None:
    assert call_rule("signed_in_email", LOGIN | {"email_verified": verified}) == ""


@pytest.mark.parametrize("verified", [True, "true"])
def test_verified_claim_may_be_boolean_or_text(verified) -> None:
    assert call_rule("signed_in_email", LOGIN | {"email_verified": verified}) == PETRA


@pytest.mark.parametrize("claim", ["name", "nickname", "preferred_username", "sub", "upn", "unique_name", "given_name"])
def test_self_chosen_names_identify_no_user(claim: str) -> None:
    assert call_rule("signed_in_email", LOGIN | {"email": "mallory@example.org", claim: PETRA}) == "mallory@example.org"


@pytest.mark.parametrize("claims", [login_without("email"), LOGIN | {"email": None}, LOGIN | {"email": [PETRA]}])
def test_login_without_email_is_not_signed_in(claims: dict) -> None:
    assert call_rule("signed_in_email", claims) == ""


@pytest.mark.parametrize("email", ["Petra@example.org", f" {PETRA}", f"{PETRA}\u200b"])
def test_email_is_compared_exactly(email: str) -> None:
    """The provider distinguishes addresses; a similar address has no role here."""
    assert call_rule("signed_in_email", LOGIN | {"email": email}) == email


# ---------------------------------------------------------------- age of a login


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
@pytest.mark.parametrize(("age", "recent"), [(0, True), (899, True), (900, True), (901, False), (86400, False)])
def test_login_is_recent_for_15_minutes(claim: str, age: int, recent: bool) -> None:
    assert call_rule("login_is_recent", login_without("iat") | {claim: NOW - age}) is recent


def test_auth_time_takes_precedence_over_iat() -> None:
    assert call_rule("login_is_recent", LOGIN | {"auth_time": NOW - 901}) is False
    assert call_rule("login_is_recent", LOGIN | {"auth_time": NOW, "iat": NOW - 901}) is True


def test_login_without_time_is_not_recent() -> None:
    assert call_rule("login_is_recent", login_without("iat")) is False


@pytest.mark.parametrize("claims", [{}, login_without("is_logged_in"), LOGIN | {"is_logged_in": False}])
def test_missing_login_is_not_recent(claims: dict) -> None:
    assert call_rule("login_is_recent", claims) is False


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
@pytest.mark.parametrize("ahead", [120, 86400, math.inf])
def test_login_time_in_the_future_is_not_recent(claim: str, ahead: float) -> None:
    assert call_rule("login_is_recent", LOGIN | {claim: NOW + ahead}) is False


def test_login_time_may_be_half_a_minute_ahead() -> None:
    assert call_rule("login_is_recent", LOGIN | {"iat": NOW + 30}) is True


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
@pytest.mark.parametrize("time", ["soon", "", None, True, [NOW], {"at": NOW}])
def test_login_time_that_is_not_a_number_is_not_recent(claim: str, time) -> None:
    assert call_rule("login_is_recent", LOGIN | {claim: time}) is False


def test_login_time_nan_is_not_recent() -> None:
    assert call_rule("login_is_recent", LOGIN | {"iat": math.nan}) is False


# ---------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[auth]\nclient_id = "cure"\n', True),
        ('[auth.google]\nclient_id = "cure"\n', False),  # a named provider, which the dashboard does not use
        ('[database]\npassword = "auth"\n', False),
        ("", False),
        ("no toml", False),
        (None, False),
    ],
)
def test_login_is_set_up_if_secrets_configure_it(text: str | None, found: bool, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "secrets.toml"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(secrets, "config", SimpleNamespace(get_option=lambda name: [str(path)]))
    monkeypatch.setattr(st, "secrets", secrets.Secrets())
    assert auth.login_is_set_up() is found


# ---------------------------------------------------------------- access to the review page


@pytest.fixture
def open_review(demo: Path):
    """Function that opens the review page with login claims; only Petra has a role in the workspace."""
    workspace = Workspace(demo)
    write_json(demo / "workspace.json", replace(workspace.settings, people={PETRA: ("privacy_officer",)}))

    def draw(claims: dict) -> AppTest:
        return open_page("review", user=claims, secrets=AUTH)

    return draw


def offers_login(app: AppTest) -> bool:
    return "log_in" in {button.key for button in app.button}


def test_user_with_role_has_access_and_renews_an_old_login(open_review) -> None:
    app = open_review(LOGIN)
    assert "You are petra" in app.markdown[0].value and not offers_login(app)
    app.user = LOGIN | {"iat": NOW - 901}
    app.run()
    assert "You are petra" in app.markdown[0].value and offers_login(app)


@pytest.mark.parametrize(
    ("claims", "offered"),
    [
        ({}, True),
        (LOGIN | {"is_logged_in": False}, True),
        (LOGIN | {"email_verified": False}, True),
        (LOGIN | {"email": "Petra@example.org"}, False),
        (LOGIN | {"email": f"{PETRA} "}, False),
    ],
)
def test_user_without_role_has_no_access(open_review, claims: dict, offered: bool) -> None:
    """A user who is logged in without a role is not offered another login."""
    app = open_review(claims)
    assert app.title[0].value == "Log in to look inside." and offers_login(app) is offered
