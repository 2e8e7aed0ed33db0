"""The worker process of one run: it alone writes the run folder, and always says how the run ended."""

import logging
import os
import time
import traceback
from typing import Any

import psutil

from core.errors import Cancelled, CureLensError
from core.files import write_json, write_text
from core.pipeline import STAGES, run
from core.runs.folder import RunFolder
from core.types import RunState, RunStatus
from core.unlearning.loop import Step
from core.workspace import Workspace

log = logging.getLogger("core")
WRITE_EVERY = 0.5  # seconds between status writes


def work(folder: RunFolder) -> RunState:
    """Execute the run in this process. Errors end in the status, with their message; the traceback in log.txt."""
    workspace, watch = Workspace(folder.path.parent.parent), FolderWatch(folder)
    try:
        run(workspace, folder.spec, folder.path, watch)
        watch.end(RunState.DONE, "")
    except Cancelled as stop:
        watch.end(RunState.CANCELLED, str(stop))
    except CureLensError as error:
        watch.end(RunState.FAILED, str(error))
    except Exception as error:
        traceback.print_exc()
        watch.end(
            RunState.FAILED,
            f"The worker met an unexpected {type(error).__name__} ({error}): see log.txt in {folder.path}.",
        )
        raise
    return watch.state


class FolderWatch:
    """Turns what the pipeline announces into status.json, events.jsonl and result files."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder, self.started, self.written = folder, time.monotonic(), 0.0
        self.state, self.name, self.base, self.share = RunState.RUNNING, "", 0.0, 0.0
        self.device = self.dtype = ""

    def stage(self, name: str) -> None:
        names = list(STAGES)
        self.name, self.share = name, 0.0
        self.base = sum(STAGES[earlier] for earlier in names[: names.index(name)])
        self.folder.add_event({"kind": "stage", "stage": name, "seconds": self.seconds})
        log.info("stage %s", name)
        self._write()

    def progress(self, share: float) -> None:
        self.share = share
        if time.monotonic() - self.written > WRITE_EVERY:
            self._write()
        if self.folder.cancel_asked:
            raise Cancelled("The run was cancelled; the adapter in use was not touched.")

    def step(self, step: Step) -> None:
        self.folder.add_event(
            {"kind": "step", "step": step.number, "steps": step.total, "seconds": self.seconds, **step.losses}
        )
        self.progress(step.number / step.total)

    def keep(self, name: str, value: Any) -> None:
        if name == "device":
            self.device, self.dtype = value
        elif name == "circuits":
            self.folder.write("forget.json", value[0])
            self.folder.write("retain.json", value[1])
        elif name == "report":
            write_text(self.folder.path / "report.html", value[0])
            write_json(self.folder.path / "report.json", value[1])
        else:
            self.folder.write(f"{name}.json", value)

    def end(self, state: RunState, message: str) -> None:
        self.state = state
        if state is RunState.DONE:
            self.base, self.share = 1.0, 0.0
        self._write(message)
        log.info("%s %s", state, message)

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started, 3)

    def _write(self, message: str = "") -> None:
        progress = min(1.0, self.base + STAGES.get(self.name, 0.0) * self.share)
        known = self.state is RunState.RUNNING and progress > 0.05
        self.folder.write_status(
            RunStatus(
                state=self.state,
                stage=self.name,
                progress=progress,
                eta=self.seconds * (1 - progress) / progress if known else None,
                seconds=self.seconds,
                message=message,
                device=self.device,
                dtype=self.dtype,
                pid=os.getpid(),
                process_started=psutil.Process().create_time(),
            )
        )
        self.written = time.monotonic()
