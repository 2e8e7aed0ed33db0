"""One run on disk. The worker writes; everyone else only reads. Where it stands is in the store, and how it ended also here.

spec.json  job.txt (what its launcher calls it)  status.json (how it ended)  checkpoint/  events.jsonl  forget.json  retain.json  circuit.safetensors  groups.json  memory.json
toward.json  outcome.json  adapter/  evaluation.json  report.html  reviewer.html  report.json  log.txt  overlap.json  overlap-status.json
verification.json
"""

import json
import os
import shutil
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType

from core.errors import RunError
from core.runs.process_identity import kill, lives, moment
from core.runs.store import Store
from core.types import (  # fmt: skip
    Circuit,
    DirectEffect,
    Evaluation,
    Memory,
    ModuleGroup,
    Outcome,
    Overlap,
    RunSpec,
    RunState,
    RunStatus,
    Verification,
)
from core.utils.atomic_io import disk_error, write_text
from core.utils.serialization import read_json, to_json, write_json
from core.workspace import Workspace, WorkspaceSettings
from core.workspace.layout import is_id, is_inside_workspace

RESERVE = "reserve"


class RunFolder:
    """The files of one run. Results not there yet are None."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def spec(self) -> RunSpec:
        return read_json(self.path / "spec.json", RunSpec)

    @cached_property
    def store(self) -> Store:
        """Where every run of this workspace stands."""
        return store_of(self.path.parents[1])

    @property
    def status(self) -> RunStatus:
        """Where it stands; LOST where its worker died without a word, or was never started."""
        if entry := self.store.entry(self.id):
            return entry.seen(moment())
        ended = self._read("status.json", RunStatus)
        return ended or RunStatus(RunState.LOST, message="The run was never queued: launch a new one.")

    @property
    def overlap_status(self) -> RunStatus | None:
        """Of the command that compares everybody's lists; None where it was never started."""
        status = self._read("overlap-status.json", RunStatus)
        if status and status.state is RunState.RUNNING and not (status.worker and lives(status.worker)):
            return replace(status, state=RunState.LOST, message="Its process died without a message: see log.txt.")
        return status

    @property
    def circuits(self) -> tuple[Circuit, Circuit] | None:
        """The circuits of the forget and of the retain set."""
        forget, retain = self._read("forget.json", Circuit), self._read("retain.json", Circuit)
        return (forget, retain) if forget and retain else None

    @property
    def groups(self) -> tuple[ModuleGroup, ...] | None:
        return self._read("groups.json", tuple[ModuleGroup, ...])

    @property
    def memory(self) -> tuple[Memory, ...] | None:
        """What each module remembers, where the method's groups are by memory contrast."""
        return self._read("memory.json", tuple[Memory, ...])

    @property
    def toward(self) -> dict[str, DirectEffect] | None:
        """By module, the titles that it writes toward."""
        rows = self._read("toward.json", tuple[DirectEffect, ...])
        return rows and {row.module: row for row in rows}

    @property
    def outcome(self) -> Outcome | None:
        return self._read("outcome.json", Outcome)

    @property
    def evaluation(self) -> Evaluation | None:
        return self._read("evaluation.json", Evaluation)

    @property
    def overlaps(self) -> tuple[Overlap, ...] | None:
        return self._read("overlap.json", tuple[Overlap, ...])

    @property
    def verification(self) -> Verification | None:
        """What was checked of the run after its end."""
        return self._read("verification.json", Verification)

    @property
    def report(self) -> Path | None:
        """To be handed on: without names and titles."""
        path = self.path / "report.html"
        return path if path.is_file() else None

    @property
    def reviewer_report(self) -> Path | None:
        """With names and titles: personal data."""
        path = self.path / "reviewer.html"
        return path if path.is_file() else None

    def events(self) -> list[dict]:
        """All events so far; a half-written last line is left for the next read."""
        return [json.loads(line) for line in self._event_lines()]

    def mend_events(self) -> None:
        """Take away the half line that a killed worker may have left."""
        write_text(self.path / "events.jsonl", "".join(self._event_lines()))

    def _event_lines(self) -> list[str]:
        path = self.path / "events.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
        return [line for line in lines if line.endswith("\n")]

    @property
    def cancel_asked(self) -> bool:
        entry = self.store.entry(self.id)
        return entry is not None and entry.cancel

    def ask_to_cancel(self) -> None:
        """Stop the run; one that nobody works on is gone at once, with its candidate. Raises RunError where it is over."""
        entry = self.store.entry(self.id)
        if entry is None and self.status.state is RunState.LOST:  # killed before it was queued
            self.write("status.json", RunStatus(RunState.CANCELLED, message="It was never queued."))
        elif self.store.ask_to_cancel(self.id):
            if entry and entry.state is RunState.RUNNING and entry.worker:
                kill(entry.worker)
            self.discard()

    @property
    def candidate(self) -> list[Path]:
        """What is there of the adapter that was being made, and of what it could be made again from."""
        return [self.path / name for name in ("adapter", ".adapter.part", "checkpoint") if (self.path / name).exists()]

    def discard(self) -> None:
        """Destroy the candidate."""
        for path in self.candidate:
            shutil.rmtree(path, ignore_errors=True)
        self.tidy()

    def tidy(self) -> None:
        """Take away what a killed worker left of files that it was writing, and what was kept free for its last word."""
        for path in (*self.path.glob(".*"), self.path / RESERVE):
            if path.is_file():
                path.unlink()

    def write(self, name: str, value: object) -> None:
        """Write one result as JSON, whole or not at all."""
        write_json(self.path / name, value)

    def add_event(self, event: dict) -> None:
        path = self.path / "events.jsonl"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(to_json(event)) + "\n")
                file.flush()
                os.fsync(file.fileno())  # a checkpoint must never know of a step that was not told
        except OSError as error:
            raise disk_error(path, error) from error

    def _read(self, name: str, kind):
        path = self.path / name
        return read_json(path, kind) if path.is_file() else None


def store_of(root: Path) -> Store:
    """The store of the workspace at `root`, opened as its settings say."""
    settings = read_json(root / "workspace.json", WorkspaceSettings)
    return Store(root / "runs/store.sqlite", shared=bool(settings.clusters.keys() - {"local"}))


def accounts_of(workspace: Workspace) -> ModuleType | None:
    """What enters runs into the ledger, where the workspace keeps one; elsewhere its signing libraries need not be there."""
    return import_module("core.runs.ledger_entries") if workspace.ledger_key.is_file() else None


def runs(workspace: Workspace) -> tuple[RunFolder, ...]:
    """All runs of a workspace, newest first."""
    found = (path.parent for path in (workspace.root / "runs").glob("*/spec.json"))
    folders = [RunFolder(path) for path in found if is_inside_workspace(path, workspace.root)]
    for folder in folders[1:]:
        folder.store = folders[0].store  # one is enough for all
    return tuple(sorted(folders, key=lambda folder: (folder.spec.created, folder.id), reverse=True))


def run_folder(workspace: Workspace, run_id: str) -> RunFolder:
    """One run. Raises RunError for an id that is not there."""
    folder = RunFolder(workspace.root / "runs" / run_id)
    if (
        not is_id(run_id)
        or not (folder.path / "spec.json").is_file()
        or not is_inside_workspace(folder.path, workspace.root)
    ):
        known = ", ".join(run.id for run in runs(workspace)) or "none yet"
        raise RunError(f"Run {run_id!r} is not in this workspace: choose one of {known}.")
    return folder
