"""The verdict of a verification in one sentence, and what can be done next; the same words on every page and record."""

import math

from core.report.localization import Locale, Value, text_id
from core.report.numbers import percent, percent_ends
from core.types import Check, Verdict, Verification
from core.types.checks import Detail

WORDS = {Verdict.NO_TRACE: "no-trace"}
UNKNOWN = "–"
COUNTS = ("references", "references_needed")  # of `Verification.details`


def verdict_sentence(verification: Verification, texts: Locale) -> str:
    """Return the verdict with its numbers.

    Args:
        verification: The verification. The sentence of one of version 0.1.0, whose rule was another, says so.
        texts: The locale of checks.

    Returns:
        The sentence; the stored one where the locale does not know the reason.
    """
    if not verification.details:
        return texts.text("verdict-earlier-version", verdict=verification.verdict.upper())
    name = verdict_id(verification.verdict, verification.reason)
    if verification.verdict is Verdict.PASS and verification.details.get("at_least") is None:
        name = "verdict-pass-no-share"  # the tests hold, but the original's advantage is too uncertain to divide by
    return texts.text(name, **verdict_values(verification, texts)) if name in texts else verification.sentence


def verdict_id(verdict: Verdict, reason: str) -> str:
    """Return the name of a verdict's message, for example "verdict-fail-still-knows"."""
    return text_id("verdict", WORDS.get(verdict, verdict.value), reason)


def next_step_texts(verification: Verification, texts: Locale) -> tuple[str, ...]:
    """Return what can be done next, the best first."""
    values = verdict_values(verification, texts)
    names = (next_step_id(step) for step in verification.next_steps)
    return tuple(texts.text(name, **values) for name in names if name in texts)


def next_step_id(step: str) -> str:
    """Return the name of a next step's message, for example "next-more-references"."""
    return text_id("next", step)


def verdict_values(verification: Verification, texts: Locale) -> dict[str, Value]:
    """Return the numbers of a verdict as its messages name them."""
    details = verification.details
    return {
        "confidence": f"{math.floor(1000 * _number(details.get('confidence'))) / 10:g}%",
        "at_least": _percent(math.floor(100 * _number(details.get("at_least"))) / 100),
        "theta": _percent(details.get("theta")),
        "kept": _percent(1 - _number(details.get("theta"))),
        "fall": f"{math.ceil(1000 * max(0.0, _number(details.get('test_auc_fall_high')))) / 1000:.3f}",
        "drift": f"{_number(details.get('test_auc_drift')):.3f}",
        "margin": f"{_number(details.get('test_auc_margin')):g}",
        "harm": ", ".join(_name(check, texts) for check in _harmful(verification)),
        "interval": _interval(verification, texts),
        **{name: int(_number(details.get(name))) for name in COUNTS},
    }


def _harmful(verification: Verification) -> list[Check]:
    codes = str(verification.details.get("guardrails") or "").split()
    return [check for check in verification.checks if check.code in codes]


def _name(check: Check, texts: Locale) -> str:
    name = text_id("check", check.code)
    return texts.text(name) if name in texts else check.name


def _interval(verification: Verification, texts: Locale) -> str:
    """The share forgotten by log loss with its interval, in brackets; "" where it is not known."""
    share = next((one.forgotten for one in verification.advantages if one.measure == "log_loss"), None)
    if share is None:
        return ""
    low, high = percent_ends(share)
    return " " + texts.text("verdict-interval", share=_percent(share.value), low=low, high=high)


def _number(value: Detail) -> float:
    """The number; 0 where none was measured."""
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0


def _percent(value: Detail) -> str:
    return percent(value) if isinstance(value, int | float) else UNKNOWN
