"""The artifacts of one run: reading its folder.

The observer of the worker writes the results (core.runs.folder_observer). Submission, cancellation, verification and
the list comparison write their own files: see RunHandle. The state of a run that waits or works is in the store.
"""

from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from core.errors import DamagedError
from core.runs.events import read_event
from core.runs.process_identity import is_alive
from core.types import (
    Circuit,
    DirectEffect,
    Evaluation,
    MemoryContrast,
    ModuleGroup,
    Outcome,
    Overlap,
    RunSpec,
    RunState,
    RunStatus,
    Verification,
)
from core.utils.no_links import open_to_read
from core.utils.serialization import parse_json, read_file, read_json
from core.workspace import Workspace
from core.workspace.ids import as_id, require_own_name
from core.workspace.run_layout import RunLayout

T = TypeVar("T")


class RunArtifacts:
    """Read access to one run. Results that are not there yet are None.

    Attributes:
        layout: Paths of the run's files.
    """

    def __init__(self, path: Path) -> None:
        self.layout = RunLayout(path)

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.layout.path

    @property
    def id(self) -> str:
        """The run's id."""
        return self.path.name

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that the run belongs to."""
        return Workspace(self.layout.workspace_root)

    @property
    def spec(self) -> RunSpec:
        """What the run was asked to do. The same bytes are parsed once per process."""
        return parse_spec(self.layout.spec, read_file(self.layout.spec))

    @property
    def overlap_status(self) -> RunStatus | None:
        """Progress of the command that compares all users' lists; None where it never started."""
        status: RunStatus | None = self._read(self.layout.overlap_status, RunStatus)
        if status and status.state is RunState.RUNNING and not (status.worker and is_alive(status.worker)):
            message = f"Its process died without a message: see {self.layout.log.name}."
            return replace(status, state=RunState.LOST, message=message)
        return status

    @property
    def circuits(self) -> tuple[Circuit, Circuit] | None:
        """The circuits of the forget set and of the retain set."""
        forget, retain = self._read(self.layout.forget, Circuit), self._read(self.layout.retain, Circuit)
        return (forget, retain) if forget and retain else None

    @property
    def groups(self) -> tuple[ModuleGroup, ...] | None:
        """The group of each module."""
        return self._read(self.layout.groups, tuple[ModuleGroup, ...])

    @property
    def memory(self) -> tuple[MemoryContrast, ...] | None:
        """The memory contrast of each module, where the method uses it."""
        return self._read(self.layout.memory, tuple[MemoryContrast, ...])

    @property
    def direct_effects(self) -> dict[str, DirectEffect] | None:
        """The titles that each module raises and lowers most, by module."""
        rows: tuple[DirectEffect, ...] | None = self._read(self.layout.direct_effects, tuple[DirectEffect, ...])
        return {row.module: row for row in rows} if rows else None

    @property
    def outcome(self) -> Outcome | None:
        """How unlearning ended."""
        return self._read(self.layout.outcome, Outcome)

    @property
    def evaluation(self) -> Evaluation | None:
        """Metrics of the original, the unlearned and the reference models."""
        return self._read(self.layout.evaluation, Evaluation)

    @property
    def overlaps(self) -> tuple[Overlap, ...] | None:
        """Overlap of every other user's top list before and after."""
        return self._read(self.layout.overlap, tuple[Overlap, ...])

    @property
    def verification(self) -> Verification | None:
        """The result of the last verification."""
        return self._read(self.layout.verification, Verification)

    @property
    def report(self) -> Path | None:
        """The report without names and titles."""
        return self.layout.report if self.layout.report.is_file() else None

    @property
    def reviewer_report(self) -> Path | None:
        """The report with names and titles: personal data."""
        return self.layout.reviewer_report if self.layout.reviewer_report.is_file() else None

    @property
    def unlearned_adapter_paths(self) -> list[Path]:
        """What exists of the unlearned adapter and of what it could be made from again."""
        return [path for path in self.layout.unlearned_adapter_paths if path.exists()]

    def events(self) -> list[dict[str, Any]]:
        """All events so far. A half-written last line is left for the next read. Raises DamagedError."""
        path = self.layout.events
        return [read_event(line, f"{path}, line {number},") for number, line in enumerate(self.event_lines(), 1)]

    def event_lines(self) -> list[str]:
        """The complete lines of the event file. Raises DamagedError."""
        path = self.layout.events
        if not path.is_file():
            return []
        try:
            with open_to_read(path) as lines:  # they are written back, which must copy no file from elsewhere
                return [line.decode("utf-8") for line in lines if line.endswith(b"\n")]
        except (OSError, UnicodeDecodeError) as error:
            raise DamagedError(f"{path} is damaged ({error}): restore it or create it again.") from None

    def _read(self, path: Path, kind: type[T]) -> T | None:
        return read_json(path, kind) if path.is_file() else None


@lru_cache(maxsize=4096)
def parse_spec(path: Path, content: bytes) -> RunSpec:
    """The specification in a file's bytes. Raises DamagedError."""
    spec: RunSpec = parse_json(content, RunSpec, path)
    require_own_name(spec.id, path, path.parent.name)
    as_id(spec.request)
    return spec
