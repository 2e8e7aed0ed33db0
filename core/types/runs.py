"""Runs: specification, state and progress."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as
from core.types.circuit import GroupEdit
from core.types.times import IsoTime

EXTERNAL = "external"  # method of a run that verifies an adapter of another tool; it cannot be launched


class RunState(StrEnum):
    """State of a run; LOST is never stored: a reader infers it when the worker is dead or silent."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


# Permitted transitions between stored states. RUNNING to QUEUED is for a run whose worker was lost.
TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.FAILED}),
    RunState.RUNNING: frozenset({RunState.DONE, RunState.FAILED, RunState.CANCELLED, RunState.QUEUED}),
    RunState.FAILED: frozenset({RunState.QUEUED, RunState.CANCELLED}),
    RunState.CANCELLED: frozenset(),
    RunState.DONE: frozenset(),
}
ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)
LIVE = (RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class RunSpec:
    """Specification of a run; written once, before the worker starts.

    Attributes:
        id: Id of the run.
        request: Id of the deletion request.
        method: Name of the unlearning method.
        device: Torch device, or "auto".
        seed: Random seed.
        steps: Maximum number of unlearning steps; 0 is the method's default.
        created: When the run was created, ISO 8601 in UTC.
        edit: A person's changes to the groups; None uses the rule alone.
        launcher: Where the worker starts, e.g. "local".
        thresholds: Digest of the verification thresholds.
        launched_by: Who launched it.
        mark: Code of all other fields by the ledger's keys: the worker does what was launched. "" without a ledger.
        adapter: SHA-256 of another tool's adapter as it was handed in, by "weights" and "config"; empty for any other
            run, and for a run of an earlier version.
    """

    id: str
    request: str
    method: str = "cure_merge"
    device: str = "auto"
    seed: int = 0
    steps: int = 0
    created: IsoTime = ""
    edit: GroupEdit | None = None
    launcher: str = "local"
    thresholds: str = ""
    launched_by: str = field(default="", metadata=stored_as("by"))
    mark: str = ""
    adapter: dict[str, str] = field(default_factory=dict)

    @property
    def is_external(self) -> bool:
        """Whether another tool made the adapter, so that its steps, its seed and its time are not known."""
        return self.method == EXTERNAL

    @property
    def known_seed(self) -> int | None:
        """The seed; None where it is not known."""
        return None if self.is_external else self.seed


@dataclass(frozen=True, slots=True)
class Worker:
    """Identifies one process: PIDs are reused; (host, boot id, PID namespace, PID, start time) is not.

    Attributes:
        host: Name of the host.
        boot_id: Random id that the kernel draws at boot.
        pid_namespace: PID namespace; each container has its own.
        pid: Process id.
        start_ticks: Start of the process in kernel ticks since boot; changes of the clock do not affect it.
    """

    host: str
    boot_id: str = field(metadata=stored_as("boot"))
    pid_namespace: str = field(metadata=stored_as("space"))
    pid: int
    start_ticks: float = field(metadata=stored_as("born"))


@dataclass(frozen=True, slots=True)
class GpuUse:
    """Use of one GPU by all processes.

    Attributes:
        load: Percent of the time in which it computed; None if unknown.
        used_bytes: Memory in use, in bytes.
        total_bytes: Memory of the GPU, in bytes.
    """

    load: int | None
    used_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class RunStatus:
    """State and progress of a run.

    Attributes:
        state: State of the run.
        stage: Name of the current stage.
        progress: Progress of the whole run in [0, 1].
        eta: Seconds left of the run, from the pace of its stages; None if unknown.
        stage_eta: Seconds left of the stage at its own pace; None if unknown.
        seconds: Seconds since the run started.
        message: One sentence; the reason if the run failed.
        device: Torch device in use.
        dtype: Floating-point type in use.
        worker: The process that executes the run; None if there was none.
        updated: Time of this status, ISO 8601 in UTC.
        peak_bytes: Peak memory of the run in bytes, on the GPU, or in main memory for a run on the CPU.
        tokens_per_second: Tokens per second in forward passes since the stage began.
        gpu: Use of the GPU in use; None for a run on the CPU.
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
    updated: IsoTime = ""
    peak_bytes: int = field(default=0, metadata=stored_as("memory"))
    tokens_per_second: float = field(default=0.0, metadata=stored_as("pace"))
    stage_eta: float | None = None
    gpu: GpuUse | None = None


@dataclass(frozen=True, slots=True)
class ReferenceTraining:
    """State and progress of the training of a request's references.

    Attributes:
        state: State of the training.
        wanted: How many references the request is to have.
        progress: Progress of all missing references together, in [0, 1].
        eta: Seconds left; None if unknown.
        seconds: Seconds since the training started.
        message: One sentence; the reason if it failed.
        device: Torch device in use; "" while it waits for one.
        worker: The process that trains.
        updated: Time of this status, ISO 8601 in UTC.
    """

    state: RunState
    wanted: int
    progress: float = 0.0
    eta: float | None = None
    seconds: float = 0.0
    message: str = ""
    device: str = ""
    worker: Worker | None = None
    updated: IsoTime = ""


@dataclass(frozen=True, slots=True)
class RowsNeeded:
    """Rows that some requests have together, and rows that a verdict takes.

    Attributes:
        requests: Number of requests.
        rows: Rows of the training data that they cover together.
        measured: Whether an earlier verification measured the noise.
        needed: About how many rows give a verdict with power; None where it is not known, or where no number would.
        advantage: Whether the original had an advantage in that verification; without one, no number of rows helps.
    """

    requests: int
    rows: int
    measured: bool
    needed: int | None
    advantage: bool = True
