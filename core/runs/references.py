"""Retrained references of a request: adapters trained without its data, one per seed."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from core.errors import WorkspaceError
from core.pipeline.train_reference import train_reference
from core.runs.answer_files import AnswerFiles
from core.runs.ledger import RunLedger, open_ledger
from core.types import Request
from core.unlearning.training_types import Step
from core.utils.atomic_io import move, remove_folder, staging
from core.workspace import Workspace
from core.workspace.locks import shared_model_lock

FIRST_SEED = 101


def train_references(
    workspace: Workspace,
    request_id: str,
    count: int,
    device: str,
    watch: Callable[[int, Step], bool],
    ledger: RunLedger | None = None,
    person: str = "",
) -> tuple[Path, ...]:
    """Train references until a request has `count` of them. Finished ones are kept; a failed one leaves nothing behind.

    Args:
        workspace: The workspace.
        request_id: The request whose data the references never see.
        count: Number of references.
        device: "auto", "cpu" or "cuda".
        watch: Called after each step with the number of the reference, from 0, and the step.
        ledger: Where each reference is entered; by default the workspace's own ledger.
        person: Who has them trained.

    Returns:
        The folders of all references of the request, by seed.

    Raises:
        RequestError: The request cannot be served.
        LedgerError: The ledger takes no entry.
        WorkspaceError: A deletion is being carried out.
    """
    ledger = ledger or open_ledger(workspace)
    with shared_model_lock(workspace):
        request = workspace.request(request_id)
        workspace.check(request)
        ledger.check()
        for number in missing_references(workspace, request_id, count, ledger):
            _train(workspace, request, FIRST_SEED + number, device, partial(watch, number), ledger, person)
    return workspace.reference_folders(request_id)


def missing_references(workspace: Workspace, request_id: str, count: int, ledger: RunLedger | None = None) -> list[int]:
    """Numbers, from 0, of the references that a request still needs to have `count` of them.

    With a ledger, a folder that it does not hold is no reference: somebody put it there.
    """
    known = AnswerFiles(request_id, ledger or open_ledger(workspace)).trained(workspace.reference_folders(request_id))
    seeds = (workspace.layout.reference(request_id, FIRST_SEED + number) for number in range(count))
    return [number for number, folder in enumerate(seeds) if folder not in known]


def _train(
    workspace: Workspace,
    request: Request,
    seed: int,
    device: str,
    watch: Callable[[Step], bool],
    ledger: RunLedger,
    person: str,
) -> None:
    target = workspace.layout.reference(request.id, seed)
    part = staging(target)
    try:
        trained = train_reference(workspace, request, seed, device, part, watch)
        ledger.record_reference(request.id, trained.digests, target.name, trained.inputs, person)
        remove_folder(target)  # a folder that was not signed
        move(part, target)
    finally:
        with suppress(WorkspaceError):
            remove_folder(part)
