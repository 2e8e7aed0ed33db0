"""Commands of pages: open a request; launch, resume or stop a run; compare lists.

Each checks the person's permission.
"""

from core.review import batches
from core.review.permissions import check_operators, require
from core.runs import requests
from core.runs.handle import RunHandle
from core.types import Action, GroupEdit, Identity, LegalBasis, Request
from dashboard.services.queries import workspace
from dashboard.session.auth import signed_in_email


def open_request(
    users: tuple[str, ...],
    interactions: tuple[tuple[str, str], ...],
    reason: str,
    legal_basis: LegalBasis = LegalBasis.NOT_RECORDED,
    identity: Identity = Identity.NOT_RECORDED,
) -> Request:
    """Check and write a request.

    Raises:
        ReviewError: The person may not open requests.
        RequestError: The request cannot be served.
    """
    require(workspace(), signed_in_email(), Action.OPEN)
    return requests.open_request(workspace(), users, interactions, reason, signed_in_email(), legal_basis, identity)


def open_batch(members: tuple[str, ...], batch_id: str) -> Request:
    """Make one request of several open ones. Raises RequestError, ReviewError."""
    require(workspace(), signed_in_email(), Action.OPEN)
    return batches.open_batch(workspace(), members, batch_id, opened_by=signed_in_email())


def dissolve_batch(batch_id: str) -> tuple[str, ...]:
    """Dissolve a batch and return its open members. Raises RequestError, ReviewError, WorkspaceError."""
    require(workspace(), signed_in_email(), batches.dissolving_action(workspace(), batch_id))
    return batches.dissolve(workspace(), batch_id)


def launch(
    request_id: str, method: str, device: str, seed: int, edit: GroupEdit | None = None, launcher: str = ""
) -> str:
    """Queue a run and start its worker.

    Returns:
        The run's id.

    Raises:
        ReviewError: The person may not launch this run.
        RunError, RequestError, DeviceError: The run cannot start.
    """
    from core.runs.submit import create_run, start  # loads torch

    require(workspace(), signed_in_email(), Action.RUN)
    check_operators(workspace(), request_id, signed_in_email())
    batches.check_free(workspace(), request_id)
    run = create_run(
        workspace(), request_id, method, device, seed, edit=edit, launcher=launcher, launched_by=signed_in_email()
    )
    start(run)
    return run.id


def resume(run: RunHandle) -> None:
    """Resume a failed or lost run from its last checkpoint. Raises RunError, ReviewError."""
    from core.runs.submit import resume as go_on  # loads torch

    require(workspace(), signed_in_email(), Action.RUN)
    check_operators(workspace(), run.spec.request, signed_in_email())
    go_on(run, signed_in_email())


def stop(run: RunHandle) -> None:
    """Stop a run, or abandon an interrupted one. Raises RunError, ReviewError."""
    require(workspace(), signed_in_email(), Action.RUN)
    run.request_cancel()


def measure_overlaps(run: RunHandle) -> None:
    """Start the comparison of all users' lists in another process. Raises ReviewError."""
    from core.runs.list_overlap import launch_overlaps  # loads torch

    require(workspace(), signed_in_email(), Action.RUN)
    launch_overlaps(run, signed_in_email())
