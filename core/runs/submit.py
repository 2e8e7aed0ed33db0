"""Launching: a checked run enters the queue, and the same worker command is started by whichever launcher."""

import hashlib
import json
import logging
import secrets
import shutil
from dataclasses import replace

from core.data.splits import make_split
from core.errors import CureLensError, RunError
from core.grouping.assign import check_edit
from core.models.device import choose_device
from core.runs.handle import RunHandle, open_run
from core.runs.launchers import LAUNCHERS
from core.runs.process_identity import kill
from core.types import GroupEdit, RunSpec, RunState
from core.unlearning.methods import METHODS, method_of
from core.utils.atomic_io import make_private_folder, write_text
from core.utils.clock import utc_now
from core.utils.serialization import to_json, write_json
from core.verification.thresholds import Thresholds
from core.workspace import Workspace

ORPHANED = "Its job ended before its worker began: look at what the cluster says of it, and resume the run."
log = logging.getLogger("core")


def create_run(
    workspace: Workspace,
    request_id: str,
    method: str = "cure",
    device: str = "auto",
    seed: int = 0,
    steps: int = 0,
    edit: GroupEdit | None = None,
    launcher: str = "",
    launched_by: str = "",
) -> RunHandle:
    """Check everything a run needs, write its folder and queue it. `steps` 0 means the method's own number.

    Asked twice for the same while the first is waiting or at work, the first is what one gets.
    edit: a person's groups, over the circuits of an earlier run of the same request. launcher: "" means the workspace's own.
    Raises RunError, RequestError or DeviceError before anything is written.
    """
    request, settings = workspace.request(request_id), workspace.settings
    workspace.check(request)
    make_split(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    launcher = launcher or settings.launcher
    if launcher not in LAUNCHERS:
        raise RunError(f"Launcher {launcher!r} is unknown: choose one of {', '.join(LAUNCHERS)}.")
    if launcher == "local":  # elsewhere there may be a card that is not here
        choose_device(device)
    method_of(method)
    if edit:
        _check_source(workspace, request_id, method, edit)
    name, bounds = f"run-{secrets.token_hex(3)}", Thresholds().digest
    spec = RunSpec(name, request_id, method, device, seed, steps, utc_now(), edit, launcher, bounds, launched_by)
    folder = RunHandle(workspace.layout.run(spec.id).path)
    make_private_folder(folder.path)
    write_json(folder.layout.spec, spec)
    queued = folder.store.add(spec.id, _dedup_key(spec), LAUNCHERS[launcher].externally_queued)
    if queued != spec.id:
        shutil.rmtree(folder.path)
    return RunHandle(folder.path.with_name(queued))


def _dedup_key(spec: RunSpec) -> str:
    """A digest of what is asked for, whoever asks and whenever."""
    asked = to_json(replace(spec, id="", created="", launched_by=""))
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _check_source(workspace: Workspace, request_id: str, method: str, edit: GroupEdit) -> None:
    source = open_run(workspace, edit.source)
    if source.spec.request != request_id:
        raise RunError(f"Run {source.id!r} is of request {source.spec.request!r}: choose a run of {request_id!r}.")
    if not METHODS[method].grouped:
        raise RunError(f"Method {method!r} does not work by groups: choose one that does, such as 'cure'.")
    groups = source.groups
    if groups is None or not source.layout.scores.is_file():
        raise RunError(f"Run {source.id!r} has no circuit to sort anew: choose one that has.")
    check_edit(edit, [row.module for row in groups])


def start(folder: RunHandle) -> None:
    """Start a worker for a queued run, unless one waits with it already. Raises RunError where its launcher is not to be had."""
    entry = folder.store.entry(folder.id)
    if entry and entry.worker is None:
        name, settings = folder.spec.launcher, folder.workspace.settings
        try:
            write_text(folder.layout.job, LAUNCHERS[name].start(folder, settings.clusters.get(name, {})))
        except Exception as error:  # whatever a cluster's library raises: nobody will ever work on this run
            why = str(error) if isinstance(error, CureLensError) else _untaken(name, error)
            folder.store.refuse(folder.id, why)
            raise RunError(why) from error


def is_orphaned(folder: RunHandle) -> bool:
    """Whether a run waits for a cluster's job that is over: it was stopped in the cluster's queue, or could not begin.

    False where the cluster cannot be asked.
    """
    entry, path = folder.store.entry(folder.id), folder.layout.job
    if not (
        entry and entry.state is RunState.QUEUED and entry.worker is None and entry.externally_queued and path.is_file()
    ):
        return False
    name, settings = folder.spec.launcher, folder.workspace.settings
    try:
        return LAUNCHERS[name].over(path.read_text(encoding="utf-8"), settings.clusters.get(name, {}))
    except Exception:  # whatever a cluster's library raises
        log.warning("launcher %s cannot be asked", name, exc_info=True)
        return False


def _untaken(launcher: str, error: Exception) -> str:
    said = " ".join(str(error).split()).rstrip(".")
    return f"Launcher {launcher!r} did not take the run ({said}): check its settings under clusters, or choose 'local'."


def resume(folder: RunHandle) -> None:
    """Queue a failed or lost run again and start a worker; it goes on where its checkpoints end. Raises RunError."""
    if is_orphaned(folder):
        folder.store.refuse(folder.id, ORPHANED)
    entry = folder.store.entry(folder.id)
    folder.store.resume(folder.id)
    if entry and entry.worker:
        kill(entry.worker)  # silent for a lease, fenced off now, and it would keep its device
    start(folder)
