"""Equivalence test: from a value with its interval and two bounds to a verdict.

1. PASS where the whole 90 % interval lies within the bounds (two one-sided tests at 5 %).
2. FAIL where the interval, widened to 99 %, lies outside the bounds as a whole. A dozen checks at 5 %
   would fail an innocent model half of the time, so FAIL needs stronger evidence than PASS.
3. INCONCLUSIVE otherwise.

Too few rows therefore never pass and hardly ever fail.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from core.evaluation.advantage import LEVEL, MIN_USERS
from core.evaluation.metrics import interval
from core.types import Check, Interval, Verdict
from core.types.checks import Detail

DRAWS = 400  # bootstrap samples of an interval
Z_90, Z_99 = 1.645, 2.576  # half-widths of a normal distribution's 90 % and 99 % intervals, in standard deviations
STRETCH = Z_99 / Z_90
FURTHEST = 30  # an interval is not expected to become narrower than by this factor
INTERVAL_SETTINGS = {
    "draws": DRAWS,
    "level": LEVEL,
    "stretch": STRETCH,
    "people": MIN_USERS,
}  # part of the thresholds' digest
Bounds = tuple[float | None, float | None]


def estimate(measure: Callable[[np.ndarray], float], users: np.ndarray) -> Interval:
    """Return `measure` of all rows with its 90 % bootstrap interval over users.

    Args:
        measure: Maps row indices to a value.
        users: Bootstrap unit of each row [row].
    """
    return interval(measure, users, draws=DRAWS, level=LEVEL)


def exact_value(value: float, n: int) -> Interval:
    """Return a counted value, which has no uncertainty, as an interval."""
    return Interval(value, value, value, n)


def verdict(value: Interval, low: float | None, high: float | None) -> Verdict:
    """Judge a value by its bounds; NaN in the value or the bounds is INCONCLUSIVE.

    Args:
        value: The value with its 90 % interval.
        low: Lower bound; None where that side is open.
        high: Upper bound; None where that side is open.
    """
    bottom, top = (-math.inf if low is None else low), (math.inf if high is None else high)
    if not all(map(math.isfinite, (value.value, value.low, value.high))) or math.isnan(bottom) or math.isnan(top):
        return Verdict.INCONCLUSIVE
    if bottom <= value.low and value.high <= top:
        return Verdict.PASS
    low_99, high_99 = (value.value + STRETCH * (end - value.value) for end in (value.low, value.high))
    return Verdict.FAIL if high_99 < bottom or low_99 > top else Verdict.INCONCLUSIVE


def is_outside(value: Interval, low: float | None, high: float | None) -> bool:
    """Return whether the point estimate lies outside the bounds."""
    return (low is not None and value.value < low) or (high is not None and value.value > high)


def rows_needed(value: Interval, low: float | None, high: float | None) -> int | None:
    """Estimate how many rows would give a verdict if the point estimate stayed the same.

    The width of an interval falls with the root of the number of rows.

    Returns:
        About how many rows make the interval too narrow to reach the nearest bound; None where the point
        estimate lies practically on that bound.
    """
    room = min(abs(bound - value.value) for bound in (low, high) if bound is not None)
    half = max(value.high - value.value, value.value - value.low) * (STRETCH if is_outside(value, low, high) else 1.0)
    if not (math.isfinite(half) and room > half / FURTHEST):
        return None
    return math.ceil(value.n * max(1.0, half / room) ** 2)


def check(id: str, code: str, value: Interval, bounds: Bounds, **details: Detail) -> Check:
    """Judge a value and return the check.

    Args:
        id: Place in the list of checks, "V0" to "V12".
        code: Name of the measurement.
        value: The measured value with its 90 % interval.
        bounds: Lower and upper bound; None where a side is open.
        **details: Numbers that the texts need.
    """
    found = verdict(value, *bounds)
    details = {name: finite_or_none(number) for name, number in details.items()}
    if found is not Verdict.INCONCLUSIVE:
        return Check(id, found, value, *bounds, None, code, details=details)
    rows = rows_needed(value, *bounds)
    return Check(id, found, value, *bounds, rows, code, _reason(value, rows), details)


def seed_spread(values: Sequence[float]) -> float:
    """Standard deviation of a measure among references, each with another seed; NaN for fewer than two."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def finite_or_none(detail: Detail) -> Detail:
    """Return None for NaN, which JSON cannot hold."""
    return None if isinstance(detail, float) and not math.isfinite(detail) else detail


def _reason(value: Interval, rows: int | None) -> str:
    """Code of the reason for an inconclusive verdict."""
    if not math.isfinite(value.value):
        return "not_measured"
    return "near_bound" if rows is None else "few_rows"
