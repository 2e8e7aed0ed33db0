"""A further process of a distributed run: it computes its part of each training batch and writes nothing.

torchrun starts several processes. The process of rank 0 is the worker (core/runs/worker.py); every other one calls
`follow`.
"""

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.grouping.assign import GroupingResult
from core.models import distributed
from core.pipeline.events import NullObserver, RunEvent, Unlearned
from core.pipeline.kept_answers import NOTHING_KEPT
from core.pipeline.stages import run as run_stages
from core.runs.checkpoints import CheckpointReader
from core.runs.earlier_result import earlier_result
from core.runs.handle import RunHandle
from core.runs.ledger import RunLedger, open_ledger
from core.runs.requests import check_opened
from core.runs.signed_files import read_signed
from core.runs.submit import launched_spec
from core.types import RunState


class TrainingFinished(Exception):
    """The request is unlearned; the process of rank 0 evaluates alone."""


class Follower(NullObserver):
    """Observer that ends the run after unlearning, and resumes where the process of rank 0 resumes."""

    def __init__(self, run: RunHandle, ledger: RunLedger) -> None:
        self.run, self.ledger = run, ledger

    def on_event(self, event: RunEvent) -> None:
        """Raise TrainingFinished once the request is unlearned."""
        if isinstance(event, Unlearned):
            raise TrainingFinished

    def earlier_result(self) -> GroupingResult | None:
        """Return the circuits and groups of an interrupted attempt."""
        return earlier_result(self.run, self.ledger)

    def read_source(self, path: Path) -> bytes:
        """Read a file of the run whose groups were edited. Raises RunError where it is not what was signed."""
        return read_signed(path, self.ledger)


def follow(run: RunHandle) -> RunState:
    """Wait until the process of rank 0 assigns a device, then work with it until the request is unlearned."""
    number = distributed.broadcast([0] * distributed.world_size())[distributed.process_number()]
    ledger, workspace = open_ledger(run.workspace), run.workspace
    spec = replace(launched_spec(run, ledger)[0], device="cpu" if number < 0 else f"cuda:{number}")
    check_opened(workspace, request := workspace.request(spec.request))
    with suppress(TrainingFinished):
        checkpointer = CheckpointReader(run.layout.checkpoint, partial(ledger.mark, run.id))
        run_stages(workspace, spec, request, Follower(run, ledger), checkpointer, NOTHING_KEPT)
    return RunState.DONE
