"""References of a request: adapters retrained without its data, one a seed."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.busy import at_work
from core.pipeline import reference
from core.unlearning.loop import Step
from core.workspace import WEIGHTS, Workspace

FIRST_SEED = 101


def train_references(
    workspace: Workspace, request_id: str, count: int, device: str, watch: Callable[[int, Step], bool]
) -> tuple[Path, ...]:
    """Train references until there are `count`; finished ones are kept, a broken one leaves nothing behind.

    watch: called with the number of the reference from 0 and its step.
    """
    with at_work(workspace.root):
        return _trained(workspace, request_id, count, device, watch)


def _trained(
    workspace: Workspace, request_id: str, count: int, device: str, watch: Callable[[int, Step], bool]
) -> tuple[Path, ...]:
    request = workspace.request(request_id)
    workspace.check(request)
    for number in range(count):
        target = workspace.root / "references" / request_id / f"seed-{FIRST_SEED + number}"
        if (target / WEIGHTS).is_file():
            continue
        part = target.with_name(f".{target.name}.part")
        try:
            reference(workspace, request, FIRST_SEED + number, device, part, partial(watch, number))
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return workspace.reference_folders(request_id)
