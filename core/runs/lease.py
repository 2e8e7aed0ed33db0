"""The lease of a worker on a run: wait in the queue, take a device, send heartbeats until the run ends."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from core.errors import CancelledError, LeaseLostError, RunError, WorkspaceError
from core.runs.device_locks import choices, take
from core.runs.process_identity import this_worker
from core.runs.store import Store
from core.types import RunState, RunStatus

BEAT = 5.0  # seconds between two heartbeats
POLL_SECONDS = 0.2  # seconds between two checks of the queue


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
            raise CancelledError("The run was stopped by a person; the adapter in use was not touched.")

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
def acquire_lease(store: Store, run_id: str, device: str, devices: int = 1) -> Iterator[Lease]:
    """Wait until the run is first in the queue and enough devices are free, then hold both.

    Args:
        store: The store of the workspace.
        run_id: The run.
        device: "auto", "cpu", "cuda" or a full name.
        devices: How many GPUs; a CPU is shared.

    Raises:
        CancelledError: The run was cancelled while it waited.
        DeviceError: The machine has fewer devices.
    """
    worker, beaten = this_worker(), -BEAT
    wanted, count = choices(device, devices)
    while True:
        if time.monotonic() - beaten >= BEAT:
            if not store.register_worker(run_id, worker):
                raise _not_waiting(store, run_id)
            beaten = time.monotonic()
        if taken := take(wanted, count):
            try:
                if token := store.claim(run_id, worker):
                    with _beating(store, run_id, token):
                        yield Lease(store, run_id, token, taken[0])
                    return
            finally:
                taken[1].close()
        time.sleep(POLL_SECONDS)


def _not_waiting(store: Store, run_id: str) -> RunError:
    entry = store.find(run_id)
    if entry and entry.state is RunState.CANCELLED:
        return CancelledError("The run was stopped by a person while it waited for its turn.")
    return LeaseLostError(f"Run {run_id!r} is not queued: launch or resume it first.")


@contextmanager
def _beating(store: Store, run_id: str, token: int) -> Iterator[None]:
    """Send heartbeats from a thread, so that a long step does not look like a dead worker."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(store, run_id, token, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(store: Store, run_id: str, token: int, ended: threading.Event) -> None:
    """Send heartbeats until the end or until the run is taken over. A store that cannot be written is tried again."""
    while not ended.wait(BEAT):
        try:
            store.beat(run_id, token)
        except LeaseLostError:
            return
        except WorkspaceError:
            continue
