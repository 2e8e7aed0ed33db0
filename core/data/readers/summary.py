"""What was read: rows kept and dropped, and what the data holds."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.data.splits import MIN_HISTORY, by_user
from core.types import Interaction, Task


@dataclass(frozen=True, slots=True)
class Summary:
    """How many rows were read, how many were dropped for each reason, and whether the rows have times."""

    read: int
    dropped: Mapping[str, int]
    timed: bool = True


def summary_rows(summary: Summary, events: Sequence[Interaction], task: Task) -> Iterator[tuple[str, str]]:
    """Name and value of each line of the table that `prepare` prints."""
    histories = by_user(events, task)
    short = sum(len(own) < MIN_HISTORY for own in histories.values())
    yield "rows read", f"{summary.read:,}"
    for reason, count in sorted(summary.dropped.items()):
        yield f"dropped: {reason}", f"{count:,}"
    yield "rows kept", f"{len(events):,}"
    yield "people", f"{len({event.user for event in events}):,}"
    yield "items", f"{len(Counter(event.item for event in events)):,}"
    span = f"{_day(events[0].time)} to {_day(events[-1].time)}"
    yield "time", span if summary.timed else "none: the order of the rows stands for it"
    yield "liked", f"{sum(event.liked for event in events) / len(events):.0%}"
    yield f"people with fewer than {MIN_HISTORY} rows, who train but are not tested", f"{short:,}"


def _day(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):  # a counter, or a year that no calendar has
        return str(seconds)
