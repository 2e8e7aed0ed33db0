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
        ("forgotten", Verdict.INCONCLUSIVE): "answer-forgotten-inconclusive",
        ("others", Verdict.PASS): "answer-others-pass",
        ("others", Verdict.FAIL): "answer-others-fail",
        ("others", Verdict.INCONCLUSIVE): "answer-others-inconclusive",
        ("attacks", Verdict.PASS): "answer-attacks-pass",
        ("attacks", Verdict.FAIL): "answer-attacks-fail",
        ("attacks", Verdict.INCONCLUSIVE): "answer-attacks-inconclusive",
    }
)
FORGOTTEN_FAILURES = Texts(
    {
        "still_knows": "answer-forgotten-too-little",
        "over_forgot": "answer-forgotten-too-much",
        "": "answer-forgotten-lists",  # only a guardrail fails
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
    """The answer to a question.

    EXACT holds by construction. One failed check is a FAIL. A PASS needs all endpoints and conditions among the checks;
    where there are none, it needs half of the checks.
    """
    if name == "forgotten" and verdict is Verdict.EXACT:
        return Verdict.EXACT
    verdicts = [check.verdict for check in checks if check.part is not Part.DESCRIPTION]
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    needed = [check.verdict for check in checks if check.part in (Part.ENDPOINT, Part.CONDITION)]
    judged = needed or verdicts
    passed = judged.count(Verdict.PASS)
    shown = passed == len(judged) if needed else passed > 0 and 2 * passed >= len(judged)
    return Verdict.PASS if shown else Verdict.INCONCLUSIVE


def answer_text(question: Question) -> str:
    """Return the answer in words. The first question fails where too little or where too much is forgotten."""
    if question.name != "forgotten" or question.answer is not Verdict.FAIL:
        return ANSWERS[question.name, question.answer]
    failed = (one.reason for one in question.checks if one.verdict is Verdict.FAIL and one.part is Part.ENDPOINT)
    return FORGOTTEN_FAILURES[next(failed, "")]


def headline(question: Question, shown: Verification) -> str:
    """Return the number behind an answer, in a sentence; "" where the verdict's own sentence says it better."""
    if question.name == "attacks":
        counts = {str(verdict): sum(one.verdict is verdict for one in question.checks) for verdict in Verdict}
        return t("question-attacks-number", all=len(question.checks), found=counts["fail"], open=counts["inconclusive"])
    return _forgotten_number(shown) if question.name == "forgotten" else _others_number(shown)


def _forgotten_number(shown: Verification) -> str:
    share, least, confidence = (shown.details.get(name) for name in ("share", "at_least", "confidence"))
    if not (isinstance(share, float) and isinstance(least, float) and isinstance(confidence, float)):
        return ""
    if not 0 <= least <= share <= 1:  # what is below 0 or above 1 is no share that a reader can use
        return ""
    shares = {"share": math.floor(100 * share), "least": math.floor(100 * least)}
    return t("question-forgotten-number", **shares, confidence=f"{100 * confidence:g}")


def _others_number(shown: Verification) -> str:
    names = ("test_auc_fall", "test_auc_fall_high", "test_auc_margin")
    fall, most, margin = (shown.details.get(name) for name in names)
    if not (isinstance(fall, float) and isinstance(most, float) and isinstance(margin, float)):
        return ""
    bound = f"{max(0.0, math.ceil(1000 * most) / 1000):.3f}"  # outwards, as in the sentence of the verdict
    name = "question-others-number" if fall >= 0.0005 else "question-others-rose"
    return t(name, fall=f"{abs(fall):.3f}", most=bound, margin=f"{margin:.3f}")


def checks_beyond_bound(question: Question) -> list[str]:
    """Names of the checks whose value lies beyond what is allowed without a proof of harm."""
    open_ones = (one for one in question.checks if one.verdict is Verdict.INCONCLUSIVE)
    return [drawn_name(one) for one in open_ones if abs(_harm(one)[0]) > 1 and (two_sided(one) or _harm(one)[0] > 1)]


def failed_checks(question: Question) -> list[str]:
    """Names of the checks that prove harm."""
    return [drawn_name(one) for one in question.checks if one.verdict is Verdict.FAIL]


def checks_without_number(question: Question) -> list[str]:
    """Names of the checks that have no number to draw."""
    return [drawn_name(one) for one in question.checks if not all(map(math.isfinite, _harm(one)))]


def drawn_name(check: Check) -> str:
    """Short name of a check in the drawing."""
    return t(f"drawn-{check.code.replace('_', '-')}")


def bounds_frame(checks: tuple[Check, ...], words: dict[Verdict, str]) -> pd.DataFrame:
    """Return the table of `charts.bounds`: 0 is a harmless model, 1 the bound. Checks without numbers are left out."""
    rows = [
        (
            drawn_name(one),
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
        middle = _no_harm(check)
    bound = high if high is not None else low
    if bound is None or bound == middle:
        return math.nan, math.nan, math.nan
    measured = (check.value.value, check.value.low, check.value.high)
    value, first, second = ((one - middle) / (bound - middle) for one in measured)
    return value, min(first, second), max(first, second)


def _no_harm(check: Check) -> float:
    """Value of a harmless model: for drift, how much two retrained models differ."""
    usual = check.details.get("usual") if check.code == "drift" else None
    return float(usual) if isinstance(usual, float) else NO_HARM.get(check.code, 0.0)


def _drawn(value: float) -> float:
    return min(max(value, DOMAIN[0]), DOMAIN[1])
