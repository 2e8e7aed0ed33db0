"""Locks of one user on one machine, by name: for each device, and for the dispatcher of each workspace.

The operating system releases a lock when its process ends, however it ends. A process that is stopped does not end. So
a holder writes heartbeats into its lock file, and whoever needs the lock kills a holder whose heartbeat is too old.
"""

import fcntl
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import CureLensError
from core.runs.process_identity import Moment, current_moment, kill, this_worker
from core.runs.queued_run import BEAT, HEARTBEAT_TIMEOUT
from core.types import Worker
from core.utils.file_locks import lock_folder, make_own_folder, open_lock
from core.utils.serialization import from_json, to_json
from core.workspace.ids import as_id


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that holds a lock.

    Attributes:
        worker: The process.
        folder: The folder with which it was started: of its run or, for a dispatcher, of its workspace.
        beat: Time of its last heartbeat.
    """

    worker: Worker
    folder: str
    beat: Moment


def lock_file(name: str) -> Path:
    """One lock file per name, user and machine, whatever the workspace and TMPDIR."""
    return lock_folder() / f"{as_id(name)}.lock"


def take_lock(name: str) -> BinaryIO | None:
    """Take a lock, until the returned file is closed; None where another process holds it.

    Raises:
        WorkspaceError: The lock file cannot be created.
    """
    make_own_folder(lock_folder())
    file = open_lock(lock_file(name))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file
    except BlockingIOError:
        file.close()
        return None


def is_free(name: str) -> bool:
    """Whether no process holds a lock now."""
    if file := take_lock(name):
        file.close()
    return file is not None


def beat(names: Iterable[str], folder: Path) -> bool:
    """Write a heartbeat of this process into the files of locks that it holds, and return True, for `beating`.

    Where the disk is full the first one stays away, and then the lock is not taken from this process; later ones take
    the place of the first.

    Args:
        names: The locks.
        folder: The folder with which this process was started.
    """
    record = json.dumps(to_json(Holder(this_worker(), str(folder), current_moment())))
    for name in names:
        with suppress(OSError, CureLensError), open_lock(lock_file(name)) as file:
            file.write(f"{record}\n".encode())  # over the last record; a lock file is never emptied
    return True


@contextmanager
def beating(send: Callable[[], bool]) -> Iterator[None]:
    """Send heartbeats from a thread, so that a long step does not look like a dead process.

    Args:
        send: Sends one heartbeat, and returns whether to go on.
    """
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(BEAT) and send():
            pass

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def holder(name: str) -> Holder | None:
    """The process that wrote the last heartbeat; None where none did, or one is being written."""
    with suppress(OSError, ValueError, CureLensError), lock_file(name).open("rb") as file:
        found: Holder = from_json(Holder, json.loads(file.readline()))
        return found
    return None


def end_silent_holders(names: Iterable[str]) -> None:
    """Kill the holders of these locks that have sent no heartbeat for too long, such as stopped processes."""
    for name in names:
        found = holder(name)
        if found and current_moment().since(found.beat) > HEARTBEAT_TIMEOUT and not is_free(name):
            kill(found.worker, Path(found.folder))
