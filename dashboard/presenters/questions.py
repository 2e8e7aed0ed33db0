"""The three questions of a verification: its checks, each as a share of what is allowed, and the answer."""

import math
from typing import NamedTuple

import pandas as pd

from core.types import Check, Part, Verdict, Verification
from dashboard.presenters.i18n import Texts, t

QUESTIONS = {
    "forgotten": ("forgotten_log_loss", "forgotten_membership", "ranking_titles"),
    "others": (
        "utility_test", "utility_neighbours", "utility_retain", "ranking_hr", "ranking_ndcg", "drift", "answer_mass",
    ),
    "attacks": ("paraphrases", "quantization_8", "quantization_4", "relearning", "probes", "distinguishability"),
}  # fmt: skip
ANSWERS = Texts(
    {
        ("forgotten", Verdict.PASS): "answer-forgotten-pass",
        ("forgotten", Verdict.EXACT): "answer-forgotten-exact",
        ("forgotten", Verdict.FAIL): "answer-forgotten-fail",
        ("forgotten", Verdict.INCONCLUSIVE): "answer-forgotten-inconclusive",
        ("others", Verdict.PASS): "answer-others-pass",
        ("others", Verdict.FAIL): "answer-others-fail",
        ("others", Verdict.INCONCLUSIVE): "answer-others-inconclusive",
        ("attacks", Verdict.PASS): "answer-attacks-pass",
        ("attacks", Verdict.FAIL): "answer-attacks-fail",
        ("attacks", Verdict.INCONCLUSIVE): "answer-attacks-inconclusive",
    }
)
NO_HARM = {"answer_mass": 1.0, "distinguishability": 0.5}  # value of a harmless model; 0 for all other checks
DOMAIN = (-1.6, 2.2)  # of the drawing; values beyond it are drawn at its end


class Question(NamedTuple):
    """One question, its checks and the answer."""

    name: str
    checks: tuple[Check, ...]
    answer: Verdict


def questions(shown: Verification) -> list[Question]:
    """Sort the checks of a rendered verification by their question; a question without checks is left out."""
    by_code = {check.code: check for check in shown.checks}
    found = {name: tuple(by_code[code] for code in codes if code in by_code) for name, codes in QUESTIONS.items()}
    return [Question(name, checks, _answer(name, checks, shown.verdict)) for name, checks in found.items() if checks]


def _answer(name: str, checks: tuple[Check, ...], verdict: Verdict) -> Verdict:
    """EXACT by construction; FAIL by one check; PASS by all checks that a PASS needs, or by one where it needs none."""
    if name == "forgotten" and verdict is Verdict.EXACT:
        return Verdict.EXACT
    verdicts = [check.verdict for check in checks if check.part is not Part.DESCRIPTION]
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    needed = [check.verdict for check in checks if check.part in (Part.ENDPOINT, Part.CONDITION)]
    shown = all(one is Verdict.PASS for one in needed) if needed else Verdict.PASS in verdicts
    return Verdict.PASS if shown else Verdict.INCONCLUSIVE


def headline(question: Question, shown: Verification) -> str:
    """Return the number behind an answer, in a sentence; "" where it was not measured."""
    details = shown.details
    if question.name == "attacks":
        counts = {str(verdict): sum(one.verdict is verdict for one in question.checks) for verdict in Verdict}
        return t("question-attacks-number", all=len(question.checks), found=counts["fail"], open=counts["inconclusive"])
    names = ("share", "at_least") if question.name == "forgotten" else ("test_auc_fall", "test_auc_fall_high")
    values = [details.get(name) for name in names]
    if not all(isinstance(one, float) for one in values):
        return ""
    if question.name == "forgotten":
        share, least = (math.floor(100 * float(one or 0)) for one in values)
        return t("question-forgotten-number", share=share, least=least)
    fall, most, margin = (f"{float(one or 0):.3f}" for one in (*values, details.get("test_auc_margin")))
    return t("question-others-number", fall=fall, most=most, margin=margin)


def bounds_frame(checks: tuple[Check, ...], words: dict[Verdict, str]) -> pd.DataFrame:
    """Return the table of `charts.bounds`: 0 is a retrained model, 1 the bound. Checks without numbers are left out."""
    rows = [
        (
            t(f"drawn-{one.code.replace('_', '-')}"),
            words[one.verdict],
            *map(_drawn, ends),
            -1.0 if two_sided(one) else DOMAIN[0],
            1.0,
            one.value.value,
        )
        for one in checks
        if all(map(math.isfinite, ends := _harm(one)))
    ]
    return pd.DataFrame(rows, columns=["name", "verdict", "value", "low", "high", "from", "to", "measured"])


def two_sided(check: Check) -> bool:
    """Whether a check bounds its value from below and from above."""
    return check.low is not None and check.high is not None


def _harm(check: Check) -> tuple[float, float, float]:
    """Value and ends of the interval as shares of what is allowed; NaN without a bound."""
    low, high = check.low, check.high
    if low is not None and high is not None:
        middle: float = (low + high) / 2
    else:
        middle = NO_HARM.get(check.code, 0.0)
    bound = high if high is not None else low
    if bound is None or bound == middle:
        return math.nan, math.nan, math.nan
    measured = (check.value.value, check.value.low, check.value.high)
    value, first, second = ((one - middle) / (bound - middle) for one in measured)
    return value, min(first, second), max(first, second)


def _drawn(value: float) -> float:
    return min(max(value, DOMAIN[0]), DOMAIN[1])
