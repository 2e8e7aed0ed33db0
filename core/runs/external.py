"""Runs of adapters that another tool unlearned: the adapter is checked, copied into a run of its own, and queued."""

import hashlib
from dataclasses import replace
from pathlib import Path

from core.models.external_adapter import check_external_adapter
from core.models.hub import resolve
from core.runs.handle import RunHandle
from core.runs.submit import as_submitted, check_job, enqueue
from core.types import EXTERNAL, RunSpec
from core.utils.atomic_io import disk_error, make_private_folder, remove_folder, write_bytes
from core.utils.no_links import open_to_read
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout


def create_external_run(
    workspace: Workspace, request_id: str, adapter: Path, device: str = "auto", launched_by: str = ""
) -> RunHandle:
    """Check an adapter that another tool unlearned, copy it into a run of its own, and queue the run.

    The worker evaluates the copy. Its digests are recorded and the margins are frozen before that. The run counts as
    an attempt at the request.

    Args:
        workspace: The workspace.
        request_id: The request that the adapter is said to have unlearned.
        adapter: Folder of a PEFT adapter; only its configuration and its weights are copied.
        device: "auto", "cpu" or "cuda".
        launched_by: The person who hands the adapter in.

    Returns:
        The run, or the active run of the same adapter where there is one.

    Raises:
        ModelError: The adapter does not fit the base model, or may not be loaded.
        RequestError: The request cannot be served.
        DeviceError: The device is not available.
        WorkspaceError: The disk refuses the copy.
    """
    launcher, settings = check_job(workspace, request_id, device), workspace.settings
    check_external_adapter(adapter, resolve(workspace.base, settings.base_revision))
    given = RunSpec("", request_id, EXTERNAL, device, launcher=launcher, launched_by=launched_by)
    spec = as_submitted(workspace, given)
    run = RunHandle(workspace.layout.run(spec.id).path)
    make_private_folder(run.path)
    digests = _copy_adapter(run, AdapterLayout(adapter.resolve()))
    run.add_event({"kind": "adapter", "sha256": digests["weights"], "config": digests["config"], "seconds": 0.0})
    return enqueue(run, replace(spec, adapter=digests))


def _copy_adapter(run: RunHandle, given: AdapterLayout) -> dict[str, str]:
    """Copy an adapter into a run's folder, or remove the folder; return the digests of what was copied."""
    digests = dict[str, str]()
    try:
        for name, file in (("weights", given.weights), ("config", given.config)):
            with open_to_read(file) as opened:
                content = opened.read()
            write_bytes(run.layout.adapter / file.name, content)
            digests[name] = hashlib.sha256(content).hexdigest()
    except OSError as error:
        raise disk_error(given.path, error) from error
    finally:
        if len(digests) < 2:
            remove_folder(run.path)
    return digests
