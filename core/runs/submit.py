"""Submission of runs: check a run, queue it, and start its worker with a launcher."""

import hashlib
import logging
import secrets
from dataclasses import replace
from typing import Any

from core.data.splits import forget_set
from core.errors import CureLensError, RunError, WorkspaceError
from core.grouping.assign import check_edit
from core.models.device import choose_device
from core.runs.artifacts import parse_spec
from core.runs.handle import RunHandle, open_run
from core.runs.launcher_options import options_of
from core.runs.launchers import LAUNCHERS
from core.runs.ledger import RESUMED, RunLedger, open_ledger
from core.runs.process_identity import kill
from core.runs.requests import check_opened
from core.runs.signed_files import read_signed
from core.types import GroupEdit, RunSpec, RunState
from core.unlearning.methods import DEFAULT_METHOD, METHODS, method_of
from core.utils.atomic_io import make_private_folder, remove_folder
from core.utils.clock import utc_now
from core.utils.serialization import read_file, sorted_json, to_json
from core.verification.thresholds import Thresholds
from core.workspace import ALLOWED, Workspace

ORPHANED = "The cluster job ended before the worker started: check the cluster's log of it, then resume the run."
log = logging.getLogger("core")


def create_run(
    workspace: Workspace,
    request_id: str,
    method: str = DEFAULT_METHOD,
    device: str = "auto",
    seed: int = 0,
    steps: int = 0,
    edit: GroupEdit | None = None,
    launcher: str = "",
    launched_by: str = "",
) -> RunHandle:
    """Check everything that a run needs, write its folder and queue it.

    Args:
        workspace: The workspace.
        request_id: The request to unlearn.
        method: A name of METHODS.
        device: "auto", "cpu" or "cuda".
        seed: Seed of every random choice.
        steps: Number of unlearning steps; 0 for the method's own.
        edit: Groups edited by a person, based on an earlier run of the same request.
        launcher: A name of LAUNCHERS; "" for the workspace's own.
        launched_by: The person who launches the run.

    Returns:
        The run, or the active run of the same job where there is one.

    Raises:
        RunError: The method, the launcher, the seed or the edit cannot be used.
        RequestError: The request cannot be served.
        DeviceError: The device is not available.
    """
    launcher = check_job(workspace, request_id, device, launcher)
    method_of(method)
    allowed, wanted = ALLOWED["seed"]
    if not allowed(seed):
        raise RunError(f"The seed is {seed}: choose {wanted}.")
    if edit:
        _check_source(workspace, request_id, method, edit)
    spec = as_submitted(
        workspace, RunSpec("", request_id, method, device, seed, steps, "", edit, launcher, "", launched_by)
    )
    run = RunHandle(workspace.layout.run(spec.id).path)
    make_private_folder(run.path)
    return enqueue(run, spec)


def check_job(workspace: Workspace, request_id: str, device: str, launcher: str = "") -> str:
    """Check the request, the launcher and the device of a run.

    Args:
        workspace: The workspace.
        request_id: The request.
        device: "auto", "cpu" or "cuda".
        launcher: A name of LAUNCHERS; "" for the workspace's own.

    Returns:
        The name of the launcher.

    Raises:
        RunError: The launcher is unknown, or its options are wrong.
        RequestError: The request cannot be served.
        DeviceError: The device is not available.
    """
    request, settings = workspace.request(request_id), workspace.settings
    check_opened(workspace, request)
    forget_set(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    launcher = launcher or settings.launcher
    options_of(workspace, launcher)
    if launcher == "local":  # elsewhere there may be a GPU that is not here
        choose_device(device)
    return launcher


def as_submitted(workspace: Workspace, job: RunSpec) -> RunSpec:
    """The job with a new id, the time, and the margins as they are now."""
    margins = Thresholds(workspace.settings.forgotten_share).digest
    return replace(job, id=f"run-{secrets.token_hex(3)}", created=utc_now(), thresholds=margins)


def enqueue(run: RunHandle, spec: RunSpec) -> RunHandle:
    """Write the spec of a run and queue it, unless the same job is active; return the active run.

    An active run without a worker may be one whose launch was killed: whoever launches it again starts it, and is
    entered as who resumed it.

    Raises:
        RunError: The store calls another job the same, or the active run was changed since it was launched.
        LedgerError: The keys are missing, or the ledger takes no entry.
    """
    ledger = open_ledger(run.workspace)
    run.write_spec(replace(spec, mark=mark_of(spec, ledger)))
    queued = run.store.add(spec.id, _dedup_key(spec), LAUNCHERS[spec.launcher].externally_queued)
    active = RunHandle(run.path.with_name(queued))
    if queued != spec.id:
        remove_folder(run.path)
        if not _does(active, spec, ledger):  # whoever writes files writes the store
            raise RunError(f"Run {queued!r} does another job than {run.store.path} says: cancel it, then launch again.")
        entry = run.store.find(queued)
        if entry and entry.worker is None:
            ledger.record_fact(RESUMED, queued, spec.launched_by)
    return active


def _does(run: RunHandle, spec: RunSpec, ledger: RunLedger) -> bool:
    """Whether a run does, as it was launched, the job of a specification."""
    try:
        return _dedup_key(launched_spec(run, ledger)[0]) == _dedup_key(spec)
    except (RunError, WorkspaceError):  # it was changed, damaged or removed
        return False


def mark_of(spec: RunSpec, ledger: RunLedger) -> str:
    """The mark of a run's specification. Raises LedgerError where the ledger's keys are missing."""
    return ledger.mark("spec", sorted_json(_values(replace(spec, mark=""))))


def launched_spec(run: RunHandle, ledger: RunLedger) -> tuple[RunSpec, str]:
    """The specification of a run, which is the one that was launched, and the SHA-256 of its file.

    Raises:
        RunError: It was changed since.
        LedgerError: The keys are missing.
    """
    content = read_file(run.layout.spec)
    spec = parse_spec(run.layout.spec, content)
    if spec.mark != mark_of(spec, ledger):
        raise RunError(f"{run.layout.spec} is not what was launched: it was changed since. Launch a new run.")
    return spec, hashlib.sha256(content).hexdigest()


def _dedup_key(spec: RunSpec) -> str:
    """Digest of the job: the spec without its id, time, person and mark."""
    job = _values(replace(spec, id="", created="", launched_by=""))
    del job["mark"]
    return hashlib.sha256(sorted_json(job).encode()).hexdigest()


def _values(spec: RunSpec) -> dict[str, Any]:
    """A specification as JSON values, without an adapter where it has none, as earlier versions wrote it."""
    return {name: value for name, value in to_json(spec).items() if name != "adapter" or value}


def _check_source(workspace: Workspace, request_id: str, method: str, edit: GroupEdit) -> None:
    source = open_run(workspace, edit.source)
    if source.spec.request != request_id:
        raise RunError(f"Run {source.id!r} is of request {source.spec.request!r}: choose a run of {request_id!r}.")
    if not METHODS[method].needs_circuits:
        raise RunError(
            f"Method {method!r} does not use circuits, so groups cannot be edited: choose 'cure' or 'cure_overfit'."
        )
    groups = source.groups
    if groups is None or not source.layout.scores.is_file():
        raise RunError(f"Run {source.id!r} has no circuit to regroup: choose one that has.")
    check_edit(edit, groups)
    ledger, layout = open_ledger(workspace), source.layout
    for path in (layout.spec, layout.forget, layout.retain, layout.scores, layout.groups, layout.direct_effects):
        if path.is_file():  # the worker reads them again: here the person hears of it before the run waits
            read_signed(path, ledger)


def start(run: RunHandle) -> None:
    """Start a worker for a queued run, or leave its start to a dispatcher, unless it has one.

    Raises:
        RunError: The launcher did not take the run, which then is failed.
    """
    entry = run.store.find(run.id)
    if entry and entry.worker is None:
        name = run.spec.launcher
        try:
            run.write_job_id(LAUNCHERS[name].start(run, options_of(run.workspace, name)))
        except Exception as error:  # any error of a cluster's library: no worker will ever start
            why = str(error) if isinstance(error, CureLensError) else _launch_failed(name, error)
            run.store.fail_queued(run.id, why)
            raise RunError(why) from error


def is_orphaned(run: RunHandle) -> bool:
    """Whether a run waits for a cluster job that has ended before its worker started.

    False where the cluster cannot be asked.
    """
    entry, path = run.store.find(run.id), run.layout.job
    if not (
        entry and entry.state is RunState.QUEUED and entry.worker is None and entry.externally_queued and path.is_file()
    ):
        return False
    name = run.spec.launcher
    try:
        options = options_of(run.workspace, name)
        return LAUNCHERS[name].has_ended(path.read_text(encoding="utf-8"), options)
    except Exception:  # any error of a cluster's library
        log.warning("launcher %s cannot be asked", name, exc_info=True)
        return False


def _launch_failed(launcher: str, error: Exception) -> str:
    reason = " ".join(str(error).split()).rstrip(".")
    return (
        f"Launcher {launcher!r} did not take the run ({reason}): check its settings under clusters, or choose 'local'."
    )


def resume(run: RunHandle, person: str = "") -> None:
    """Queue a failed or lost run again and start a worker, which continues from the last checkpoint.

    A run that waits for a dispatcher keeps its place; it gets a new dispatcher where the last one was killed.

    Args:
        run: The run.
        person: Who resumes it.

    Raises:
        RunError: The run cannot be resumed.
        LedgerError: The ledger takes no entry of who resumes it.
    """
    ledger = open_ledger(run.workspace)
    ledger.check()  # else the run would wait, and nobody would be named
    if is_orphaned(run):
        run.store.fail_queued(run.id, ORPHANED)
    run.watch_remote_worker()
    entry = run.store.find(run.id)
    if not (entry and entry.state is RunState.QUEUED and entry.handed_over and entry.worker is None):
        run.store.resume(run.id)
    if entry and entry.worker:
        kill(entry.worker, run.path)  # fenced off, but it would keep its device
    run.repair_events()
    ledger.record_fact(RESUMED, run.id, person)  # before its worker can end the run
    start(run)
