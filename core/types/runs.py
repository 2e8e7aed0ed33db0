"""One run: what it was asked to do, and where it stands."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as
from core.types.circuit import GroupEdit


class RunState(StrEnum):
    """Where a run stands; LOST is never written, it is what a reader sees of a dead or silent worker."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


# From each written state the ones that may come next. RUNNING to QUEUED is for a run whose worker was lost.
MOVES: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.QUEUED}),
    RunState.FAILED: frozenset({RunState.QUEUED, RunState.CANCELLED}),
    RunState.CANCELLED: frozenset(),
    RunState.DONE: frozenset(),
}
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a run was asked to do; written once, before the worker starts. edit: groups by a person instead of by the rule.
    launcher: where its worker starts. thresholds: a digest of the bounds that it will be verified by.
    launched_by: who launched it."""

    id: str
    request: str
    method: str = "cure"
    device: str = "auto"
    seed: int = 0
    steps: int = 0
    created: str = ""
    edit: GroupEdit | None = None
    launcher: str = "local"
    thresholds: str = ""
    launched_by: str = field(default="", metadata=stored_as("by"))


@dataclass(frozen=True, slots=True)
class Worker:
    """One process and no other that ever was: a pid is used again, a pid with its birth on a boot of a host is not.

    boot: the kernel's random id of this start of the machine. space: the pid namespace, as containers have their own.
    start_ticks: when the process started, in the kernel's ticks since boot, which no change of the clock moves.
    """

    host: str
    boot: str
    space: str
    pid: int
    start_ticks: float = field(metadata=stored_as("born"))


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands, for everyone who watches.

    stage: the stage's name. progress in [0, 1] over the whole run. eta: seconds left, None while unknown.
    memory: bytes that the run held at most so far, of the card, or of the machine where it runs on its processor.
    pace: tokens read a second since the stage began, forward.
    worker: the process at work, so that a dead one is noticed; None where none ever was.
    message: one sentence; the reason where the run failed.
    """

    state: RunState = RunState.QUEUED
    stage: str = ""
    progress: float = 0.0
    eta: float | None = None
    seconds: float = 0.0
    message: str = ""
    device: str = ""
    dtype: str = ""
    worker: Worker | None = None
    updated: str = ""
    memory: int = 0
    pace: float = 0.0
