"""The worker's observer: it turns the events of a run into result files, events.jsonl and the status in the store.

The observer writes the results of a run. Submission, cancellation, verification and the list comparison write their
own files: see RunHandle. Every event checks the lease before it writes, and each model checks it while it computes, so
that a cancelled or fenced worker stops within a second or two.
"""

import hashlib
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, assert_never

import torch

from core.circuit.extraction import save as save_scores
from core.data.splits import ForgottenRows
from core.errors import WorkspaceError
from core.grouping.assign import GroupingResult
from core.models.interruption import make_interruptible
from core.models.recommender import Recommender
from core.models.saved_adapter import save_adapter
from core.models.token_counter import TokenCounter
from core.pipeline.events import (
    AdapterSaved,
    CircuitsFound,
    DataRead,
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
from core.runs.device_locks import peak_memory
from core.runs.earlier_result import mark_of, marked_files, parsed
from core.runs.events import RESULT
from core.runs.gpu_use import gpu_use
from core.runs.handle import RunHandle
from core.runs.lease import Lease
from core.runs.ledger import RunLedger, RunWork
from core.runs.process_identity import this_worker
from core.runs.signed_files import (
    DIGEST_OF_MISSING,
    OPTIONAL_RESULTS,
    TRAINING_INPUTS,
    adapter_subjects,
    original_subjects,
    read_signed,
    result_name,
)
from core.runs.stage_clock import StageClock
from core.types import RunState, RunStatus
from core.unlearning.training_types import Step
from core.utils.atomic_io import remove_file, write_bytes
from core.utils.clock import utc_now
from core.utils.serialization import write_json
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


class FolderObserver:
    """Observer that writes the run folder and the status.

    Attributes:
        run: The run.
        lease: The lease on the run.
        ledger: Marks results that a resumed run reads back.
        state: The state that the next status shows.
        stage: The current stage.
        work: What the run's entry will say: all of it was read, written and measured by this process.
    """

    def __init__(self, run: RunHandle, lease: Lease, ledger: RunLedger) -> None:
        self.run, self.lease, self.ledger = run, lease, ledger
        self.state, self.stage = RunState.RUNNING, ""
        self.work = RunWork(dict.fromkeys(OPTIONAL_RESULTS, DIGEST_OF_MISSING))
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
        self.work.digests[TRAINING_INPUTS] = self.ledger.mark(TRAINING_INPUTS, "")
        self.run.remove_leftovers()
        write_bytes(self.run.layout.reserve, b"\0" * RESERVED)
        self.run.repair_events()
        events = self.run.events()
        self._steps = max((event["step"] for event in events if event["kind"] == "step"), default=0)
        self._started -= max((event.get("seconds", 0.0) for event in events), default=0.0)
        self.work.attempts = 1 + sum(event["kind"] == "attempt" for event in events)
        self.run.add_event({"kind": "attempt", "attempt": self.work.attempts, "seconds": self.seconds})

    def earlier_result(self) -> GroupingResult | None:
        """Return the circuits and groups of an interrupted attempt."""
        files = marked_files(self.run, self.ledger)
        for path, content in files.items():
            self._wrote(path, content)
        return parsed(self.run.layout, files)

    def read_source(self, path: Path) -> bytes:
        """Read a file of the run whose groups were edited. Raises RunError where it is not what was signed."""
        return read_signed(path, self.ledger)

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
        self.work.device = str(recommender.device)
        self._model = ModelInUse(recommender.token_counter, recommender.device, recommender.dtype)
        self._pace_from = self.seconds, 0

    def _write_result(self, event: ResultEvent) -> None:
        layout, work = self.run.layout, self.work
        match event:
            case DataRead(adapter, split):
                work.digests |= original_subjects(adapter)
                work.forgotten = ForgottenRows(split.forget, sum(len(one.targets) for one in split.retain))
            case CircuitsFound(circuits, scores):
                self._mark(layout.scores, save_scores(layout.scores, *scores))
                self._mark(layout.forget, write_json(layout.forget, circuits[0]))
                self._mark(layout.retain, write_json(layout.retain, circuits[1]))
            case DirectEffectsFound(effects):
                self._mark(layout.direct_effects, write_json(layout.direct_effects, effects))
            case MemoryFound(rows):
                self._wrote(layout.memory, write_json(layout.memory, rows))
            case GroupsAssigned(groups):
                self._mark(layout.groups, write_json(layout.groups, groups))
            case RetrainingStarted(inputs):
                work.digests[TRAINING_INPUTS] = self.ledger.mark(TRAINING_INPUTS, inputs)
            case Unlearned(recommender, outcome):
                self._save_adapter(recommender)
                self._wrote(layout.outcome, write_json(layout.outcome, outcome))
                work.outcome = outcome
            case AdapterSaved(digests):
                self._adapter_saved(digests)
            case Evaluated(evaluation):
                self._wrote(layout.evaluation, write_json(layout.evaluation, evaluation))
                work.evaluation = evaluation
            case ReportBuilt(html, reviewer_html, numbers):
                for path, page in ((layout.report, html), (layout.reviewer_report, reviewer_html)):
                    write_bytes(path, content := page.encode("utf-8"))
                    self._wrote(path, content)
                self._wrote(layout.report_numbers, write_json(layout.report_numbers, numbers))
            case _:
                assert_never(event)

    def _wrote(self, path: Path, content: bytes) -> None:
        """Keep the digest of a result for the run's entry, whatever lies in the file by then."""
        self.work.digests[result_name(path)] = hashlib.sha256(content).hexdigest()

    def _mark(self, path: Path, content: bytes) -> None:
        """Mark a result that a resumed run reads back, so that it knows who wrote it."""
        self._wrote(path, content)
        mark = mark_of(self.run, path, content, self.ledger)
        self.run.add_event({"kind": RESULT, "file": path.name, "mark": mark, "seconds": self.seconds})

    def _adapter_saved(self, digests: Mapping[str, str]) -> None:
        self.work.digests |= adapter_subjects(digests)
        files = {"sha256": digests["weights"], "config": digests["config"]}
        self.run.add_event({"kind": "adapter", **files, "seconds": self.seconds})

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
