"""Who is at the screen: what a login has to say before it names somebody, and how young it is when they decide."""

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
from tests.dashboard.conftest import opened

NOW = 1_800_000_000
PETRA = "petra@example.org"
LOGIN = {"is_logged_in": True, "email": PETRA, "email_verified": True, "iat": NOW}
AUTH = {"auth": {"redirect_uri": "http://localhost/oauth2callback", "client_id": "cure"}}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: float(NOW)))


def without(*names: str) -> dict:
    """A login that does not say these."""
    return {name: value for name, value in LOGIN.items() if name not in names}


@cache
def screen() -> AppTest:
    """A page that asks one rule of person.py; starting it costs more than asking it."""

    def script() -> None:
        import streamlit as st

        from dashboard.session import auth

        st.session_state["answer"] = getattr(auth, st.session_state["rule"])()

    return AppTest.from_function(script, default_timeout=60)


def ask(rule: str, claims: dict):
    """What a rule answers where Streamlit has these claims of a login."""
    app = screen()
    app.user, app.session_state["rule"] = claims, rule
    assert not app.run().exception
    return app.session_state["answer"]


# ---------------------------------------------------------------- who it is


def test_a_login_names_the_person_by_their_verified_address() -> None:
    assert ask("signed_in_email", LOGIN) == PETRA


@pytest.mark.parametrize("claims", [{}, without("is_logged_in"), LOGIN | {"is_logged_in": False}])
def test_an_address_without_a_login_is_nobody(claims: dict) -> None:
    assert ask("signed_in_email", claims) == ""


def test_an_address_that_is_not_verified_is_nobody() -> None:
    assert ask("signed_in_email", LOGIN | {"email_verified": False}) == ""


def test_a_provider_that_never_says_whether_is_taken_at_its_word() -> None:
    """Microsoft's tokens lack the claim."""
    assert ask("signed_in_email", without("email_verified")) == PETRA


@pytest.mark.parametrize("said", ["false", "False", "", 0, None])
def test_a_provider_that_says_it_in_another_way_is_understood(said) -> None:
    assert ask("signed_in_email", LOGIN | {"email_verified": said}) == ""


@pytest.mark.parametrize("said", [True, "true"])
def test_some_providers_say_it_as_text(said) -> None:
    assert ask("signed_in_email", LOGIN | {"email_verified": said}) == PETRA


@pytest.mark.parametrize("claim", ["name", "nickname", "preferred_username", "sub", "upn", "unique_name", "given_name"])
def test_what_people_call_themselves_names_nobody(claim: str) -> None:
    assert ask("signed_in_email", LOGIN | {"email": "mallory@example.org", claim: PETRA}) == "mallory@example.org"


@pytest.mark.parametrize("claims", [without("email"), LOGIN | {"email": None}, LOGIN | {"email": [PETRA]}])
def test_a_login_without_an_address_is_nobody(claims: dict) -> None:
    assert ask("signed_in_email", claims) == ""


@pytest.mark.parametrize("written", ["Petra@example.org", f" {PETRA}", f"{PETRA}\u200b"])
def test_an_address_is_taken_letter_by_letter(written: str) -> None:
    """Which is for the provider to keep apart; one that is nearly the same gets no role by it."""
    assert ask("signed_in_email", LOGIN | {"email": written}) == written


# ---------------------------------------------------------------- how long ago


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
@pytest.mark.parametrize(("age", "young"), [(0, True), (899, True), (900, True), (901, False), (86400, False)])
def test_a_login_decides_for_15_minutes(claim: str, age: int, young: bool) -> None:
    assert ask("login_is_recent", without("iat") | {claim: NOW - age}) is young


def test_when_the_person_logged_in_counts_and_not_when_the_provider_said_so_again() -> None:
    assert ask("login_is_recent", LOGIN | {"auth_time": NOW - 901}) is False
    assert ask("login_is_recent", LOGIN | {"auth_time": NOW, "iat": NOW - 901}) is True


def test_a_login_that_does_not_say_when_is_old() -> None:
    assert ask("login_is_recent", without("iat")) is False


@pytest.mark.parametrize("claims", [{}, without("is_logged_in"), LOGIN | {"is_logged_in": False}])
def test_where_nobody_logged_in_nothing_is_young(claims: dict) -> None:
    assert ask("login_is_recent", claims) is False


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
@pytest.mark.parametrize("ahead", [120, 86400, math.inf])
def test_a_login_of_the_future_is_no_young_one(claim: str, ahead: float) -> None:
    assert ask("login_is_recent", LOGIN | {claim: NOW + ahead}) is False


def test_a_providers_clock_may_be_a_little_ahead() -> None:
    assert ask("login_is_recent", LOGIN | {"iat": NOW + 30}) is True


@pytest.mark.parametrize("claim", ["iat", "auth_time"])
@pytest.mark.parametrize("time", ["soon", "", None, True, [NOW], {"at": NOW}])
def test_a_time_that_is_no_number_is_old(claim: str, time) -> None:
    assert ask("login_is_recent", LOGIN | {claim: time}) is False


def test_nor_is_one_that_equals_nothing() -> None:
    assert ask("login_is_recent", LOGIN | {"iat": math.nan}) is False


# ---------------------------------------------------------------- whether somebody can


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[auth]\nclient_id = "cure"\n', True),
        ('[auth.google]\nclient_id = "cure"\n', False),  # has a name, and nobody asks for it
        ('[database]\npassword = "auth"\n', False),
        ("", False),
        ("no toml", False),
        (None, False),
    ],
)
def test_login_is_set_up_where_the_secrets_say_how(text: str | None, found: bool, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "secrets.toml"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(secrets, "config", SimpleNamespace(get_option=lambda name: [str(path)]))
    monkeypatch.setattr(st, "secrets", secrets.Secrets())
    assert auth.login_is_set_up() is found


# ---------------------------------------------------------------- at the door, and at the desk


@pytest.fixture
def review(demo: Path):
    """`review(claims)`: the review page of a workspace where Petra alone has a role, and login is set up."""
    place = Workspace(demo)
    write_json(demo / "workspace.json", replace(place.settings, people={PETRA: ("privacy_officer",)}))

    def draw(claims: dict) -> AppTest:
        return opened("review", user=claims, secrets=AUTH)

    return draw


def offered(app: AppTest) -> bool:
    return "log_in" in {button.key for button in app.button}


def test_petra_looks_inside_and_is_asked_to_log_in_again_when_her_login_is_old(review) -> None:
    app = review(LOGIN)
    assert "You are petra" in app.markdown[0].value and not offered(app)
    app.user = LOGIN | {"iat": NOW - 901}
    app.run()
    assert "You are petra" in app.markdown[0].value and offered(app)


@pytest.mark.parametrize(
    ("claims", "again"),
    [
        ({}, True),
        (LOGIN | {"is_logged_in": False}, True),
        (LOGIN | {"email_verified": False}, True),
        (LOGIN | {"email": "Petra@example.org"}, False),
        (LOGIN | {"email": f"{PETRA} "}, False),
    ],
)
def test_nobody_else_looks_inside(review, claims: dict, again: bool) -> None:
    """A stranger is not asked to log in once more: they have."""
    app = review(claims)
    assert app.title[0].value == "Log in to look inside." and offered(app) is again
