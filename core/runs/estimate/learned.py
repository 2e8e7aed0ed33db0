"""Correction of estimates by finished runs, which hold what was estimated before them beside what they took."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from core.errors import CureLensError
from core.runs.estimate.estimate import Estimate, estimate_by_tokens
from core.runs.events import ESTIMATE
from core.runs.handle import RunHandle, runs
from core.types import RunState
from core.unlearning.methods import DEFAULT_METHOD
from core.utils.listing import Listing
from core.workspace import Workspace

log = logging.getLogger("core")


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a finished run took, as a multiple of what was estimated before it.

    Attributes:
        method: Its method.
        seconds: Its duration over the estimate.
        memory: Its peak memory over the estimate.
    """

    method: str
    seconds: float
    memory: float


def estimate(
    workspace: Workspace, request_id: str, method: str = DEFAULT_METHOD, device: str = "auto", steps: int = 0
) -> Estimate:
    """Estimate a run on this machine, corrected by finished runs; arguments and errors as of `estimate_by_tokens`."""
    first = estimate_by_tokens(workspace, request_id, method, device, steps)
    return corrected(first, method, lessons(workspace, first.device, first.dtype))


def corrected(first: Estimate, method: str, found: Sequence[Lesson]) -> Estimate:
    """Multiply an estimate by the medians of lessons: those of its method, or of all where it has none."""
    found = [one for one in found if one.method == method] or found
    if not found:
        return first
    seconds, memory = median(one.seconds for one in found), median(one.memory for one in found)
    return replace(first, seconds=seconds * first.seconds, peak_bytes=round(memory * first.peak_bytes), runs=len(found))


def lessons(workspace: Workspace, device: str, dtype: str) -> list[Lesson]:
    """The lessons of a workspace's finished runs on one kind of device, in one dtype."""
    like = _kind(device), dtype
    same = (run for run in runs(workspace) if (_kind(run.status.device), run.status.dtype) == like)
    found = Listing.read(same, lesson_of)
    for sentence in found.damaged:
        log.warning("a run teaches nothing: %s", sentence)
    return [lesson for lesson in found if lesson]


def lesson_of(run: RunHandle) -> Lesson | None:
    """The lesson of a run; None if it is not finished, or was made before runs entered their estimates."""
    status, entered = run.status, _entered(run)
    if not entered or status.state is not RunState.DONE:
        return None
    return Lesson(run.spec.method, status.seconds / entered["estimated"], status.peak_bytes / entered["peak_bytes"])


def enter_estimate(run: RunHandle, device: str) -> None:
    """Enter a run's uncorrected estimate into its events before it starts; later estimates learn from it.

    Args:
        run: The run. One that goes on after an interruption keeps its first estimate.
        device: The device that it has.
    """
    if _entered(run):
        return
    spec = run.spec
    try:
        found = estimate_by_tokens(run.workspace, spec.request, spec.method, device, spec.steps)
    except CureLensError as error:  # the run itself tells it, if it meets it too
        log.warning("no estimate: %s", error)
        return
    run.add_event({"kind": ESTIMATE, "seconds": 0.0, "estimated": found.seconds, "peak_bytes": found.peak_bytes})


def _entered(run: RunHandle) -> dict[str, Any] | None:
    return next((event for event in run.events() if event["kind"] == ESTIMATE), None)


def _kind(device: str) -> str:
    """The kind of a device, for example "cuda" of "cuda:0"."""
    return device.partition(":")[0]
