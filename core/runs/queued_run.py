"""A run's row in the store, and what it means at a given moment."""

from dataclasses import dataclass, field, replace

from core.runs.process_identity import Moment, lives
from core.types import RunState, RunStatus, Worker
from core.types.aliases import stored_as

LEASE = 60.0  # seconds without a beat after which a worker counts as lost
GONE = "The worker {how} {where}: resume the run, and it goes on from its last checkpoint."


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """One run's row. place: in the queue. dedup_key: what was asked for, as a digest. externally_queued: a cluster's queue may hold it
    back for long. token: of who works on it. cancel: somebody asked to stop it. worker: who works on it or waits for its turn."""

    place: int
    id: str
    dedup_key: str = field(metadata=stored_as("wish"))
    externally_queued: bool = field(metadata=stored_as("patient"))
    state: RunState
    token: int
    cancel: bool
    worker: Worker | None
    beat: Moment
    status: RunStatus

    def lost(self, now: Moment) -> bool:
        """Whether nobody works on it, or waits with it, although somebody should: its process is gone, or silent."""
        if self.state not in (RunState.QUEUED, RunState.RUNNING):
            return False
        if self.worker is None:
            return not self.externally_queued and now.since(self.beat) > LEASE
        return lives(self.worker) is False or now.since(self.beat) > LEASE

    def waits(self, now: Moment) -> bool:
        """Whether those behind it in the queue have to let it go first; one in a cluster's queue does not hold them up."""
        return (
            self.state is RunState.QUEUED
            and not self.lost(now)
            and (self.worker is not None or not self.externally_queued)
        )

    def seen(self, now: Moment) -> RunStatus:
        """The status for everyone who watches."""
        if not self.lost(now):
            return replace(self.status, state=self.state, worker=self.worker)
        dead = self.worker is not None and lives(self.worker) is False
        how = "died without a message" if dead else f"has said nothing for over {LEASE:.0f} seconds"
        waiting = self.state is RunState.QUEUED
        message = GONE.format(how=how, where="before it began" if waiting else f"while it was at “{self.status.stage}”")
        return replace(self.status, state=RunState.LOST, worker=self.worker, message=message)
