"""A worker that is killed, or whose disk refuses a write, at a chosen place: the code under test knows nothing of it."""

import contextlib
import errno
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# name of the point: what is called there, and whether the process dies before or after the call
POINTS = {
    "waiting": ("core.runs.store.Store.enlist", "after"),
    "before it is claimed": ("core.runs.store.Store.claim", "before"),
    "claimed": ("core.runs.store.Store.claim", "after"),
    "first status": ("core.runs.store.Store.tell", "after"),
    "model loaded": ("core.pipeline.stages.load_adapter", "after"),
    "circuit scores written": ("core.runs.folder_observer.save_scores", "after"),
    "result before": ("core.runs.folder_observer.write_json", "before"),
    "result after": ("core.runs.folder_observer.write_json", "after"),
    "step before its event": ("core.runs.handle.RunHandle.add_event", "before"),
    "step after its event": ("core.runs.handle.RunHandle.add_event", "after"),
    "optimiser stepped": ("torch.optim.SGD.step", "after"),
    "checkpoint begun": ("core.runs.checkpoints.Checkpoints._write", "before"),
    "checkpoint without manifest": ("core.runs.checkpoints._digests", "after"),
    "checkpoint renamed": ("core.runs.checkpoints._sync", "before"),
    "checkpoint whole": ("core.runs.checkpoints.Checkpoints._write", "after"),
    "adapter begun": ("core.models.recommender._write_adapter", "before"),
    "adapter half": ("core.models.recommender._write_adapter", "after"),
    "adapter whole": ("core.runs.folder_observer.save_adapter", "after"),
    "report written": ("core.pipeline.stages.make_report", "after"),
    "before its last word": ("core.runs.store.Store.end", "before"),
    "after its last word": ("core.runs.store.Store.end", "after"),
}
LATER = {
    "optimiser stepped": 5,
    "step before its event": 7,
    "step after its event": 7,
    "result before": 3,
    "result after": 3,
}


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(point: str) -> None:
    place, when = POINTS[point]
    wrap(place, LATER.get(point, 1), die, when)


def wrap(place: str, count: int, act: Callable[..., None], when: str = "before") -> None:
    """`act` at the count-th call of what stands at a dotted place."""
    owner, name = found(place)
    call, calls = getattr(owner, name), [0]

    def wrapped(*arguments, **options):
        calls[0] += 1
        due = calls[0] == count
        if due and when == "before":
            act(*arguments)
        value = call(*arguments, **options)
        if due and when == "after":
            act(*arguments)
        return value

    setattr(owner, name, wrapped)


def found(place: str) -> tuple[object, str]:
    """The module or class that holds it, and its name there."""
    parts = place.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:-1]:
            owner = getattr(owner, name)
        return owner, parts[-1]
    raise LookupError(place)


def fill(disk: Path) -> None:
    """No room is left on the disk, for whoever writes there, SQLite too."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass


def refuse_write(number: int, code: int) -> Callable[[], int]:
    """The number-th write of the process, to whatever file, is refused by its disk; returns how many were tried."""
    tried = [0]

    def counted(call):
        def wrapped(*arguments, **options):
            tried[0] += 1
            if tried[0] == number:
                raise OSError(code, os.strerror(code))
            return call(*arguments, **options)

        return wrapped

    def text(call):
        def wrapped(path, mode="r", *arguments, **options):
            return (counted(call) if set(mode) & set("wa") else call)(path, mode, *arguments, **options)

        return wrapped

    os.fsync, os.replace = counted(os.fsync), counted(os.replace)
    Path.open, Path.write_bytes, Path.rename = text(Path.open), counted(Path.write_bytes), counted(Path.rename)
    import core.models.recommender as recommender

    recommender._write_adapter = counted(recommender._write_adapter)
    return lambda: tried[0]


ORPHANING = """
import os, signal, sys
from pathlib import Path
from core.runs.handle import RunHandle
from core.runs.submit import start
start(RunHandle(Path(sys.argv[1])))
os.kill(os.getpid(), signal.SIGKILL)
"""


def start_and_die(folder) -> subprocess.CompletedProcess:
    """Launch a run from a process that is killed right after."""
    command = [sys.executable, "-c", ORPHANING, str(folder.path)]
    return subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True)


def work(folder: str, every: float, point: str = "", number: int = 0, code: int = errno.ENOSPC, disk: str = "") -> None:
    """The worker's own command, with checkpoints after each step unless `every` says otherwise. disk: to be filled in mid-run."""
    from core.runs import checkpoints, worker
    from core.runs.handle import RunHandle

    checkpoints.Checkpoints.__init__.__defaults__ = (every,)
    if point:
        kill_at(point)
    if disk:
        wrap("core.runs.handle.RunHandle.add_event", LATER["step before its event"], lambda *_: fill(Path(disk)))
    tried = refuse_write(number, code) if number else lambda: 0
    try:
        state = worker.work(RunHandle(Path(folder)))
    except Exception:
        state = "raised"
    sys.exit(3 if tried() < number else 0 if state == "done" else 1)
