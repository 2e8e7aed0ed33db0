"""Worker process for tests that kill it, or refuse one of its writes, at a chosen point."""

import contextlib
import errno
import importlib
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

# Name of the point: the function called there, and whether the process dies before or after the call.
POINTS = {
    "after enlisting": ("core.runs.store.Store.register_worker", "after"),
    "before claim": ("core.runs.store.Store.claim", "before"),
    "after claim": ("core.runs.store.Store.claim", "after"),
    "after first status": ("core.runs.store.Store.write_status", "after"),
    "after model is loaded": ("core.pipeline.stages.load_adapter", "after"),
    "after circuit scores are saved": ("core.runs.folder_observer.save_scores", "after"),
    "before result is written": ("core.runs.folder_observer.write_json", "before"),
    "after result is written": ("core.runs.folder_observer.write_json", "after"),
    "before step event": ("core.runs.handle.RunHandle.add_event", "before"),
    "after step event": ("core.runs.handle.RunHandle.add_event", "after"),
    "after optimiser step": ("torch.optim.SGD.step", "after"),
    "before checkpoint": ("core.runs.checkpoints.Checkpoints._write", "before"),
    "before manifest of checkpoint": ("core.runs.checkpoints.Checkpoints._manifest", "after"),
    "before checkpoint folder is synced": ("core.runs.checkpoints._sync", "before"),
    "after checkpoint": ("core.runs.checkpoints.Checkpoints._write", "after"),
    "before adapter is written": ("core.models.saved_adapter._write_adapter", "before"),
    "after adapter is written": ("core.models.saved_adapter._write_adapter", "after"),
    "after adapter is saved": ("core.runs.folder_observer.save_adapter", "after"),
    "after report is made": ("core.pipeline.stages.make_report", "after"),
    "before end is stored": ("core.runs.store.Store.end", "before"),
    "after end is stored": ("core.runs.store.Store.end", "after"),
}
DISPATCHER_POINTS = {
    "before it looks": ("core.runs.dispatcher.next_in_line", "before"),
    "before a worker is started": ("core.runs.dispatcher._start_worker", "before"),
    "before a worker is noted": ("core.runs.dispatcher.worker_of", "before"),
    "after a worker is noted": ("core.runs.dispatcher._start_worker", "after"),
}
CALL_NUMBER = {
    "after optimiser step": 5,
    "before step event": 7,
    "after step event": 7,
    "before result is written": 3,
    "after result is written": 3,
}


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_at(point: str) -> None:
    path, when = (POINTS | DISPATCHER_POINTS)[point]
    wrap(path, CALL_NUMBER.get(point, 1), die, when)


def wrap(path: str, count: int, action: Callable[..., None], when: str = "before") -> None:
    """Call `action` at the count-th call of the function with a dotted path."""
    owner, name = resolve(path)
    call, calls = getattr(owner, name), [0]

    def wrapped(*arguments, **options):
        calls[0] += 1
        due = calls[0] == count
        if due and when == "before":
            action(*arguments)
        value = call(*arguments, **options)
        if due and when == "after":
            action(*arguments)
        return value

    setattr(owner, name, wrapped)


def resolve(path: str) -> tuple[object, str]:
    """Return the module or class that holds a dotted path, and the last name of the path."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            owner = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:-1]:
            owner = getattr(owner, name)
        return owner, parts[-1]
    raise LookupError(path)


def fill(disk: Path) -> None:
    """Fill the disk, so that every later write fails, SQLite's too."""
    with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass


def refuse_write(number: int, code: int) -> Callable[[], int]:
    """Refuse the number-th write of the process to any file; return a function that counts the attempts."""
    attempts = [0]

    def counted(call):
        def wrapped(*arguments, **options):
            attempts[0] += 1
            if attempts[0] == number:
                raise OSError(code, os.strerror(code))
            return call(*arguments, **options)

        return wrapped

    def counted_if_writing(call):
        def wrapped(path, mode="r", *arguments, **options):
            return (counted(call) if set(mode) & set("wa") else call)(path, mode, *arguments, **options)

        return wrapped

    os.fsync, os.replace = counted(os.fsync), counted(os.replace)
    Path.open, Path.write_bytes, Path.rename = (
        counted_if_writing(Path.open),
        counted(Path.write_bytes),
        counted(Path.rename),
    )
    import core.models.saved_adapter as saved_adapter

    saved_adapter._write_adapter = counted(saved_adapter._write_adapter)
    return lambda: attempts[0]


START_AND_DIE = """
import os, signal, sys
from pathlib import Path
from core.runs.handle import RunHandle
from core.runs.submit import start
start(RunHandle(Path(sys.argv[1])))
os.kill(os.getpid(), signal.SIGKILL)
"""


def start_and_die(folder) -> subprocess.CompletedProcess:
    """Launch a run from a process that is killed right after."""
    command = [sys.executable, "-c", START_AND_DIE, str(folder.path)]
    return subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True)


def dispatch(root: str, point: str) -> None:
    """Run the dispatcher of a workspace until it is killed."""
    from core.runs import dispatcher
    from core.workspace import Workspace

    kill_at(point)
    dispatcher.dispatch(Workspace(root))


def work(folder: str, every: float, point: str = "", number: int = 0, code: int = errno.ENOSPC, disk: str = "") -> None:
    """Run the worker with a checkpoint every `every` seconds; `disk` is filled in mid-run."""
    from core.runs import worker
    from core.runs.checkpoints import Checkpoints
    from core.runs.handle import RunHandle

    worker.Checkpoints = partial(Checkpoints, every=every)
    if point:
        kill_at(point)
    if disk:
        wrap("core.runs.handle.RunHandle.add_event", CALL_NUMBER["before step event"], lambda *_: fill(Path(disk)))
    attempts = refuse_write(number, code) if number else lambda: 0
    try:
        state = worker.work(RunHandle(Path(folder)))
    except Exception:
        traceback.print_exc()
        state = "raised"
    sys.exit(3 if attempts() < number else 0 if state == "done" else 1)
