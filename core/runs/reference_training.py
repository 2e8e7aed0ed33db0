"""Training of a request's missing references in this process, with a status file on the way.

One process trains one request's references at a time. It takes its device as a run does. Finished references stay, so a
training that was stopped, failed or killed goes on with the missing ones.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.errors import CancelledError, RunError
from core.runs.device_locks import choices, gpu_count, lock_name, take
from core.runs.machine_locks import beat, beating, end_silent_holders
from core.runs.process_identity import this_worker
from core.runs.reference_job import STOPPED, locked_training, training_status
from core.runs.references import missing_references, train_references
from core.runs.requests import check_opened
from core.types import LIVE, ReferenceTraining, RunState
from core.unlearning.training_types import Step
from core.utils.atomic_io import remove_file
from core.utils.clock import utc_now
from core.utils.serialization import write_json
from core.workspace import Workspace

WRITE_EVERY = 1.0  # seconds between status writes
POLL_SECONDS = 0.2  # seconds between two attempts to take a device


def train_missing(
    workspace: Workspace, request_id: str, count: int, device: str, watch: Callable[[int, Step], bool], person: str = ""
) -> tuple[Path, ...]:
    """Train the missing references; a failure is written to the status file and raised.

    Args:
        workspace: The workspace.
        request_id: The request.
        count: Number of references that the request is to have.
        device: "auto", "cpu" or "cuda".
        watch: Called after each step with the number of the reference, from 0, and the step.
        person: Who has them trained.

    Returns:
        The folders of all references of the request, by seed.

    Raises:
        RunError: Another process trains references of this request.
        CancelledError: Somebody stopped it.
        RequestError, LedgerError, WorkspaceError, DeviceError: As `train_references`.
    """
    progress = _Progress(workspace, request_id, count)
    progress.begin()
    try:
        with _device(workspace, device, progress) as name:
            progress.write(replace(progress.status, state=RunState.RUNNING, device=name))
            folders = train_references(workspace, request_id, count, name, progress.watched(watch), person=person)
    except (CancelledError, KeyboardInterrupt):
        progress.end(RunState.CANCELLED, STOPPED)
        raise
    except BaseException as error:
        progress.end(RunState.FAILED, str(error) or type(error).__name__)
        raise
    progress.end(RunState.DONE)
    return folders


class _Progress:
    """The status file of one training, written by the process that trains."""

    def __init__(self, workspace: Workspace, request_id: str, count: int) -> None:
        self.workspace, self.request_id, self.files = workspace, request_id, workspace.layout.training(request_id)
        self.started = self.trained_since = self.written = time.monotonic()
        self.status = ReferenceTraining(RunState.QUEUED, count, worker=this_worker())
        self.missing = missing_references(workspace, request_id, count)

    def begin(self) -> None:
        """Make this process the one that trains. Raises RunError where another one is at work."""
        check_opened(self.workspace, self.workspace.request(self.request_id))  # an unknown one leaves no folder behind
        with locked_training(self.workspace, self.request_id):
            status = training_status(self.workspace, self.request_id)
            if status and status.state in LIVE and status.worker != self.status.worker:
                raise RunError(
                    f"References of request {self.request_id!r} are being trained already: wait until they are ready."
                )
            if status is None or status.worker != self.status.worker:  # not launched by a page, which cleared it
                remove_file(self.files.stop)
            self.write(self.status)

    def check(self) -> None:
        """Raise CancelledError where somebody asked to stop."""
        if self.files.stop.is_file():
            raise CancelledError(STOPPED)

    def watched(self, watch: Callable[[int, Step], bool]) -> Callable[[int, Step], bool]:
        """Return `watch` with the progress written and the stop mark read after each step."""
        self.trained_since = time.monotonic()

        def observed(number: int, step: Step) -> bool:
            self.check()
            if time.monotonic() - self.written >= WRITE_EVERY:
                share = (self.missing.index(number) + step.number / step.total) / len(self.missing)
                spent = time.monotonic() - self.trained_since
                self.write(replace(self.status, progress=share, eta=spent * (1 - share) / share))
            return watch(number, step)

        return observed

    def end(self, state: RunState, message: str = "") -> None:
        """Write how it ended."""
        share = 1.0 if state is RunState.DONE else self.status.progress
        remove_file(self.files.stop)
        self.write(replace(self.status, state=state, progress=share, eta=None, message=message))

    def write(self, status: ReferenceTraining) -> None:
        """Write a new status, with its times."""
        self.written = time.monotonic()
        self.status = replace(status, seconds=self.written - self.started, updated=utc_now())
        write_json(self.files.status, self.status)


@contextmanager
def _device(workspace: Workspace, device: str, progress: _Progress) -> Iterator[str]:
    """Wait until a device is free and hold it; one process uses a device at a time."""
    wanted, count = choices(device, gpu_count(workspace, "local"))
    progress.check()
    while (taken := take(wanted, count)) is None:
        end_silent_holders(map(lock_name, wanted))
        time.sleep(POLL_SECONDS)
        progress.check()
    send = partial(beat, [lock_name(one) for one in taken[0]], workspace.root)
    send()
    with taken[1], beating(send):
        yield ",".join(taken[0])
