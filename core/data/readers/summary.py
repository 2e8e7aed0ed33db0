"""What was read: rows kept and dropped, and what the data holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from core.data.interaction_store import InteractionStore
from core.data.splits import MIN_HISTORY
from core.types import Task


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows were read, dropped for each reason, and sampled as not liked, and whether the rows have times."""

    read: int
    dropped: Mapping[str, int]
    timed: bool = True
    sampled: int = 0


def summary_rows(summary: Summary, interactions: InteractionStore, task: Task) -> Iterator[tuple[str, str]]:
    """Name and value of each line of the table that `prepare` prints."""
    totals = interactions.totals()
    short = sum(length < MIN_HISTORY for length in interactions.history_lengths(task).values())
    yield "rows read", f"{summary.read:,}"
    for reason, count in sorted(summary.dropped.items()):
        yield f"dropped: {reason}", f"{count:,}"
    yield "rows kept", f"{totals.rows - summary.sampled:,}"
    if summary.sampled:
        yield "rows sampled as not liked", f"{summary.sampled:,}"
    yield "people", f"{totals.users:,}"
    yield "items", f"{totals.items:,}"
    span = f"{_day(totals.first)} to {_day(totals.last)}"
    yield "time", span if summary.timed else "none: the order of the rows stands for it"
    yield "liked", f"{totals.liked / totals.rows:.0%}"
    yield f"people with fewer than {MIN_HISTORY} rows, who train but are not tested", f"{short:,}"


def _day(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):  # a counter, or a year that no calendar has
        return str(seconds)
