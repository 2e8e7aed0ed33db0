"""The dispatcher: one small process for each workspace, user and machine, which starts the waiting runs.

1. The local launcher writes what a run needs into the store, and starts a dispatcher where none is at work.
2. Once a second, the dispatcher looks for the first run whose turn it is and whose devices are free.
3. It starts the worker and notes it in the run's row. The worker claims the run with a fencing token: where a
   dispatcher was killed before it noted a worker, the worker that the next one starts finds the run taken, and ends.
   Where another workspace was faster to take the device, the worker ends and the run waits on as a row.
4. The dispatcher ends when no run waits for it. Where it was killed, the next start, resume, page or end of a run
   starts another one. What it says before it fails stands in runs/dispatcher.log.

It loads no model library, so it is small, and its work hardly grows with the queue.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from core.errors import CureLensError, WorkspaceError
from core.runs.hand_over import DeviceNeeds, Waiting, has_turn, next_in_line
from core.runs.handle import RunHandle, store_of
from core.runs.launcher_options import options_of
from core.runs.machine_locks import beat, end_silent_holders, is_free, take_lock
from core.runs.process_identity import worker_of
from core.runs.store import Store
from core.runs.worker_command import command
from core.utils.atomic_io import disk_error
from core.utils.commands import PYTHON
from core.utils.hashing import short_digest
from core.utils.no_links import open_to_append, open_to_read
from core.utils.text import one_line
from core.workspace import Workspace
from core.workspace.layout import require_no_link

POLL_SECONDS = 1.0  # seconds between two looks at the queue
LAST_BYTES = 400  # of the log, in which its last words are looked for
VISIBLE = "CUDA_VISIBLE_DEVICES"


def ensure_dispatcher(run: RunHandle) -> None:
    """Start a dispatcher where any run of this run's workspace waits for one and none is at work.

    Raises:
        WorkspaceError: The store, the lock file or the log cannot be used.
    """
    name = _lock_name(run.workspace)
    if not next_in_line(run.store):
        return
    end_silent_holders((name,))
    if not is_free(name):
        return
    words = [*PYTHON, "-m", "core.runs.dispatcher", str(run.workspace.root)]
    with _empty_log(run.workspace) as log:
        subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


def is_missing(workspace: Workspace) -> bool:
    """Whether a run waits for a dispatcher of this user and machine, and none is at work."""
    return bool(next_in_line(store_of(workspace))) and is_free(_lock_name(workspace))


def fault(workspace: Workspace) -> str:
    """A sentence where runs wait because the last dispatcher ended, with its last words; "" where it left none."""
    log = workspace.layout.dispatcher_log
    words = _last_line(log)
    if not words or not is_missing(workspace):
        return ""
    return f"The process that starts waiting runs has ended ({words}): see {log}, mend this, then resume the run."


def dispatch(workspace: Workspace) -> None:
    """Start the waiting runs of a workspace one after the other, unless another dispatcher does."""
    store, started, name = store_of(workspace), list[subprocess.Popen[bytes]](), _lock_name(workspace)
    if lock := take_lock(name):
        while True:
            beat((name,), workspace.root)
            started = [worker for worker in started if worker.poll() is None]  # one that ended must not stay a zombie
            with suppress(WorkspaceError):  # a full disk, or a store in use: the next look may find it better
                waiting = next_in_line(store)
                if not waiting and _ends(store, lock):
                    return
                if run := _next_run(workspace, store, waiting):
                    started += _start_worker(*run)
            time.sleep(POLL_SECONDS)


def _ends(store: Store, lock: BinaryIO) -> bool:
    """Whether no run waits. The lock goes in the same transaction: whoever hands over a run later finds it free."""
    if not store.path.is_file():  # somebody removed the workspace
        return True
    with store.changing():
        if next_in_line(store):
            return False
        lock.close()
        return True


def _next_run(workspace: Workspace, store: Store, waiting: Waiting) -> tuple[RunHandle, DeviceNeeds] | None:
    """The first run whose turn it is and whose devices are free; one that waits for others does not hold it up."""
    for run_id, needs in waiting:
        if not has_turn(store, run_id):
            continue
        end_silent_holders(needs.locks)
        if sum(map(is_free, needs.locks)) >= needs.count:
            return RunHandle(workspace.layout.run(run_id).path), needs
    return None


def _start_worker(run: RunHandle, needs: DeviceNeeds) -> list[subprocess.Popen[bytes]]:
    """Start the worker of a run, or end the run as failed."""
    environment = {name: value for name, value in os.environ.items() if name != VISIBLE}
    if needs.visible is not None:
        environment[VISIBLE] = needs.visible
    try:
        words = command(run, options_of(run.workspace, "local"))
        require_no_link(run.path, run.workspace.root)
        with open_to_append(run.layout.log) as log:
            worker = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=environment
            )
    except (OSError, ValueError, CureLensError) as error:  # ValueError: a row that is damaged
        run.store.fail_queued(run.id, f"Its worker cannot be started ({error}): mend this, then resume the run.")
        return []
    try:
        run.store.register_worker(run.id, worker_of(worker.pid))
    except WorkspaceError:  # a worker that is not noted would be started again at the next look
        worker.kill()
        raise
    return [worker]


def _empty_log(workspace: Workspace) -> BinaryIO:
    """The log, which holds what one dispatcher says, so that it stays small."""
    path = workspace.layout.dispatcher_log
    try:
        log = open_to_append(path)
        log.truncate(0)
    except OSError as error:
        raise disk_error(path, error) from error
    return log


def _last_line(path: Path) -> str:
    """The end of a file's last line; "" where there is none."""
    with suppress(OSError), open_to_read(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
        lines = map(one_line, file.read(LAST_BYTES).decode("utf-8", "replace").splitlines())
        return next(filter(None, reversed([*lines])), "").rstrip(".")
    return ""


def _lock_name(workspace: Workspace) -> str:
    """The lock of the one dispatcher that a user has for a workspace on this machine."""
    return f"dispatcher-{short_digest(str(workspace.root))}"


if __name__ == "__main__":
    dispatch(Workspace(Path(sys.argv[1])))
