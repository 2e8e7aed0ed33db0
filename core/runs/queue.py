"""The queue ahead of a run, and an estimate of the waiting time."""

from dataclasses import dataclass
from statistics import median

from core.runs.handle import RunHandle
from core.runs.process_identity import current_moment
from core.types import RunState


@dataclass(frozen=True, slots=True)
class QueueAhead:
    """The queue ahead of a run.

    Attributes:
        runs: Number of runs ahead.
        seconds: Estimate of their remaining seconds; None without a finished run to estimate from.
    """

    runs: int
    seconds: float | None


def queue_ahead(run: RunHandle) -> QueueAhead:
    """The queue ahead of a waiting run."""
    own, now = run.store.find(run.id), current_moment()
    working = [one for one in run.store.entries(RunState.RUNNING) if not one.lost(now)]
    waiting = [
        one for one in run.store.entries(RunState.QUEUED) if own and one.position < own.position and one.waits(now)
    ]
    finished = [one.status.seconds for one in run.store.entries(RunState.DONE)]
    usual = median(finished) if finished else None
    left = [one.status.eta for one in working] + [usual for _ in waiting]
    known = [usual if seconds is None else seconds for seconds in left]
    return QueueAhead(len(known), None if None in known else sum(filter(None, known)))
