"""A run's row in the store, and its state at a given moment."""

from dataclasses import dataclass, field, replace

from core.runs.process_identity import Moment, is_alive
from core.types import RunState, RunStatus, Worker
from core.types.aliases import stored_as

BEAT = 5.0  # seconds between two heartbeats
HEARTBEAT_TIMEOUT = 60.0  # seconds without a heartbeat after which a worker counts as lost
LOST_MESSAGE = "The worker {how} {where}: resume the run, and it goes on from its last checkpoint."


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """One run in the store.

    Attributes:
        position: Position in the queue.
        id: The run's id.
        dedup_key: Digest of the job, so that the same job is not queued twice.
        externally_queued: Whether a cluster's queue may hold the run back for long.
        handed_over: Whether a dispatcher starts the run as soon as its devices are free.
        state: The written state.
        token: Fencing token of the worker that holds the run.
        cancel: Whether somebody asked to stop the run.
        worker: The process that works on the run or waits for its turn.
        beat: Time of the last heartbeat, by the clock of this machine (see core.runs.beat_watch).
        status: The last written status.
    """

    position: int = field(metadata=stored_as("place"))
    id: str
    dedup_key: str = field(metadata=stored_as("wish"))
    externally_queued: bool = field(metadata=stored_as("patient"))
    handed_over: bool
    state: RunState
    token: int
    cancel: bool
    worker: Worker | None
    beat: Moment
    status: RunStatus

    def lost(self, now: Moment) -> bool:
        """Whether the worker that should hold the run is dead, silent, or was never started."""
        if self.state not in (RunState.QUEUED, RunState.RUNNING):
            return False
        if self.worker is None:
            waits_for_long = self.externally_queued or self.handed_over
            return not waits_for_long and now.since(self.beat) > HEARTBEAT_TIMEOUT
        return is_alive(self.worker) is False or now.since(self.beat) > HEARTBEAT_TIMEOUT

    def waits(self, now: Moment) -> bool:
        """Whether later runs come after this one. A run in a cluster's queue does not hold them back."""
        return (
            self.state is RunState.QUEUED
            and not self.lost(now)
            and (self.worker is not None or not self.externally_queued)
        )

    def status_at(self, now: Moment) -> RunStatus:
        """The status that readers see, with LOST where the worker is lost."""
        if not self.lost(now):
            return replace(self.status, state=self.state, worker=self.worker)
        dead = self.worker is not None and is_alive(self.worker) is False
        how = "died without a message" if dead else f"has sent no heartbeat for over {HEARTBEAT_TIMEOUT:.0f} seconds"
        waiting = self.state is RunState.QUEUED
        message = LOST_MESSAGE.format(
            how=how, where="before it started" if waiting else f"in the stage “{self.status.stage}”"
        )
        return replace(self.status, state=RunState.LOST, worker=self.worker, message=message)
