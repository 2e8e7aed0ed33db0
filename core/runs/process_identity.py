"""Which process is which, and what time it is for all of them: nothing here is moved by a change of the clock."""

import os
import signal
import socket
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from core.types import Worker

DYING = 5.0  # seconds that a killed process may take to be gone


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time: seconds on `boot`'s own steady clock, and by the wall clock for every other machine."""

    boot: str
    steady: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Seconds from an earlier moment to this one; between machines, or after a restart, by the wall clock."""
        return self.steady - earlier.steady if self.boot == earlier.boot else self.wall - earlier.wall


def moment() -> Moment:
    """Now."""
    return Moment(boot_id(), time.monotonic(), time.time())


def this_worker() -> Worker:
    """The process that asks."""
    return Worker(socket.gethostname(), boot_id(), _space(), os.getpid(), _start_ticks(os.getpid()) or 0.0)


def lives(worker: Worker) -> bool | None:
    """Whether that very process still works; None where this process cannot know: another host, or another pid namespace."""
    here = this_worker()
    if worker.host != here.host:
        return None
    if worker.boot != here.boot:
        return False
    return _start_ticks(worker.pid) == worker.start_ticks if worker.space == here.space else None


def kill(worker: Worker) -> None:
    """End a process for good, where it is on this machine and still there."""
    if lives(worker):
        os.kill(worker.pid, signal.SIGKILL)
        end = time.monotonic() + DYING
        while lives(worker) and time.monotonic() < end:  # until then it may still write
            time.sleep(0.01)


@cache
def boot_id() -> str:
    """The id of this start of the machine; its name where the system gives none."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.is_file() else socket.gethostname()


def _space() -> str:
    """The pid namespace."""
    path = Path("/proc/self/ns/pid")
    return str(path.readlink()) if path.is_symlink() else ""


def _start_ticks(pid: int) -> float | None:
    """When a process started, in ticks since boot; None where there is none or it is a zombie."""
    try:
        if Path("/proc/self/stat").is_file():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else float(fields[19])
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (OSError, psutil.NoSuchProcess):
        return None
