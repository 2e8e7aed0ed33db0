"""State, start and stop of the training of a request's references, for pages; it loads no model library.

The training itself (core.runs.reference_training) runs in a process of its own, which outlives the page.
"""

import fcntl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from core.errors import RunError
from core.runs.launcher_options import options_of
from core.runs.process_identity import is_alive, worker_of
from core.types import LIVE, ReferenceTraining, RunState
from core.utils.atomic_io import make_private_folder, remove_file
from core.utils.clock import utc_now
from core.utils.commands import PYTHON
from core.utils.file_locks import locked
from core.utils.no_links import open_to_append
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from core.workspace.layout import is_inside_workspace, require_no_link

STOPPED = "The training was stopped by a person; the references that were ready are kept."


def training_status(workspace: Workspace, request_id: str) -> ReferenceTraining | None:
    """The last training of a request's references; LOST where its process died without a message, None before any."""
    files = workspace.layout.training(request_id)
    if not (files.status.is_file() and is_inside_workspace(files.path, workspace.root)):
        return None
    found: ReferenceTraining = read_json(files.status, ReferenceTraining)
    if found.state in LIVE and (found.worker is None or is_alive(found.worker) is False):
        return replace(found, state=RunState.LOST, message=f"Its process died without a message: see {files.log.name}.")
    return found


def is_stopping(workspace: Workspace, request_id: str) -> bool:
    """Whether somebody asked to stop the training."""
    return workspace.layout.training(request_id).stop.is_file()


def launch_training(workspace: Workspace, request_id: str, count: int, device: str, person: str) -> None:
    """Start the training in a detached process, unless one is at work on this request.

    Args:
        workspace: The workspace.
        request_id: The request.
        count: Number of references that the request is to have.
        device: "auto", "cpu" or "cuda".
        person: Who starts it.

    Raises:
        RequestError: The request cannot be served.
        DeviceError: The device is not available.
        RunError: The options of the launcher 'local' are wrong.
        WorkspaceError: The folder of the references cannot be written.
    """
    from core.models.device import choose_device  # loads torch

    workspace.check(workspace.request(request_id))
    choose_device(device)
    options_of(workspace, "local")
    files = workspace.layout.training(request_id)
    with locked_training(workspace, request_id):
        status = training_status(workspace, request_id)
        if status and status.state in LIVE:  # another browser was faster
            return
        remove_file(files.stop)
        command = [*PYTHON, "-m", "core", "reference", "--workspace", str(workspace.root)]
        command += ["--request", request_id, "--seeds", str(count), "--device", device, "--as", person, "--json"]
        with open_to_append(files.log) as log:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        worker = worker_of(started.pid)
        write_json(files.status, ReferenceTraining(RunState.QUEUED, count, worker=worker, updated=utc_now()))


def stop_training(workspace: Workspace, request_id: str) -> None:
    """Ask the training to stop; where its process is dead, it ends at once.

    Raises:
        RunError: Nothing is being trained.
    """
    with locked_training(workspace, request_id):
        status = training_status(workspace, request_id)
        if status is None or status.state not in (*LIVE, RunState.LOST):
            raise RunError(f"Request {request_id!r} has no training of references to stop: it has ended.")
        files = workspace.layout.training(request_id)
        open_to_append(files.stop).close()
        if not (status.worker and is_alive(status.worker)):
            ended = replace(status, state=RunState.CANCELLED, message=STOPPED, eta=None, updated=utc_now())
            write_json(files.status, ended)


@contextmanager
def locked_training(workspace: Workspace, request_id: str) -> Iterator[None]:
    """Hold the lock of whoever starts, stops or begins a training of this request; another process waits."""
    files = workspace.layout.training(request_id)
    require_no_link(files.path, workspace.root)
    if not files.path.is_dir():
        make_private_folder(files.path)
    with locked(files.lock, fcntl.LOCK_EX):
        yield
