"""The three questions of a verification: every check has its place, answers follow the checks, drawings the bounds."""

from dataclasses import replace

import pytest

from core.report.check_texts import render
from core.runs.handle import open_run
from core.types import Check, Interval, Part, Verdict
from core.utils.assets import asset
from core.workspace import Workspace
from dashboard.presenters.i18n import t
from dashboard.presenters.questions import (
    DOMAIN,
    QUESTIONS,
    answer_text,
    bounds_frame,
    checks_beyond_bound,
    failed_checks,
    headline,
    questions,
)

WORDS = {verdict: verdict.value for verdict in Verdict}
PASS, FAIL, OPEN = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE


@pytest.fixture(scope="module")
def shown():
    return render(open_run(Workspace(asset("demo")), "run-forgotten").verification)


def test_every_endpoint_and_guardrail_belongs_to_one_question(shown):
    placed = [code for codes in QUESTIONS.values() for code in codes]
    assert len(placed) == len({*placed})
    assert {one.code for one in shown.checks if one.part in (Part.ENDPOINT, Part.GUARDRAIL)} <= {*placed}


@pytest.mark.parametrize(
    ("code", "verdict", "question", "answer"),
    [
        ("forgotten_log_loss", OPEN, "forgotten", OPEN),
        ("forgotten_membership", FAIL, "forgotten", FAIL),
        ("ranking_titles", OPEN, "forgotten", PASS),  # a guardrail that cannot tell does not stop a PASS
        ("utility_test", OPEN, "others", OPEN),
        ("drift", FAIL, "others", FAIL),
        ("probes", FAIL, "attacks", FAIL),
        ("relearning", OPEN, "attacks", PASS),
        ("relearning", FAIL, "attacks", FAIL),
    ],
)
def test_answer_follows_its_checks(shown, code, verdict, question, answer):
    changed = [replace(one, verdict=verdict if one.code == code else PASS) for one in shown.checks]
    found = {one.name: one.answer for one in questions(replace(shown, checks=tuple(changed)))}
    assert found == {**dict.fromkeys(QUESTIONS, PASS), question: answer}
    failed = [name for one in questions(replace(shown, checks=tuple(changed))) for name in failed_checks(one)]
    assert failed == ([t(f"drawn-{code.replace('_', '-')}")] if verdict is Verdict.FAIL else [])


def test_exact_run_is_forgotten_by_construction(shown):
    assert questions(replace(shown, verdict=Verdict.EXACT))[0].answer is Verdict.EXACT


def test_headline_numbers_are_those_of_the_verdict(shown):
    forgotten, others, attacks = (headline(one, shown) for one in questions(shown))
    assert "82% of the advantage" in forgotten and "at least 63%" in forgotten
    assert "by 0.006, with 95% confidence by no more than 0.015; at most 0.020 is allowed" in others
    assert "Of 6 attacks, none found anything, and 3 cannot tell" in attacks


@pytest.mark.parametrize(
    ("details", "sentences"),
    [
        ({"share": 2.1, "at_least": 1.7}, ("", None)),
        ({"share": 0.3, "at_least": -0.4}, ("", None)),
        ({"confidence": 0.975}, ("with 97.5% confidence", None)),
        ({"test_auc_fall": -0.004, "test_auc_fall_high": -0.001}, (None, "did not fall")),
        ({"test_auc_margin": None}, (None, "")),
    ],
)
def test_headline_says_nothing_that_its_numbers_contradict(shown, details, sentences):
    changed = replace(shown, details={**shown.details, **details})
    for question, wanted in zip(questions(changed), sentences, strict=False):
        if wanted is not None:
            assert (wanted in headline(question, changed)) if wanted else headline(question, changed) == ""


def test_most_attacks_without_power_are_no_yes():
    broken = render(open_run(Workspace(asset("demo")), "run-broken").verification)
    attacks = next(one for one in questions(broken) if one.name == "attacks")
    assert attacks.answer is OPEN and {"Relearning", "Telling apart"} <= {*checks_beyond_bound(attacks)}


def test_failed_forgetting_says_which_way():
    broken = render(open_run(Workspace(asset("demo")), "run-broken").verification)
    forgotten = questions(broken)[0]
    endpoint = next(one for one in forgotten.checks if one.part is Part.ENDPOINT)
    others = tuple(one for one in forgotten.checks if one.part is not Part.ENDPOINT)

    def answer(*checks: Check) -> str:
        return answer_text(forgotten._replace(checks=checks, answer=Verdict.FAIL))

    assert "too much" in answer_text(forgotten)
    assert "too little" in answer(replace(endpoint, verdict=Verdict.FAIL, reason="still_knows"))
    assert "lists" in answer(*others)


def check(code: str, low, high, *values: float) -> Check:
    return Check("V1", PASS, Interval(*values, 10), low, high, None, code)


@pytest.mark.parametrize(
    ("one", "drawn"),
    [
        (check("forgotten_log_loss", -0.2, 0.2, 0.1, -0.2, 0.2), (0.5, -1, 1)),
        (check("utility_test", None, 0.02, 0.01, 0.0, 0.03), (0.5, 0, 1.5)),
        (check("utility_retain", -0.01, None, -0.005, -0.015, 0.01), (0.5, -1, 1.5)),  # lower is worse
        (check("answer_mass", 0.95, None, 1.0, 0.95, 1.0), (0, 0, 1)),
        (check("distinguishability", None, 0.6, 0.55, 0.5, 0.6), (0.5, 0, 1)),
        (check("drift", None, 0.01, 1.0, 0.0, 5.0), (DOMAIN[1], 0, DOMAIN[1])),  # drawn at the end
    ],
)
def test_value_is_drawn_as_a_share_of_what_is_allowed(one, drawn):
    (row,) = bounds_frame((one,), WORDS).itertuples()
    assert (row.value, row.low, row.high) == pytest.approx(drawn)


def test_check_without_a_number_is_not_drawn():
    nan = float("nan")
    assert bounds_frame((check("drift", None, 0.1, nan, nan, nan), check("probes", None, None, 1, 1, 1)), WORDS).empty
