"""Who is before a run in the queue, and about when its turn comes."""

from dataclasses import dataclass
from statistics import median

from core.runs.handle import RunHandle
from core.runs.process_identity import moment
from core.types import RunState


@dataclass(frozen=True, slots=True)
class Before:
    """How many runs come first, and about how many seconds they still take; None where no finished run tells."""

    runs: int
    seconds: float | None


def before(folder: RunHandle) -> Before:
    """What a waiting run waits for."""
    own, now = folder.store.entry(folder.id), moment()
    working = [one for one in folder.store.entries(RunState.RUNNING) if not one.lost(now)]
    waiting = [one for one in folder.store.entries(RunState.QUEUED) if own and one.place < own.place and one.waits(now)]
    finished = [one.status.seconds for one in folder.store.entries(RunState.DONE)]
    usual = median(finished) if finished else None
    left = [one.status.eta for one in working] + [usual for _ in waiting]
    known = [usual if seconds is None else seconds for seconds in left]
    return Before(len(known), None if None in known else sum(filter(None, known)))
