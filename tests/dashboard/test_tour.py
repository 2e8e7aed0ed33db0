"""The tour: every step shows an existing page of the demo, and its buttons lead forward, back and out."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fluent.syntax import FluentParser, ast
from streamlit.testing.v1 import AppTest

from core.runs.handle import open_run
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace, WorkspaceSettings
from dashboard.presenters.i18n import ENGLISH, t
from dashboard.presenters.tour import PASSED_RUN, STEPS, steps
from tests.dashboard.conftest import ROOT, open_page
from tests.dashboard.test_pages import text_of

BUILT_PAGES = {path.stem for path in (ROOT / "dashboard/screens").glob("*.py")}
PATH = steps(BUILT_PAGES)
USERS = 17  # of the request that the tour calls one of many people


def press(app: AppTest, button: str) -> AppTest:
    app.button(key=button).click().run()
    assert not app.exception and not app.error
    return app


def strip_text(app: AppTest) -> str | None:
    """Text of the tour's strip, or None without a strip."""
    return next((one.value for one in app.markdown if re.match(r"\*\*Step \d+ of \d+\*\*", one.value)), None)


@pytest.fixture
def tour(demo: Path) -> AppTest:
    """The tour at its first step; tests must not switch the page themselves, because AppTest would stay there."""
    return press(open_page("overview"), "tour_start")


def test_step_of_a_missing_page_is_left_out() -> None:
    assert steps({"overview", "report"}) == tuple(s for s in STEPS if s.page in ("overview", "report"))
    assert steps({"elsewhere"}) == ()
    assert len(PATH) >= 10


def test_every_step_has_a_text_of_at_most_two_sentences() -> None:
    names = {
        entry.id.name for entry in FluentParser().parse(ENGLISH.read_text()).body if isinstance(entry, ast.Message)
    }
    assert {step.text for step in STEPS} <= names
    for step in STEPS:
        assert 1 <= len(re.findall(r"[.?!](?:\s|$)", t(step.text, users=USERS))) <= 2
        assert len(t(step.text, users=USERS)) <= 190, "too long for the strip"


def test_runs_and_users_of_the_steps_exist_in_the_demo(demo: Path) -> None:
    workspace = Workspace(demo)
    for step in STEPS:
        query = dict(step.query)
        assert (demo / "runs" / query["run"]).is_dir()
        request = workspace.request(open_run(workspace, query["run"]).spec.request)
        assert {query.get("user"), query.get("person")} - {None} <= set(request.subjects)
        assert ("run", query["run"]) != PASSED_RUN or len(request.subjects) == USERS


def test_number_of_users_in_the_tour_comes_from_the_data(page) -> None:
    number, step = next((n, one) for n, one in enumerate(PATH, 1) if one.text == "tour-before-after")
    shown = page(step.page, **dict(step.query), tour=str(number))
    assert f"here are {USERS} users who asked together" in (strip_text(shown) or "")
    assert "here are several users" in t(step.text, users=0)


def test_user_of_the_tour_rated_every_lantern_with_five_stars(demo: Path) -> None:
    workspace = Workspace(demo)
    user = next(dict(step.query)["user"] for step in STEPS if step.text == "tour-user")
    lanterns = [
        event.rating
        for event in workspace.interactions
        if event.user == user and "Lantern" in workspace.items[event.item].title
    ]
    assert len(lanterns) > 5 and set(lanterns) == {5.0}


@pytest.mark.parametrize("number", range(1, len(PATH) + 1))
def test_every_step_shows_its_page_and_text(page, number: int) -> None:
    step = PATH[number - 1]
    app = page(step.page, **dict(step.query), tour=str(number))
    assert t(step.text, users=USERS) in (strip_text(app) or "")
    assert len(app.title) == 1
    if user := dict(step.query).get("user"):
        assert app.selectbox(key="pick_user").value == user


def test_next_button_visits_all_steps_and_back_returns(tour: AppTest) -> None:
    for number, step in enumerate(PATH, 1):
        assert tour.query_params["tour"] == str(number)
        assert strip_text(tour) == f"**Step {number} of {len(PATH)}**  \n{t(step.text, users=USERS)}"
        assert tour.button(key="tour_next").disabled == (number == len(PATH))
        assert tour.button(key="tour_back").disabled == (number == 1)
        if number < len(PATH):
            press(tour, "tour_next")
    press(tour, "tour_back")
    assert tour.query_params["tour"] == str(len(PATH) - 1)


def test_leave_button_ends_the_tour_and_keeps_the_page(tour: AppTest) -> None:
    press(press(tour, "tour_next"), "tour_leave")
    assert "tour" not in tour.query_params and strip_text(tour) is None
    assert tour.query_params["user"] == "u060"
    assert t("tour-offer") not in text_of(tour)


def test_offer_of_the_tour_can_be_declined(page) -> None:
    app = page("overview")
    assert t("tour-offer") in text_of(app)
    assert t("tour-offer") not in text_of(press(app, "tour_not_now"))
    assert t("tour-offer") not in text_of(page("run"))


@pytest.mark.parametrize("step", ["0", "99", "-1", "1.0", "x", "9" * 5000, ""])
def test_invalid_step_shows_the_page_without_a_strip(page, step: str) -> None:
    assert strip_text(page("overview", tour=step)) is None


def test_step_of_another_page_shows_no_strip(page) -> None:
    assert strip_text(page("report", tour="1")) is None


def test_only_the_demo_workspace_has_a_tour(page, demo: Path) -> None:
    settings = read_json(demo / "workspace.json", WorkspaceSettings)
    write_json(demo / "workspace.json", replace(settings, data="movielens:ratings"))
    app = page("overview", tour="1")
    assert strip_text(app) is None and t("tour-offer") not in text_of(app)
