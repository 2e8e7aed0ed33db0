"""One run: what it was asked to do, and where it stands."""

from dataclasses import dataclass
from enum import StrEnum

from core.types.circuit import GroupEdit


class RunState(StrEnum):
    """Where a run stands; LOST is never written, it is what a reader sees of a dead worker."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a run was asked to do; written once, before the worker starts. edit: groups by a person instead of by the rule."""

    id: str
    request: str
    method: str = "cure"
    device: str = "auto"
    seed: int = 0
    steps: int = 0
    created: str = ""
    edit: GroupEdit | None = None


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands, for everyone who watches.

    stage: the stage's name. progress in [0, 1] over the whole run. eta: seconds left, None while unknown.
    pid, started: of the worker process (started as the system's process start time), so that a dead one is noticed.
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
    pid: int | None = None
    process_started: float | None = None
    updated: str = ""
