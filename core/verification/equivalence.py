"""From a value with its interval and two bounds to a verdict.

A test of equivalence: PASS where the whole 90 % interval lies within the bounds (two one-sided tests at 5 %). FAIL is an
accusation, and a dozen checks at 5 % would accuse an innocent model half of the time: it takes that the interval, stretched to
99 %, lies outside as a whole. INCONCLUSIVE where it does neither. So too few rows never pass, and hardly ever fail.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from core.evaluation.metrics import interval
from core.types import Check, Interval, Verdict

DRAWS = 400
LEVEL = 0.90
STRETCH = 2.576 / 1.645  # from a normal's 90 % interval to its 99 %
PEOPLE = 10
FURTHEST = 30  # times narrower than it is, nobody will make an interval
RULES = {"draws": DRAWS, "level": LEVEL, "stretch": STRETCH, "people": PEOPLE}  # frozen with the bounds
Sentences = Mapping[Verdict, str]


def clusters(users: np.ndarray) -> np.ndarray:
    """What stays together when forgotten rows are drawn anew: a person's rows; of fewer than PEOPLE people each row by itself.

    The question is about these very people, and drawing three of three anew would tell almost nothing of chance, one of one
    nothing at all. That rows of one person err alike is then left out, so few people take many rows to pass.
    """
    return users if len(np.unique(users)) >= PEOPLE else np.char.add("row ", np.arange(len(users)).astype(str))


def measured(measure: Callable[[np.ndarray], float], users: np.ndarray) -> Interval:
    """`measure(row indices)` with its 90 % interval over users."""
    return interval(measure, users, draws=DRAWS, level=LEVEL)


def counted(value: float, n: int) -> Interval:
    """A value that is counted and not estimated."""
    return Interval(value, value, value, n)


def verdict(value: Interval, low: float | None, high: float | None) -> Verdict:
    """How a value stands to its bounds; what is no number tells nothing."""
    bottom, top = (-math.inf if low is None else low), (math.inf if high is None else high)
    if not all(map(math.isfinite, (value.value, value.low, value.high))) or math.isnan(bottom) or math.isnan(top):
        return Verdict.INCONCLUSIVE
    if bottom <= value.low and value.high <= top:
        return Verdict.PASS
    low_99, high_99 = (value.value + STRETCH * (end - value.value) for end in (value.low, value.high))
    return Verdict.FAIL if high_99 < bottom or low_99 > top else Verdict.INCONCLUSIVE


def outside(value: Interval, low: float | None, high: float | None) -> bool:
    """Whether the value itself, whatever its interval, does not lie within the bounds."""
    return (low is not None and value.value < low) or (high is not None and value.value > high)


def needed(value: Interval, low: float | None, high: float | None) -> int | None:
    """About how many rows would narrow the interval until it no longer reaches over the nearest bound, the value staying what
    it is; None where it lies on that bound. The width of an interval falls with the root of the number of rows.
    """
    room = min(abs(bound - value.value) for bound in (low, high) if bound is not None)
    half = max(value.high - value.value, value.value - value.low) * (STRETCH if outside(value, low, high) else 1.0)
    if not (math.isfinite(half) and room > half / FURTHEST):
        return None
    return math.ceil(value.n * max(1.0, half / room) ** 2)


def check(
    id: str,
    name: str,
    value: Interval,
    bounds: tuple[float | None, float | None],
    source: str,
    sentences: Sentences,
) -> Check:
    """One check, judged."""
    found = verdict(value, *bounds)
    rows = needed(value, *bounds) if found is Verdict.INCONCLUSIVE else None
    told = sentences[found] if found is not Verdict.INCONCLUSIVE else _unsure(value, rows, sentences[found])
    return Check(id, name, found, value, *bounds, source, rows, told)


def _unsure(value: Interval, rows: int | None, what: str) -> str:
    """Why nobody can tell, and what would help."""
    if not math.isfinite(value.value):
        return f"{what} This could not be measured here."
    if rows is None:
        return f"{what} It lies so near the bound that more rows would hardly settle it."
    return f"{what} There are {value.n:,} rows; about {rows:,} would be needed to tell."
