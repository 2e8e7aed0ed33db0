"""Numbers, counts and dates as all reports and pages write them. Pure functions."""

import math
from datetime import datetime

from core.types import Interval

WIDEST = 9.99  # largest share shown: larger ends say only that the share is not known


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with a typographic minus sign; a dash for None and NaN."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")


def signed(value: float) -> str:
    """Return a number with its sign."""
    return ("+" if value > 0 else "") + number(value)


def percent(value: float, digits: int = 0) -> str:
    """Return a share in percent; a dash for NaN."""
    return "–" if not math.isfinite(value) else f"{100 * value:.{digits}f}%".replace("-", "−")


def percent_ends(interval: Interval) -> tuple[str, str]:
    """Return the ends of an interval of shares in percent, rounded outwards and cut at ±999%; dashes for NaN."""
    if math.isnan(interval.low + interval.high):
        return "–", "–"
    low, high = (min(max(end, -WIDEST), WIDEST) for end in (interval.low, interval.high))
    return percent(math.floor(100 * low) / 100), percent(math.ceil(100 * high) / 100)


def count(amount: int, one: str, many: str = "") -> str:
    """Return an amount with its noun: "1 person", "2 people"."""
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def date(moment: str) -> str:
    """Return an ISO date as "12 January 2026"; any other text unchanged."""
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{when.day} {when:%B %Y}"


def seconds(value: float) -> str:
    """Return a duration in seconds or minutes."""
    return f"{value:.1f} s" if value < 90 else f"{value / 60:.1f} min"
