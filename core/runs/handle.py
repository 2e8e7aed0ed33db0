"""A run together with its position in the queue: its state, its cancellation, and the methods that write its files."""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from core.errors import RunError, WorkspaceError
from core.runs.artifacts import RunArtifacts
from core.runs.process_identity import current_moment, is_alive, kill
from core.runs.store import Store
from core.types import LIVE, Overlap, RunSpec, RunState, RunStatus, Verification
from core.utils.atomic_io import disk_error, remove_file, remove_folder, write_bytes, write_text
from core.utils.listing import Listing
from core.utils.no_links import open_to_append
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace
from core.workspace.ids import is_id
from core.workspace.layout import is_inside_workspace, require_no_link

WATCH_SECONDS = 1.0  # seconds between two looks at a worker on another machine


class RunHandle(RunArtifacts):
    """One run that can be queued, watched, cancelled, and written by its worker."""

    @cached_property
    def store(self) -> Store:
        """The store of the workspace, which knows the state of every run."""
        return store_of(self.workspace)

    @property
    def status(self) -> RunStatus:
        """The state of the run. LOST where its worker died without a message or was never started."""
        if queued := self.store.find(self.id):
            return queued.status_at(current_moment())
        ended: RunStatus | None = self._read(self.layout.status, RunStatus)
        return ended or RunStatus(RunState.LOST, message="The run was never queued: launch a new one.")

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody asked to stop the run."""
        queued = self.store.find(self.id)
        return queued is not None and queued.cancel

    def request_cancel(self) -> None:
        """Stop the run. Where no worker is at work on it, it ends at once and its unlearned adapter is destroyed.

        Raises:
            RunError: The run has ended already.
        """
        queued = self.store.find(self.id)
        if queued is None and self.status.state is RunState.LOST:  # killed before it was queued
            self.write_status(RunStatus(RunState.CANCELLED, message="It was never queued."))
        elif self.store.request_cancel(self.id):
            if queued and queued.state is RunState.RUNNING and queued.worker:
                kill(queued.worker, self.path)
            self.discard()

    def watch_remote_worker(self) -> None:
        """Watch a worker on another machine until it sends a heartbeat or is lost; a single look shows neither."""
        first = entry = self.store.find(self.id)
        while first and entry and entry.worker and is_alive(entry.worker) is None and entry.beat == first.beat:
            if entry.state not in LIVE or entry.lost(current_moment()):
                return
            time.sleep(WATCH_SECONDS)
            entry = self.store.find(self.id)

    def discard(self) -> None:
        """Destroy the unlearned adapter and its checkpoints."""
        for path in self.unlearned_adapter_paths:
            with suppress(WorkspaceError):
                remove_folder(path)
        self.remove_leftovers()

    def remove_leftovers(self) -> None:
        """Remove temporary files of a killed worker, and the reserve."""
        for path in self.layout.leftovers():
            remove_file(path)

    def write_spec(self, spec: RunSpec) -> None:
        """Write the job of the run, before it is queued."""
        write_json(self.layout.spec, spec)

    def write_job_id(self, job: str) -> None:
        """Write the launcher's id of the job."""
        write_text(self.layout.job, job)

    def write_status(self, status: RunStatus) -> None:
        """Write how the run ended."""
        write_json(self.layout.status, status)

    def write_verification(self, verification: Verification) -> None:
        """Write the result of a verification."""
        write_json(self.layout.verification, verification)

    def write_bundle(self, content: bytes) -> None:
        """Write all that the verdict of a verification was computed from."""
        write_bytes(self.layout.bundle, content)

    def write_overlap(self, overlaps: Sequence[Overlap]) -> str:
        """Write the overlap of each other user's top lists; return the SHA-256 of the file."""
        return hashlib.sha256(write_json(self.layout.overlap, overlaps)).hexdigest()

    def write_overlap_status(self, status: RunStatus) -> None:
        """Write the progress of the comparison of lists."""
        write_json(self.layout.overlap_status, status)

    def add_event(self, event: Mapping[str, Any]) -> None:
        """Append one event and flush it to disk: a checkpoint must never know of a step that is not in the events.

        Raises:
            WorkspaceError: The file cannot be written.
        """
        try:
            with open_to_append(self.layout.events) as file:
                file.write(f"{json.dumps(to_json(event))}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk_error(self.layout.events, error) from error

    def repair_events(self) -> None:
        """Remove the incomplete last line that a killed worker may have left."""
        write_text(self.layout.events, "".join(self.event_lines()))


def store_of(workspace: Workspace) -> Store:
    """The store of a workspace. Clusters share it over the network, so it keeps no write-ahead log there."""
    return Store(workspace.layout.store, shared=bool(workspace.settings.clusters.keys() - {"local"}))


def runs(workspace: Workspace) -> Listing[RunHandle]:
    """All runs of a workspace whose job and state can be read, newest first."""
    store = store_of(workspace)  # one connection is enough for all

    def listed(run: RunHandle) -> RunHandle:
        require_no_link(run.path, workspace.root)
        run.workspace, run.store = workspace, store
        _ = run.spec, run.status
        return run

    handles = [handle for handle in map(RunHandle, workspace.layout.run_folders()) if handle.layout.spec.is_file()]
    return Listing.read(handles, listed).newest_first(lambda run: (run.spec.created, run.id))


def open_run(workspace: Workspace, run_id: str) -> RunHandle:
    """One run of a workspace.

    Raises:
        RunError: No run has this id.
    """
    handle = RunHandle(workspace.layout.run(run_id).path) if is_id(run_id) else None
    if not handle or not handle.layout.spec.is_file() or not is_inside_workspace(handle.path, workspace.root):
        known = ", ".join(run.id for run in runs(workspace)) or "none yet"
        raise RunError(f"Run {run_id!r} is not in this workspace: choose one of {known}.")
    handle.workspace = workspace
    return handle
