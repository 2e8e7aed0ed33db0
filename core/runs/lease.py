"""A worker's turn: it waits in the queue, takes a device, and beats until it is done."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.errors import Cancelled, DeviceError, Fenced, RunError, WorkspaceError
from core.runs.device_locks import candidates, take
from core.runs.process_identity import this_worker
from core.runs.store import Store
from core.types import RunState, RunStatus

BEAT = 5.0  # seconds between two signs of life
LOOK = 0.2  # seconds between two looks at the queue


class Lease:
    """A run in this worker's hands. devices: their full names, one for each process or all for one.

    Every call raises Fenced once the run is another's.
    """

    def __init__(self, store: Store, run_id: str, token: int, devices: Sequence[str]) -> None:
        self.store, self.run_id, self.token, self.devices = store, run_id, token, devices

    def check(self) -> None:
        """Raise Cancelled where somebody asked to stop, Fenced where the run is another worker's."""
        if self.store.hold(self.run_id, self.token).cancel:
            raise Cancelled("The run was stopped by a person; the adapter in use was not touched.")

    def tell(self, status: RunStatus) -> None:
        self.store.tell(self.run_id, self.token, status)

    def end(self, status: RunStatus) -> None:
        self.store.end(self.run_id, self.token, status)


@contextmanager
def acquire_lease(store: Store, run_id: str, device: str, devices: int = 1) -> Iterator[Lease]:
    """Wait until it is the run's turn and so many devices are free (a processor is for all), then hold all that.

    Raises Cancelled while waiting, DeviceError where fewer devices are here.
    """
    worker, wanted, beaten = this_worker(), candidates(device), -BEAT
    count = 1 if wanted == ("cpu",) else devices
    if count > len(wanted):
        raise DeviceError(
            f"The run wants {count} cards and {len(wanted)} are here: set fewer processes or cards under clusters."
        )
    while True:
        if time.monotonic() - beaten >= BEAT:
            if not store.enlist(run_id, worker):
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
        time.sleep(LOOK)


def _not_waiting(store: Store, run_id: str) -> RunError:
    entry = store.entry(run_id)
    if entry and entry.state is RunState.CANCELLED:
        return Cancelled("The run was stopped by a person while it waited for its turn.")
    return Fenced(f"Run {run_id!r} does not wait for a worker: launch or resume it first.")


@contextmanager
def _beating(store: Store, run_id: str, token: int) -> Iterator[None]:
    """Signs of life from a thread of its own, so that a long step does not look like death."""
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(store, run_id, token, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(store: Store, run_id: str, token: int, ended: threading.Event) -> None:
    """Beat until the end, or until the run is another's; a store that cannot be written for a while is tried again,
    as every write of the worker's own fails as well."""
    while not ended.wait(BEAT):
        try:
            store.beat(run_id, token)
        except Fenced:
            return
        except WorkspaceError:
            continue
