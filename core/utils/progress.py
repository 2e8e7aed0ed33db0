"""Share of a piece of work that is done, told while it goes on."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def no_progress(_share: float) -> None:
    """Tell nobody."""


@dataclass
class WorkDone:
    """Counts work in any unit, and tells the share of the whole.

    Attributes:
        whole: All work.
        progress: Receives the share that is done, from 0 to 1.
        done: Work that is done.
    """

    whole: float
    progress: Callable[[float], None]
    done: float = 0.0

    def add(self, work: float) -> None:
        """Count work that was just done."""
        self.done += work
        self.progress(min(1.0, self.done / self.whole) if self.whole else 1.0)

    def each(self, items: Iterable[T], work: float) -> Iterator[T]:
        """Yield each item, and count the work on it when the next one is asked for."""
        for item in items:
            yield item
            self.add(work)
