"""Identity of processes, and the clock of a machine. Changes of the wall clock affect neither."""

import os
import signal
import socket
import time
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import psutil

from core.types import Worker

DYING = 5.0  # seconds that a killed process may take to exit
# How the command lines of processes begin that hold runs or devices: workers, trainings of references, dispatchers.
HOLDERS = {("-m", "core.runs.dispatcher"), *product(("core", "cure-lens"), ("worker", "reference"))}


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time.

    Attributes:
        boot: Id of the start of the machine.
        steady: Seconds of the monotonic clock of that start.
        wall: Seconds of the wall clock, for people: two machines differ in it, so nothing is decided by it.
    """

    boot: str
    steady: float
    wall: float

    def since(self, earlier: "Moment") -> float:
        """Seconds since an earlier moment of the same machine (see core.runs.beat_watch for others)."""
        return self.steady - earlier.steady


def current_moment() -> Moment:
    """The current moment."""
    return Moment(boot_id(), time.monotonic(), time.time())


def this_worker() -> Worker:
    """The identity of the calling process."""
    return worker_of(os.getpid())


def worker_of(pid: int) -> Worker:
    """The identity of a process on this machine; one that has ended already is never alive."""
    return Worker(socket.gethostname(), boot_id(), _space(), pid, _start_ticks(pid) or 0.0)


def is_alive(worker: Worker) -> bool | None:
    """Whether a process is alive; None where this process cannot know (another host or PID namespace)."""
    here = this_worker()
    if worker.host != here.host:
        return None
    if worker.boot_id != here.boot_id:
        return False
    return _start_ticks(worker.pid) == worker.start_ticks if worker.pid_namespace == here.pid_namespace else None


def kill(worker: Worker, folder: Path) -> None:
    """Kill the worker of a run where it runs on this machine, and wait until it is gone.

    Args:
        worker: The process.
        folder: The run's folder, with which the worker was started. A copy of the workspace names the same process,
            which does not work for it and is left alone; so is that of a run in another workspace to which it links,
            and any other process that only names the folder, such as an editor.
    """
    if is_alive(worker) and _was_started_with(worker.pid, folder):
        os.kill(worker.pid, signal.SIGKILL)
        end = time.monotonic() + DYING
        while is_alive(worker) and time.monotonic() < end:  # it may write until then
            time.sleep(0.01)


def _was_started_with(pid: int, folder: Path) -> bool:
    """Whether a process is one of ours that holds runs or devices, and has a folder, as it is named, as an argument."""
    try:
        words = psutil.Process(pid).cmdline()
    except psutil.Error:
        return False
    before = words[: words.index(str(folder))] if str(folder) in words else []
    return any((Path(program).name, command) in HOLDERS for program, command in pairwise(before))


@cache
def boot_id() -> str:
    """The id of this start of the machine, or its name where the system has no such id."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.is_file() else socket.gethostname()


def _space() -> str:
    """The PID namespace."""
    path = Path("/proc/self/ns/pid")
    return str(path.readlink()) if path.is_symlink() else ""


def _start_ticks(pid: int) -> float | None:
    """Start time of a process in ticks since boot; None where it does not exist or is a zombie."""
    try:
        if Path("/proc/self/stat").is_file():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return None if fields[0] in "ZX" else float(fields[19])
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except (OSError, psutil.NoSuchProcess):
        return None
