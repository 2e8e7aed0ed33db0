"""Times in data files: Unix time in seconds, milliseconds, microseconds or nanoseconds, or a date."""

import math
import re
from datetime import UTC, datetime

import numpy as np

from core.data.rounded_numbers import is_rounded
from core.errors import DataError

UNITS = {"seconds": (1, 1e11), "milliseconds": (1e3, 1e14), "microseconds": (1e6, 1e17), "nanoseconds": (1e9, 1e20)}
COMPACT_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")  # as Unix seconds, it would be in 1970
COMPACT_TIME = re.compile(COMPACT_DATE.pattern + r"([01]\d|2[0-3])[0-5]\d[0-5]\d")  # as milliseconds, after 2570
# GoodReads; Amazon's review times; BigQuery with and without fractions of a second
FORMATS = (
    "%a %b %d %H:%M:%S %z %Y", "%m %d, %Y", "%b %d, %Y", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC",
)  # fmt: skip


def parse_time(text: str) -> tuple[float, bool]:
    """A time as a number.

    Returns:
        The number, and whether it was a date, so that it is in Unix seconds. A date without a zone is in UTC.

    Raises:
        ValueError: The text is neither a finite number with all its digits nor a date.
    """
    if COMPACT_DATE.fullmatch(text):
        return _date(text).timestamp(), True
    if COMPACT_TIME.fullmatch(text):
        return _date(f"{text[:8]}T{text[8:]}").timestamp(), True
    try:
        number = float(text)
    except ValueError:
        return _date(text).timestamp(), True
    if not math.isfinite(number) or "_" in text or is_rounded(text):
        raise ValueError(text)
    return number, False


def _date(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = next(filter(None, (_parsed(text, one) for one in FORMATS)), None) or datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)
    except ValueError:
        return None


EARLIEST_TIME = 3.2e8  # Unix seconds, in 1980; smaller numbers are taken for counters of rows


def check_dates(numbers: np.ndarray) -> None:
    """Check the numbers of a column of times that also holds dates.

    Raises:
        DataError: One of them is too small for a Unix time after 1980, so that it has no place among dates.
    """
    if (counters := numbers[numbers < EARLIEST_TIME]).size:
        raise DataError(
            f"Time {counters[0]:g} stands in one column with dates, and is no Unix time: give dates or Unix times only."
        )


def unit_of(numbers: np.ndarray) -> tuple[str, float]:
    """Unit of Unix times, by the size of the largest, and how many of them make a second.

    Raises:
        DataError: The times have no common unit, or lie outside all of them.
    """
    largest = float(np.abs(numbers).max(initial=0.0))
    name, (per_second, _) = next(
        ((name, unit) for name, unit in UNITS.items() if largest < unit[1]), ("", (math.nan, math.nan))
    )
    if not name:
        raise DataError(f"The largest time is {largest:g}, which is no Unix time: give Unix seconds or dates.")
    first = float(numbers[numbers > EARLIEST_TIME].min(initial=math.inf))
    if name != "seconds" and first < EARLIEST_TIME * per_second:
        raise DataError(f"Times from {first:.0f} to {largest:.0f} have no common unit: give Unix seconds.")
    return name, per_second
