"""Guardrails: one-sided tests of harm above a margin, adjusted together by Holm's method (Holm 1979).

A guardrail fails where harm is shown at 5 % over all guardrails, passes where its interval lies within the margin, and
has no power otherwise.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq
from scipy.stats import t as student

from core.types import Check, Part, Verdict
from core.verification.equivalence import Z_90

LEVEL = 0.05  # over all guardrails together
FEWEST = 3  # references whose spread says something: two have the same distance to each other, so a spread of 0
SMALLEST_P = 1e-12  # a smaller p-value is returned as this one


def judge(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return the checks as guardrails, with verdicts by Holm's method and adjusted p-values in the details."""
    adjusted = holm([p_value(check) for check in checks])
    return tuple(_judged(check, p) for check, p in zip(checks, adjusted, strict=True))


def _judged(check: Check, p: float) -> Check:
    found = check.verdict
    if p <= LEVEL:
        found = Verdict.FAIL
    elif found is Verdict.FAIL:
        found = Verdict.INCONCLUSIVE
    reason = "" if found is Verdict.FAIL else check.reason
    return replace(check, verdict=found, reason=reason, part=Part.GUARDRAIL, details={**check.details, "p": p})


def p_value(check: Check) -> float:
    """p-value of "the harm is within the margin"; 1 where it is not known.

    The error counts the rows and, as the model under test has a seed of its own, s^2 (1 + 1/J) with the references'
    standard deviation s. With fewer than FEWEST references nothing is shown.
    """
    value, count = check.value, _number(check, "references")
    rows = ((value.high - value.low) / (2 * Z_90)) ** 2
    seeds = _number(check, "spread") ** 2 * (1 + 1 / count) if count >= FEWEST else math.nan
    if not math.isfinite(rows + seeds) or not math.isfinite(value.value):
        return 1.0
    beyond = [value.value - check.high] if check.high is not None else []
    beyond += [check.low - value.value] if check.low is not None else []
    tails = [tail(harm, (rows, value.n - 1), (seeds, count - 1)) for harm in beyond]
    return min(1.0, len(tails) * min(tails, default=1.0))


def tail(difference: float, *parts: tuple[float, float]) -> float:
    """One-sided p-value of a difference whose variance is a sum of estimated variances.

    Its critical value is the mean of those of Student's t of each part, weighted by variance (Cochran and Cox,
    Experimental Designs, 1950). Few references then weigh little where the rows bring nearly all of the error; Welch's
    test does so too, but with five references it rejects up to 1.7 times too often at the levels of Holm's method.

    Args:
        difference: The difference.
        *parts: Each variance with its degrees of freedom.

    Returns:
        The p-value; 1 where a variance that counts has no degrees of freedom.
    """
    known = [(variance, freedom) for variance, freedom in parts if variance]
    if not known:
        return float(difference <= 0)
    if any(freedom < 1 for _, freedom in known):
        return 1.0
    total = sum(variance for variance, _ in known)

    def excess(p: float) -> float:
        critical = sum(variance * student.isf(p, freedom) for variance, freedom in known) / total
        return float(critical - difference / math.sqrt(total))

    least, most = SMALLEST_P, 1 - SMALLEST_P
    if excess(least) <= 0:
        return least
    return float(brentq(excess, least, most, xtol=least / 1000)) if excess(most) < 0 else 1.0


def _number(check: Check, name: str) -> float:
    """A number of the details; NaN where it was not measured."""
    value = check.details.get(name)
    return float(value) if isinstance(value, int | float) else math.nan


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order of the arguments."""
    order, adjusted, highest = np.argsort(p_values, kind="stable"), [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted
