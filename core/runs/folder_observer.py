"""The worker's observer: it turns the events of a run into result files, events.jsonl and the status in the store.

The observer writes the results of a run. Submission, cancellation, verification and the list comparison write their
own files: see RunHandle. Every event checks the lease before it writes, and each model checks it while it computes, so
that a cancelled or fenced worker stops within a second or two.
"""

import hashlib
import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, assert_never

import torch

from core.circuit.extraction import save as save_scores
from core.errors import WorkspaceError
from core.grouping.assign import GroupingResult
from core.models.interruption import make_interruptible
from core.models.recommender import Recommender
from core.models.saved_adapter import save_adapter
from core.models.token_counter import TokenCounter
from core.pipeline.events import (
    AdapterSaved,
    CircuitsFound,
    DirectEffectsFound,
    Evaluated,
    GroupsAssigned,
    MemoryFound,
    ModelLoaded,
    ReportBuilt,
    ResultEvent,
    RetrainingStarted,
    RunEvent,
    StageProgress,
    StageStarted,
    StepTaken,
    Unlearned,
)
from core.pipeline.stages import STAGES
from core.runs.artifacts import RunArtifacts
from core.runs.device_locks import peak_memory
from core.runs.events import RESULT
from core.runs.gpu_use import gpu_use
from core.runs.handle import RunHandle
from core.runs.lease import Lease
from core.runs.ledger import RunLedger
from core.runs.process_identity import this_worker
from core.runs.signed_files import TRAINING_INPUTS, adapter_subjects
from core.runs.stage_clock import StageClock
from core.types import Circuit, ModuleGroup, RunState, RunStatus
from core.unlearning.training_types import Step
from core.utils.atomic_io import remove_file, write_bytes, write_text
from core.utils.clock import utc_now
from core.utils.serialization import parse_json, read_file, write_json
from core.workspace.layout import require_no_link

log = logging.getLogger("core")
RESERVED = 2**18  # bytes of the reserve: it is deleted to make room for the last status when the disk is full
WRITE_EVERY = 0.5  # seconds between two writes of the status
LOG_EVERY = 30.0  # seconds between two lines of progress in the log


class ModelInUse(NamedTuple):
    """The part of a model that the status shows; it does not keep the model alive."""

    token_counter: TokenCounter
    device: torch.device
    dtype: torch.dtype


def earlier_result(run: RunArtifacts, ledger: RunLedger) -> GroupingResult | None:
    """Return the circuits and groups of an earlier attempt; None where they were not written by a worker."""
    files = (run.layout.forget, run.layout.retain, run.layout.groups)
    if not all(map(Path.is_file, files)):
        return None
    read = {file: read_file(file) for file in files}  # once: what is checked is what is used
    marks = {event["file"]: event["mark"] for event in run.events() if event["kind"] == RESULT}
    if any(marks.get(file.name) != mark_of(run, file, content, ledger) for file, content in read.items()):
        log.warning("the circuits or groups of an earlier attempt were changed since: they are found again")
        return None
    forget, retain = (parse_json(read[file], Circuit, file) for file in files[:2])
    groups: tuple[ModuleGroup, ...] = parse_json(read[files[2]], tuple[ModuleGroup, ...], files[2])
    return GroupingResult((forget, retain), groups) if groups else None


def mark_of(run: RunArtifacts, path: Path, content: bytes, ledger: RunLedger) -> str:
    """The mark of a result of a run."""
    return ledger.mark(run.id, path.name, hashlib.sha256(content).hexdigest())


class FolderObserver:
    """Observer that writes the run folder and the status.

    Attributes:
        run: The run.
        lease: The lease on the run.
        ledger: Marks results that a resumed run reads back.
        state: The state that the next status shows.
        stage: The current stage.
        saved: SHA-256 of the adapter's files as they were saved, and the mark of what a retraining learned from, or
            of nothing, so that no other run is taken for a retraining; by their names in the ledger.
    """

    def __init__(self, run: RunHandle, lease: Lease, ledger: RunLedger) -> None:
        self.run, self.lease, self.ledger = run, lease, ledger
        self.state, self.stage = RunState.RUNNING, ""
        self.saved: dict[str, str] = {}
        self._started, self._written, self._logged = time.monotonic(), 0.0, 0.0
        self._base, self._share = 0.0, 0.0  # progress before the current stage, and share of the stage that is done
        self._clock = StageClock(STAGES)
        self._model: ModelInUse | None = None
        self._pace_from = 0.0, 0  # seconds and tokens at the start of the stage or of the model
        self._steps = 0  # last step in events.jsonl; a resumed training repeats earlier ones

    def begin(self) -> None:
        """Continue events.jsonl, the clock and the step count of an interrupted attempt.

        Raises:
            DamagedError: The folder holds a link, or an event cannot be read.
        """
        require_no_link(self.run.path, self.run.workspace.root)  # again, after the run has waited
        self.saved[TRAINING_INPUTS] = self.ledger.mark(TRAINING_INPUTS, "")
        self.run.remove_leftovers()
        write_bytes(self.run.layout.reserve, b"\0" * RESERVED)
        self.run.repair_events()
        events = self.run.events()
        self._steps = max((event["step"] for event in events if event["kind"] == "step"), default=0)
        self._started -= max((event.get("seconds", 0.0) for event in events), default=0.0)
        attempt = 1 + sum(event["kind"] == "attempt" for event in events)
        self.run.add_event({"kind": "attempt", "attempt": attempt, "seconds": self.seconds})

    def earlier_result(self) -> GroupingResult | None:
        """Return the circuits and groups of an interrupted attempt."""
        return earlier_result(self.run, self.ledger)

    def on_event(self, event: RunEvent) -> None:
        """Write the event to the status, to events.jsonl or to a result file.

        Raises:
            CancelledError: A person stopped the run.
            LeaseLostError: Another worker holds the run.
            WorkspaceError: The disk refuses a write.
        """
        match event:
            case StageStarted(name):
                self._start_stage(name)
            case StageProgress(share):
                self._progress(share)
            case StepTaken(step):
                self._step(step)
            case ModelLoaded(recommender):
                self._use_model(recommender)
            case _:
                self.lease.check()
                self._write_result(event)

    def end(self, state: RunState, message: str) -> None:
        """Write the last status to the store, and to the folder for readers who have the folder alone."""
        self.state = state
        if state is RunState.DONE:
            self._base, self._share = 1.0, 0.0
        status = self._status(message)
        with suppress(WorkspaceError):  # of a folder that was exchanged: the store is to know how the run ended
            remove_file(self.run.layout.reserve)
        self.lease.end(status)
        self.run.write_status(status)
        log.info("%s %s", state, message)

    @property
    def seconds(self) -> float:
        """Seconds of work on the run, earlier attempts included."""
        return round(time.monotonic() - self._started, 3)

    def _start_stage(self, name: str) -> None:
        names = list(STAGES)
        self.stage, self._share, self._pace_from = name, 0.0, (self.seconds, self._tokens)
        self._base = sum(STAGES[earlier] for earlier in names[: names.index(name)])
        self._clock.start(name, self.seconds)
        self.lease.check()
        self.run.add_event({"kind": "stage", "stage": name, "seconds": self.seconds})
        self._log_progress()
        self._write_status()

    def _progress(self, share: float) -> None:
        self._share = share
        self._clock.report(share, self.seconds)
        self._computing()
        if time.monotonic() - self._written > WRITE_EVERY:
            self._write_status()

    def _computing(self) -> None:
        """Called while a model computes, also where a stage reports no progress for minutes."""
        self.lease.check()
        if time.monotonic() - self._logged > LOG_EVERY:
            self._log_progress()

    def _log_progress(self) -> None:
        log.info("stage %s: %.0f%%", self.stage, 100 * self._share)
        self._logged = time.monotonic()

    def _step(self, step: Step) -> None:
        self._progress(step.number / step.total)
        if step.number <= self._steps:  # repeated since the last checkpoint
            return
        self.run.add_event(
            {"kind": "step", "step": step.number, "steps": step.total, "seconds": self.seconds, **step.losses}
        )
        self._steps = step.number

    def _use_model(self, recommender: Recommender) -> None:
        self.lease.check()
        make_interruptible(recommender.model, self._computing)
        self._model = ModelInUse(recommender.token_counter, recommender.device, recommender.dtype)
        self._pace_from = self.seconds, 0

    def _write_result(self, event: ResultEvent) -> None:
        run, layout = self.run, self.run.layout
        match event:
            case CircuitsFound(circuits, scores):
                save_scores(layout.scores, *scores)
                self._write_marked(layout.forget, circuits[0])
                self._write_marked(layout.retain, circuits[1])
            case DirectEffectsFound(effects):
                write_json(layout.direct_effects, effects)
            case MemoryFound(rows):
                write_json(layout.memory, rows)
            case GroupsAssigned(groups):
                self._write_marked(layout.groups, groups)
            case RetrainingStarted(inputs):
                self.saved[TRAINING_INPUTS] = self.ledger.mark(TRAINING_INPUTS, inputs)
            case Unlearned(recommender, outcome):
                self._save_adapter(recommender)
                write_json(layout.outcome, outcome)
            case AdapterSaved(digests):
                files = {"sha256": digests["weights"], "config": digests["config"]}
                self.saved |= adapter_subjects(digests)
                run.add_event({"kind": "adapter", **files, "seconds": self.seconds})
            case Evaluated(evaluation):
                write_json(layout.evaluation, evaluation)
            case ReportBuilt(html, reviewer_html, numbers):
                write_text(layout.report, html)
                write_text(layout.reviewer_report, reviewer_html)
                write_json(layout.report_numbers, numbers)
            case _:
                assert_never(event)

    def _write_marked(self, path: Path, value: Any) -> None:
        """Write a result that a resumed run reads back, and record who wrote it."""
        mark = mark_of(self.run, path, write_json(path, value), self.ledger)
        self.run.add_event({"kind": RESULT, "file": path.name, "mark": mark, "seconds": self.seconds})

    def _save_adapter(self, recommender: Recommender) -> None:
        """Save the adapter, whole or not at all, and only then record its digests."""
        dtype = self.run.workspace.settings.adapter_dtype
        self.on_event(AdapterSaved(save_adapter(recommender.model, self.run.layout.adapter, dtype)))

    @property
    def _tokens(self) -> int:
        return self._model.token_counter.tokens if self._model else 0

    def _write_status(self) -> None:
        self.lease.write_status(self._status())
        self._written = time.monotonic()

    def _status(self, message: str = "") -> RunStatus:
        progress = min(1.0, self._base + STAGES.get(self.stage, 0.0) * self._share)
        running = self.state is RunState.RUNNING
        model, (began, tokens) = self._model, self._pace_from
        return RunStatus(
            state=self.state,
            stage=self.stage,
            progress=progress,
            eta=self._clock.left(self.seconds) if running else None,
            stage_eta=self._clock.stage_left() if running else None,
            seconds=self.seconds,
            message=message,
            device=str(model.device) if model else "",
            dtype=str(model.dtype).removeprefix("torch.") if model else "",
            peak_bytes=peak_memory(model.device) if model else 0,
            tokens_per_second=(self._tokens - tokens) / (self.seconds - began) if self.seconds > began else 0.0,
            gpu=gpu_use(model.device) if model and running else None,
            worker=this_worker(),
            updated=utc_now(),
        )
