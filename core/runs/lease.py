"""The lease of a worker on a run: wait in the queue, take a device, send heartbeats until the run ends."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from core.errors import CancelledError, LeaseLostError, NotYetError, RunError, WorkspaceError
from core.runs import machine_locks
from core.runs.cancel import STOPPED
from core.runs.device_locks import choices, lock_name, take
from core.runs.hand_over import give_back
from core.runs.handle import RunHandle
from core.runs.process_identity import current_moment, kill, this_worker
from core.runs.queued_run import BEAT
from core.runs.store import Store
from core.types import RunState, RunStatus

POLL_SECONDS = 1.0  # seconds between two checks of the queue


class Lease:
    """A run that this worker holds. Every call raises LeaseLostError once another worker has taken the run over.

    Attributes:
        store: The store of the workspace.
        run_id: The run.
        token: The fencing token.
        devices: Full device names: one per process, or all GPUs of one process.
    """

    def __init__(self, store: Store, run_id: str, token: int, devices: Sequence[str]) -> None:
        self.store, self.run_id, self.token, self.devices = store, run_id, token, devices

    def check(self) -> None:
        """Raise CancelledError where somebody asked to stop the run."""
        if self.store.require_held(self.run_id, self.token).cancel:
            raise CancelledError(STOPPED)

    def write_status(self, status: RunStatus) -> None:
        """Write the status of the run."""
        self.store.write_status(self.run_id, self.token, status)

    def holding(self) -> AbstractContextManager[None]:
        """Hold the run while something is done that cannot be undone: nobody takes it over meanwhile."""
        return self.store.holding(self.run_id, self.token)

    def end(self, status: RunStatus) -> None:
        """Write the final status."""
        self.store.end(self.run_id, self.token, status)


@contextmanager
def acquire_lease(run: RunHandle, devices: int = 1) -> Iterator[Lease]:
    """Wait until the run is first in the queue and enough devices are free, then hold both.

    Workers that were lost are killed where they run on this machine: one that is stopped would keep its device.

    Args:
        run: The run.
        devices: How many GPUs; a CPU is shared.

    Raises:
        CancelledError: The run was cancelled while it waited.
        DeviceError: The machine has fewer devices.
        NotYetError: The run has to wait, and a dispatcher does that for it.
    """
    store, worker, beaten = run.store, this_worker(), -BEAT
    wanted, count = choices(run.spec.device, devices)
    while True:
        if time.monotonic() - beaten >= BEAT:
            if not store.register_worker(run.id, worker):
                raise _not_waiting(store, run.id)
            beaten = time.monotonic()
        if taken := take(wanted, count):
            try:
                machine_locks.beat(map(lock_name, taken[0]), run.path)
                _end_lost_workers(run)
                if token := store.claim(run.id, worker):
                    with machine_locks.beating(partial(_beat, run, token, taken[0])):
                        yield Lease(store, run.id, token, taken[0])
                    return
            finally:
                taken[1].close()
        else:
            machine_locks.end_silent_holders(map(lock_name, wanted))
        if give_back(store, run.id, worker):
            raise NotYetError(f"Run {run.id!r} waits on: its device was taken before this worker was ready.")
        time.sleep(POLL_SECONDS)


def _end_lost_workers(run: RunHandle) -> None:
    for other in run.store.entries(RunState.RUNNING):
        if other.worker and other.lost(current_moment()):
            kill(other.worker, run.workspace.layout.run(other.id).path)


def _not_waiting(store: Store, run_id: str) -> RunError:
    entry = store.find(run_id)
    if entry and entry.state is RunState.CANCELLED:
        return CancelledError("The run was stopped by a person while it waited for its turn.")
    return LeaseLostError(f"Run {run_id!r} is not queued: launch or resume it first.")


def _beat(run: RunHandle, token: int, devices: Sequence[str]) -> bool:
    """Send a heartbeat; False where the run was taken over. A store that cannot be written is tried again later."""
    try:
        run.store.beat(run.id, token)
        machine_locks.beat(map(lock_name, devices), run.path)
    except LeaseLostError:
        return False
    except WorkspaceError:
        pass
    return True
