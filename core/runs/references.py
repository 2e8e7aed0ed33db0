"""References of a request: adapters retrained without its data, one a seed."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.pipeline.stages import reference
from core.runs.run_folder import accounts_of
from core.types import Request
from core.unlearning.trainer import Step
from core.workspace import Workspace
from core.workspace.layout import WEIGHTS
from core.workspace.locks import at_work

FIRST_SEED = 101


def train_references(
    workspace: Workspace, request_id: str, count: int, device: str, watch: Callable[[int, Step], bool]
) -> tuple[Path, ...]:
    """Train references until there are `count`; finished ones are kept, a broken one leaves nothing behind.

    watch: called with the number of the reference from 0 and its step.
    """
    with at_work(workspace.root):
        request = workspace.request(request_id)
        workspace.check(request)
        if ledger := accounts_of(workspace):
            ledger.check(workspace)
        for number in range(count):
            _train(workspace, request, FIRST_SEED + number, device, partial(watch, number))
    return workspace.reference_folders(request_id)


def _train(workspace: Workspace, request: Request, seed: int, device: str, watch: Callable[[Step], bool]) -> None:
    """One reference, unless it is there."""
    target = workspace.root / "references" / request.id / f"seed-{seed}"
    if (target / WEIGHTS).is_file():
        return
    part = target.with_name(f".{target.name}.part")
    try:
        reference(workspace, request, seed, device, part, watch)
        if ledger := accounts_of(workspace):
            ledger.record_reference(workspace, request.id, part, target.name)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
