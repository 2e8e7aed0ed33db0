"""The tour: every step shows an existing page of the demo, and its buttons lead forward, back and out."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fluent.syntax import FluentParser, ast
from streamlit.testing.v1 import AppTest

from core.runs.handle import open_run
from core.types import Group
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace, WorkspaceSettings
from dashboard.presenters.i18n import ENGLISH, t
from dashboard.presenters.tour import FILM, OFF, OWN, PERSON, SECONDS, STEPS, TOGETHER, rank, steps
from dashboard.services import models, queries
from dashboard.services.tour import tour_numbers
from tests.dashboard.conftest import ROOT, open_page
from tests.dashboard.test_pages import text_of

BUILT_PAGES = {path.stem for path in (ROOT / "dashboard/screens").glob("*.py")}
PATH, PRESENTED = steps(BUILT_PAGES), steps(BUILT_PAGES, presented=True)
# What the texts say of the demo world: the film falls to where a model ranks it that never saw the data, and the two
# requests have 37 and 17.
NUMBERS = {"before": 2, "after": 5, "reference": 5, "rows": 37, "users": 17}
TITLE = "The Stranger and the Lantern"


def words(step) -> str:
    return t(step.text, film=TITLE, **NUMBERS)


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
    assert steps({"overview", "report", "run"}) == tuple(s for s in STEPS if s.page in ("overview", "run"))
    assert steps({"elsewhere"}) == ()


def test_tour_has_eight_steps_and_ends_at_the_decision() -> None:
    assert len(PATH) == len(STEPS) == 8
    assert PATH[-1].page == PRESENTED[-1].page == "review" and PATH[-1].shows == ".st-key-decision"
    assert set(PRESENTED) < set(PATH) and len(PRESENTED) * SECONDS == 90


def test_every_step_has_a_text_of_at_most_two_sentences() -> None:
    names = {
        entry.id.name for entry in FluentParser().parse(ENGLISH.read_text()).body if isinstance(entry, ast.Message)
    }
    assert {step.text for step in STEPS} <= names
    for step in STEPS:
        assert 1 <= len(re.findall(r"[.?!](?:\s|$)", words(step))) <= 2
        assert len(words(step)) <= 180, "too long for the strip"


def test_runs_and_users_of_the_steps_exist_in_the_demo(demo: Path) -> None:
    workspace = Workspace(demo)
    for step in STEPS:
        query = dict(step.query)
        assert (demo / "runs" / query["run"]).is_dir()
        request = workspace.request(open_run(workspace, query["run"]).spec.request)
        assert {query.get("user"), query.get("person")} - {None} <= set(request.subjects)
        assert query.get("request", request.id) == request.id


def test_numbers_of_the_texts_come_from_the_data(demo: Path) -> None:
    assert tour_numbers() == (TITLE, NUMBERS)
    run = queries.run(dict(TOGETHER)["run"])
    assert queries.verification(run).verdict == "pass" and "Pass" in words(STEPS[-1])


def test_story_of_the_tour_holds_in_the_demo(demo: Path) -> None:
    run = queries.run("run-demo")
    groups = {row.module: row.group for row in queries.groups(run)}
    assert [name for name, group in groups.items() if group is Group.FORGET] == [OWN]
    assert groups[OFF] is Group.SHARED
    found = models.what_if(run, models.ORIGINAL, PERSON, (), {OFF: 0.0}, 20)
    assert rank(found.before, FILM) == 2 and rank(found.after, FILM) >= 8, "it does not fall far down"
    assert FILM not in {event.item for event in queries.history(PERSON)}
    losses = [event for event in run.events() if "forget_nll" in event]
    assert losses[0]["forget_nll"] < losses[-1]["forget_nll"] == pytest.approx(losses[-1]["holdout_loss"], abs=0.05)
    assert losses[0]["validation_loss"] == pytest.approx(losses[-1]["validation_loss"], abs=0.005)


def test_user_of_the_tour_rated_every_lantern_with_five_stars(demo: Path) -> None:
    workspace = Workspace(demo)
    user = next(dict(step.query)["user"] for step in STEPS if step.text == "tour-person")
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
    assert words(step) in (strip_text(app) or "")
    assert len(app.title) == 1
    if user := dict(step.query).get("user"):
        assert app.selectbox(key="pick_user").value == user


def test_next_button_visits_all_steps_and_back_returns(tour: AppTest) -> None:
    for number, step in enumerate(PATH, 1):
        assert tour.query_params["tour"] == str(number)
        assert strip_text(tour) == f"**Step {number} of {len(PATH)}**  \n{words(step)}"
        assert tour.button(key="tour_back").disabled == (number == 1)
        assert tour.button(key="tour_leave").label == t("tour-end" if number == len(PATH) else "tour-leave")
        if number < len(PATH):
            press(tour, "tour_next")
    assert "tour_next" not in {button.key for button in tour.button}
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
    assert app.query_params["tour"] == "no"  # survives a reload
    assert t("tour-offer") not in text_of(page("overview", tour="no"))
    assert t("tour-offer") not in text_of(page("run"))


def test_form_for_presenters_has_its_own_steps_and_can_be_paused(demo: Path) -> None:
    app = press(open_page("overview"), "tour_present")
    assert strip_text(app) == f"**Step 1 of {len(PRESENTED)}**  \n{words(PRESENTED[0])}"
    assert app.query_params["pace"] == "timed"
    press(app, "tour_pause")
    assert app.query_params["pace"] == "paused" and app.button(key="tour_pause").label == t("tour-go-on")
    press(app, "tour_next")
    assert (app.query_params["tour"], app.query_params["pace"]) == ("2", "paused")
    press(app, "tour_pause")
    press(press(app, "tour_next"), "tour_leave")
    assert "pace" not in app.query_params and "tour" not in app.query_params


@pytest.mark.parametrize("gone", ["runs/run-demo", "runs/run-forgotten", "requests/req-demo.json"])
def test_tour_is_not_offered_where_one_of_its_objects_is_gone(page, demo: Path, gone: str) -> None:
    place = demo / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    if gone == "requests/req-demo.json":
        shutil.rmtree(demo / "runs/run-forgotten")
    app = page("overview", tour="1", run="run-retrained")
    assert strip_text(app) is None and t("tour-offer") not in text_of(app)


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
