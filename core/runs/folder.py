"""One run on disk. The worker writes; everyone else only reads.

spec.json  status.json  events.jsonl  forget.json  retain.json  circuit.safetensors  groups.json  memory.json
toward.json  outcome.json  adapter/  evaluation.json  report.html  report.json  log.txt  cancel (asked to stop)  overlap.json  overlap-status.json
"""

import json
import os
from pathlib import Path

import psutil

from core.errors import RunError
from core.files import plain, read_json, revive, write_json
from core.types import Circuit, Evaluation, Memory, ModuleGroup, Outcome, Overlap, RunSpec, RunState, RunStatus, Toward
from core.workspace import Workspace, now

ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


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

    @property
    def status(self) -> RunStatus:
        """The status as written, or LOST where the worker died without a word."""
        return self._status("status.json")

    @property
    def overlap_status(self) -> RunStatus | None:
        """Of the command that compares everybody's lists; None where it was never started."""
        return self._status("overlap-status.json") if (self.path / "overlap-status.json").is_file() else None

    def _status(self, name: str) -> RunStatus:
        status = read_json(self.path / name, RunStatus)
        if status.state is RunState.RUNNING and not _alive(status.pid, status.process_started):
            return revive(
                RunStatus,
                plain(status)
                | {
                    "state": RunState.LOST,
                    "message": "The worker died without a message: see log.txt, then launch the run again.",
                },
            )
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
    def toward(self) -> dict[str, Toward] | None:
        """By module, the titles that it writes toward."""
        rows = self._read("toward.json", tuple[Toward, ...])
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
    def report(self) -> Path | None:
        path = self.path / "report.html"
        return path if path.is_file() else None

    def events(self) -> list[dict]:
        """All events so far; a half-written last line is left for the next read."""
        path = self.path / "events.jsonl"
        if not path.is_file():
            return []
        return [
            json.loads(line)
            for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
            if line.endswith("\n")
        ]

    def ask_to_cancel(self) -> None:
        """Leave the sign that the worker looks for at every step."""
        (self.path / "cancel").touch()

    @property
    def cancel_asked(self) -> bool:
        return (self.path / "cancel").exists()

    def write(self, name: str, value: object) -> None:
        """Write one result as JSON, whole or not at all."""
        write_json(self.path / name, value)

    def write_status(self, status: RunStatus) -> None:
        self.write("status.json", revive(RunStatus, plain(status) | {"updated": now()}))

    def add_event(self, event: dict) -> None:
        with (self.path / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain(event)) + "\n")

    def _read(self, name: str, kind):
        path = self.path / name
        return read_json(path, kind) if path.is_file() else None


def runs(workspace: Workspace) -> tuple[RunFolder, ...]:
    """All runs of a workspace, newest first."""
    folders = [RunFolder(path.parent) for path in (workspace.root / "runs").glob("*/spec.json")]
    return tuple(sorted(folders, key=lambda folder: (folder.spec.created, folder.id), reverse=True))


def run_folder(workspace: Workspace, run_id: str) -> RunFolder:
    """One run. Raises RunError for an id that is not there."""
    folder = RunFolder(workspace.root / "runs" / run_id)
    if os.sep in run_id or not (folder.path / "spec.json").is_file():
        known = ", ".join(run.id for run in runs(workspace)) or "none yet"
        raise RunError(f"Run {run_id!r} is not in this workspace: choose one of {known}.")
    return folder


def _alive(pid: int | None, started: float | None) -> bool:
    """Whether that very process still works: a reused pid has another start time, a zombie counts as dead."""
    try:
        process = psutil.Process(pid)
        return (
            process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            and abs(process.create_time() - (started or 0)) < 2
        )
    except (psutil.NoSuchProcess, TypeError):
        return False
