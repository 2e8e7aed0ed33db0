"""The worker process of one run: it alone writes the run folder, and always says how the run ended."""

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from core.errors import Cancelled, CureLensError, Fenced
from core.models import distributed
from core.models.token_counter import Meter
from core.pipeline.stages import STAGES, Found, run
from core.runs.checkpoints import Checkpoints, check_room
from core.runs.device_locks import cards, peak_memory
from core.runs.distributed_worker import follow, found_in
from core.runs.handle import RunHandle as RunFolder
from core.runs.lease import Lease, acquire_lease
from core.runs.ledger import open_ledger
from core.runs.process_identity import this_worker
from core.types import RunState, RunStatus
from core.unlearning.trainer import Step
from core.utils.atomic_io import write_bytes, write_text
from core.utils.clock import utc_now
from core.utils.serialization import write_json
from core.workspace import Workspace
from core.workspace.locks import at_work
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS

log = logging.getLogger("core")
COPIES = (
    10  # of the adapter on the disk at a time: the candidate, and three checkpoints of it with two moments a weight
)
RESERVED = 2**18  # bytes of the reserve: room for the last word of a run whose disk is full
WRITE_EVERY = 0.5  # seconds between status writes


def work(folder: RunFolder) -> RunState:
    """Wait for the run's turn and execute it in this process, or together with others that torchrun started.

    Errors end in the status, with their message; the traceback in log.txt. Raises Fenced where another worker took the run
    over: nothing more is written then.
    """
    with distributed.joined():
        if distributed.rank():
            return follow(folder)
        try:
            with acquire_lease(folder.store, folder.id, folder.spec.device, _wanted(folder)) as held:
                return _work(folder, held)
        except Cancelled as stop:
            log.info("cancelled %s", stop)
            return RunState.CANCELLED
        except Fenced:
            raise
        except CureLensError as error:
            folder.store.refuse(folder.id, str(error))
            return RunState.FAILED


def _written(workspace: Workspace) -> int:
    """About how many bytes a run writes; the rest is small beside it."""
    weights = workspace.adapter / WEIGHTS
    return COPIES * weights.stat().st_size if weights.is_file() else 0


def _work(folder: RunFolder, held: Lease) -> RunState:
    watch = FolderWatch(folder, held)
    try:
        watch.begin()
        distributed.broadcast(
            [int(name.partition(":")[2] or -1) for name in _each(held.devices)]
        )  # the others begin as well
        checkpoints = Checkpoints(folder.layout.checkpoint)
        spec = replace(folder.spec, device=held.devices[0] if distributed.size() > 1 else ",".join(held.devices))
        workspace = folder.workspace
        ledger = open_ledger(workspace)
        ledger.check()  # hours of work are not to end with an entry that cannot be made
        if not checkpoints.folder.is_dir():  # a resumed run has taken its room
            check_room(folder.path, _written(workspace))
        with at_work(workspace):
            run(workspace, spec, folder.path, watch, checkpoints)
            ledger.record_run(folder)
        shutil.rmtree(checkpoints.folder, ignore_errors=True)  # they hold what was to be forgotten
        watch.end(RunState.DONE, "")
    except Fenced:
        if folder.status.state is RunState.CANCELLED:  # while this one was silent: what it wrote since goes as well
            folder.discard()
        raise
    except Cancelled as stop:
        folder.discard()
        watch.end(RunState.CANCELLED, str(stop))
    except CureLensError as error:
        watch.end(RunState.FAILED, str(error))
    except Exception as error:  # the interpreter prints it to log.txt on its way out
        watch.end(
            RunState.FAILED,
            f"The worker met an unexpected {type(error).__name__} ({error}): see log.txt in {folder.path}.",
        )
        raise
    return watch.state


def _wanted(folder: RunFolder) -> int:
    """How many cards: one for each of several processes, or those over which a single one lays out the model."""
    if distributed.size() > 1:
        return distributed.size()
    return cards(folder.workspace.settings, folder.spec.launcher)


def _each(devices: Sequence[str]) -> list[str]:
    """A device for each process; a processor is for all."""
    return list(devices) if len(devices) == distributed.size() else [devices[0]] * distributed.size()


class AtWork(NamedTuple):
    """What a status tells of a model."""

    meter: Meter
    device: torch.device
    dtype: torch.dtype


class FolderWatch:
    """Turns what the pipeline announces into the store's status, events.jsonl and result files."""

    def __init__(self, folder: RunFolder, held: Lease) -> None:
        self.folder, self.held = folder, held
        self.started, self.written = time.monotonic(), 0.0
        self.state, self.name, self.base, self.share = RunState.RUNNING, "", 0.0, 0.0
        self.model: AtWork | None = None  # of the model at work now, which it does not keep alive
        self.stage_began = 0.0, 0  # seconds, and the tokens read by then
        self.steps = 0  # that were told already, by an earlier attempt or before the loop went back

    def begin(self) -> None:
        """Go on where an earlier attempt broke off."""
        self.folder.tidy()
        write_bytes(self.folder.layout.reserve, b"\0" * RESERVED)
        self.folder.mend_events()
        events = self.folder.events()
        self.steps = max((event["step"] for event in events if event["kind"] == "step"), default=0)
        self.started -= max((event["seconds"] for event in events), default=0.0)
        attempt = 1 + sum(event["kind"] == "attempt" for event in events)
        self.folder.add_event({"kind": "attempt", "attempt": attempt, "seconds": self.seconds})

    def kept(self) -> Found | None:
        return found_in(self.folder)

    def stage(self, name: str) -> None:
        names = list(STAGES)
        self.name, self.share, self.stage_began = name, 0.0, (self.seconds, self._tokens)
        self.base = sum(STAGES[earlier] for earlier in names[: names.index(name)])
        self.held.check()
        self.folder.add_event({"kind": "stage", "stage": name, "seconds": self.seconds})
        log.info("stage %s", name)
        self._tell()

    def progress(self, share: float) -> None:
        self.share = share
        self.held.check()
        if time.monotonic() - self.written > WRITE_EVERY:
            self._tell()

    def step(self, step: Step) -> None:
        self.progress(step.number / step.total)
        if step.number <= self.steps:  # taken again since the last checkpoint
            return
        self.folder.add_event(
            {"kind": "step", "step": step.number, "steps": step.total, "seconds": self.seconds, **step.losses}
        )
        self.steps = step.number

    def keep(self, name: str, value: Any) -> None:
        self.held.check()
        if name == "model":
            self.model = AtWork(value.meter, value.device, value.dtype)
            self.stage_began = self.seconds, 0
        elif name == "adapter":
            self.folder.add_event(
                {"kind": "adapter", "sha256": value[WEIGHTS], "config": value[ADAPTER_CONFIG], "seconds": self.seconds}
            )
        elif name == "circuits":
            self.folder.write("forget.json", value[0])
            self.folder.write("retain.json", value[1])
        elif name == "report":
            write_text(self.folder.path / "report.html", value[0])
            write_text(self.folder.path / "reviewer.html", value[1])
            write_json(self.folder.path / "report.json", value[2])
        else:
            self.folder.write(f"{name}.json", value)

    def end(self, state: RunState, message: str) -> None:
        """The last word, in the store; the folder tells it too, to whoever is given the folder alone."""
        self.state = state
        if state is RunState.DONE:
            self.base, self.share = 1.0, 0.0
        status = self._status(message)
        (self.folder.layout.reserve).unlink(missing_ok=True)
        self.held.end(status)
        self.folder.write("status.json", status)
        log.info("%s %s", state, message)

    @property
    def _tokens(self) -> int:
        return self.model.meter.tokens if self.model else 0

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def _tell(self) -> None:
        self.held.tell(self._status())
        self.written = time.monotonic()

    def _status(self, message: str = "") -> RunStatus:
        progress = min(1.0, self.base + STAGES.get(self.name, 0.0) * self.share)
        known = self.state is RunState.RUNNING and progress > 0.05
        model, (began, tokens) = self.model, self.stage_began
        return RunStatus(
            state=self.state,
            stage=self.name,
            progress=progress,
            eta=self.seconds * (1 - progress) / progress if known else None,
            seconds=self.seconds,
            message=message,
            device=str(model.device) if model else "",
            dtype=str(model.dtype).removeprefix("torch.") if model else "",
            memory=peak_memory(model.device) if model else 0,
            pace=(self._tokens - tokens) / (self.seconds - began) if self.seconds > began else 0.0,
            worker=this_worker(),
            updated=utc_now(),
        )
