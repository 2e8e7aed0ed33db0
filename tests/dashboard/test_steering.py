"""Steering on the what-if page: its address, its sliders, and the sentences that say strength and effect."""

from pathlib import Path

import pytest

from core.types import Recommendation
from core.workspace import Workspace
from dashboard.presenters.strengths import HIGH, LOW, MOST, change_sentence, effect_sentence, parsed, written
from dashboard.services import models
from tests.dashboard.test_pages import finished_run, text_of
from tests.hostile import HOSTILE

MODULES = ("a2.h6", "m0", "m1", "a0.h0", "a0.h1", "a1.h1", "m2")


def test_strengths_come_back_from_the_address() -> None:
    strengths = {"a2.h6": 2.0, "m0": -0.5, "m1": 0.0, "a0.h1": 3.9}
    assert parsed(written(strengths), MODULES) == (strengths, False)
    assert parsed("", MODULES) == ({}, False)


@pytest.mark.parametrize(
    "text",
    [*HOSTILE, "m0", "m0:", "m0:nan", "m0:inf", f"m0:{HIGH + 1}", f"m0:{LOW - 1}", "m9:2", "m0:1e999", "m0:2:2"],
)
def test_other_addresses_are_left_out(text: str) -> None:
    assert parsed(text, MODULES) == ({}, True)


def test_at_most_so_many_modules_are_steered() -> None:
    found, lost = parsed(written(dict.fromkeys(MODULES, 2.0)), MODULES)
    assert len(found) == MOST and lost


def titles(*scores: float) -> tuple[Recommendation, ...]:
    return tuple(Recommendation(str(number), f"Title {number}", score) for number, score in enumerate(scores))


@pytest.mark.parametrize(
    ("off", "steered", "left_out", "sentence"),
    [
        (0, {"a2.h6": 2.0}, 0, "With head 6 of layer 2 at strength 2: "),
        (2, {"m0": -0.5}, 1, "With 2 modules off, MLP of layer 0 at strength -0.5 and one title left out: "),
        (0, {}, 2, "With every module on and 2 titles left out: "),
        (1, dict.fromkeys(MODULES[:3], 3.0), 0, "With one module off and 3 modules steered: "),
    ],
)
def test_sentence_says_the_strength(off: int, steered: dict, left_out: int, sentence: str) -> None:
    assert change_sentence(titles(2, 1), titles(3, 1), off, steered, left_out).startswith(sentence)


def test_effect_is_the_mean_change_of_common_titles() -> None:
    assert effect_sentence(titles(3, 2, 1), titles(3.5, 1)).endswith(
        "2 titles in both lists change by -0.25 on average."
    )
    assert effect_sentence((), titles(1)) == ""


def test_page_steers_a_module_of_the_address(page, demo: Path) -> None:
    user = Workspace(demo).user_split.training_users[3]
    app = page("what_if", steer="a2.h6:-2,m1:3", off="m1", person=user)
    assert "With one module off and head 6 of layer 2 at strength -2" in text_of(app)  # what is off is not steered
    answer = models.what_if(finished_run(demo), "original", user, (), {"m1": 0.0, "a2.h6": -2.0}, 10)
    assert list(app.dataframe[1].value["Title"]) == [row.title for row in answer.after]
    assert answer.after != answer.before and not app.warning


def test_slider_changes_the_address_and_the_answer(page) -> None:
    app = page("what_if")
    app.multiselect[0].select("m1").run()
    assert app.query_params["steer"] == "m1:2" and "MLP of layer 1 at strength 2" in text_of(app)
    app.slider[0].set_value(-1.5).run()
    assert app.query_params["steer"] == "m1:-1.5" and "MLP of layer 1 at strength -1.5" in text_of(app)
    app.multiselect[0].unselect("m1").run()
    assert "steer" not in app.query_params and "Nothing is off" in text_of(app) and not app.exception


def test_page_says_which_strengths_can_be_set(page) -> None:
    (warning,) = page("what_if", steer="m1:99").warning
    assert "-2 to 4, for at most 6 known modules" in warning.value
