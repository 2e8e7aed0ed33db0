"""The tour: every step stands on a real page of the demo world, and its buttons lead on, back and out."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fluent.syntax import FluentParser, ast
from streamlit.testing.v1 import AppTest

from core.utils.serialization import read_json, write_json
from core.workspace import Workspace, WorkspaceSettings
from dashboard.presenters.i18n import ENGLISH, t
from dashboard.presenters.tour import STEPS, steps
from tests.dashboard.conftest import ROOT, opened
from tests.dashboard.test_pages import said

BUILT = {path.stem for path in (ROOT / "dashboard/screens").glob("*.py")}
PATH = steps(BUILT)


def press(app: AppTest, button: str) -> AppTest:
    app.button(key=button).click().run()
    assert not app.exception and not app.error
    return app


def place(app: AppTest) -> str | None:
    """What the strip says, if it is there."""
    return next((one.value for one in app.markdown if re.match(r"\*\*Step \d+ of \d+\*\*", one.value)), None)


@pytest.fixture
def begun(demo: Path) -> AppTest:
    """The tour at its first step. Once a test has switched the page itself, the tester stays there; so none is switched."""
    return press(opened("overview"), "tour_start")


def test_a_step_of_a_page_that_is_not_built_is_left_out() -> None:
    assert steps({"overview", "report"}) == tuple(s for s in STEPS if s.page in ("overview", "report"))
    assert steps({"elsewhere"}) == ()
    assert len(PATH) >= 10


def test_every_text_of_the_tour_is_said_in_at_most_two_sentences() -> None:
    names = {
        entry.id.name for entry in FluentParser().parse(ENGLISH.read_text()).body if isinstance(entry, ast.Message)
    }
    assert {step.text for step in STEPS} <= names
    for step in STEPS:
        assert 1 <= len(re.findall(r"[.?!](?:\s|$)", t(step.text))) <= 2
        assert len(t(step.text)) <= 190, "longer than the room that the strip keeps for it"


def test_what_the_steps_ask_for_is_in_the_demo(demo: Path) -> None:
    workspace = Workspace(demo)
    for step in STEPS:
        query = dict(step.query)
        assert (demo / "runs" / query["run"]).is_dir()
        assert {query.get("user"), query.get("person")} - {None} <= set(workspace.requests()[0].subjects)


def test_the_person_of_the_tour_gave_five_stars_to_every_letter(demo: Path) -> None:
    workspace = Workspace(demo)
    user = next(dict(step.query)["user"] for step in STEPS if step.text == "tour-user")
    letters = [
        event.rating
        for event in workspace.interactions
        if event.user == user and "Letter" in workspace.items[event.item].title
    ]
    assert len(letters) > 5 and set(letters) == {5.0}


@pytest.mark.parametrize("number", range(1, len(PATH) + 1))
def test_every_step_draws_its_page_with_its_sentence(page, number: int) -> None:
    step = PATH[number - 1]
    app = page(step.page, **dict(step.query), tour=str(number))
    assert t(step.text) in (place(app) or "")
    assert len(app.title) == 1
    if user := dict(step.query).get("user"):
        assert app.selectbox(key="pick_user").value == user


def test_next_leads_through_all_steps_and_back_returns(begun: AppTest) -> None:
    for number, step in enumerate(PATH, 1):
        assert begun.query_params["tour"] == str(number)
        assert place(begun) == f"**Step {number} of {len(PATH)}**  \n{t(step.text)}"
        assert begun.button(key="tour_next").disabled == (number == len(PATH))
        assert begun.button(key="tour_back").disabled == (number == 1)
        if number < len(PATH):
            press(begun, "tour_next")
    press(begun, "tour_back")
    assert begun.query_params["tour"] == str(len(PATH) - 1)


def test_leave_leaves_and_keeps_the_page(begun: AppTest) -> None:
    press(press(begun, "tour_next"), "tour_leave")
    assert "tour" not in begun.query_params and place(begun) is None
    assert begun.query_params["user"] == "u254"
    assert t("tour-offer") not in said(begun)


def test_the_offer_can_be_waved_away(page) -> None:
    app = page("overview")
    assert t("tour-offer") in said(app)
    assert t("tour-offer") not in said(press(app, "tour_not_now"))
    assert t("tour-offer") not in said(page("run"))


@pytest.mark.parametrize("asked", ["0", "99", "-1", "1.0", "x", "9" * 5000, ""])
def test_a_step_that_is_not_there_draws_the_page_without_a_strip(page, asked: str) -> None:
    assert place(page("overview", tour=asked)) is None


def test_a_step_of_another_page_says_nothing_about_this_one(page) -> None:
    assert place(page("report", tour="1")) is None


def test_only_the_demo_world_has_a_tour(page, demo: Path) -> None:
    settings = read_json(demo / "workspace.json", WorkspaceSettings)
    write_json(demo / "workspace.json", replace(settings, data="movielens:ratings"))
    app = page("overview", tour="1")
    assert place(app) is None and t("tour-offer") not in said(app)
