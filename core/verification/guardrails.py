"""Guardrails: one-sided tests of harm above a margin, adjusted together by Holm's method (Holm 1979).

A guardrail fails where harm is shown at 5 % over all guardrails, passes where its interval lies within the margin, and
has no power otherwise.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import t as student

from core.types import Check, Part, Verdict
from core.verification.equivalence import Z_90

LEVEL = 0.05  # over all guardrails together


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
    standard deviation s. Student's t has the degrees of freedom of both by Welch (1947), equation 28: few references
    weigh little where the rows bring nearly all of the error.
    """
    value, count = check.value, _number(check, "references")
    rows = ((value.high - value.low) / (2 * Z_90)) ** 2
    seeds = _number(check, "spread") ** 2 * (1 + 1 / count) if count else math.nan
    if not math.isfinite(rows + seeds) or not math.isfinite(value.value):
        return 1.0
    beyond = [value.value - check.high] if check.high is not None else []
    beyond += [check.low - value.value] if check.low is not None else []
    error = math.sqrt(rows + seeds)
    if not error:
        return float(all(harm <= 0 for harm in beyond))
    freedom = _freedom((rows, value.n - 1), (seeds, count - 1))
    tails = [float(student.sf(harm / error, freedom)) for harm in beyond]
    return min(1.0, len(tails) * min((tail for tail in tails if not math.isnan(tail)), default=1.0))


def _freedom(*parts: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of variances, each with its own; NaN where one that counts has none."""
    known = [(variance, freedom) for variance, freedom in parts if variance]
    if any(freedom < 1 for _, freedom in known):
        return math.nan
    return sum(variance for variance, _ in known) ** 2 / sum(variance**2 / freedom for variance, freedom in known)


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
