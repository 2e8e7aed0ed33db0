"""Commands of pages: open a request; launch, resume or stop a run; compare lists.

Each checks the person's permission. What is signed is signed by the command line, in another process.
"""

import json

from core.review import batches
from core.review.permissions import check_operators, require
from core.runs.handle import RunHandle
from core.types import Action, GroupEdit, Identity, LegalBasis, Request
from core.utils.serialization import from_json
from dashboard.services.cli_client import run_command
from dashboard.services.queries import workspace
from dashboard.session.auth import signed_in_email


def open_request(
    users: tuple[str, ...],
    interactions: tuple[tuple[str, str], ...],
    reason: str,
    legal_basis: LegalBasis = LegalBasis.NOT_RECORDED,
    identity: Identity = Identity.NOT_RECORDED,
) -> Request:
    """Check and write a request. Raises CommandError where the person may not open it, or it cannot be served."""
    wanted = json.dumps({"users": users, "interactions": interactions, "reason": reason})
    options = ("--ground", legal_basis, "--identity", identity)
    return from_json(Request, run_command("request", *_place(), "--stdin", *options, stdin=wanted))


def open_batch(members: tuple[str, ...], batch_id: str) -> Request:
    """Make one request of several open ones. Raises CommandError."""
    return from_json(Request, run_command("request", *_place(), "--batch", ",".join(members), "--id", batch_id))


def dissolve_batch(batch_id: str) -> tuple[str, ...]:
    """Dissolve a batch and return its open members. Raises CommandError."""
    members: list[str] = run_command("dissolve", *_place(), "--request", batch_id)["open"]
    return tuple(members)


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
    """Resume a failed or lost run from its last checkpoint. Raises CommandError."""
    run_command("resume", *_place(), "--run", run.id, "--detach")


def stop(run: RunHandle) -> None:
    """Stop a run, or abandon an interrupted one. Raises CommandError."""
    run_command("cancel", *_place(), "--run", run.id)


def measure_overlaps(run: RunHandle) -> None:
    """Start the comparison of all users' lists in another process. Raises ReviewError."""
    from core.runs.list_overlap import launch_overlaps  # loads torch

    require(workspace(), signed_in_email(), Action.RUN)
    check_operators(workspace(), run.spec.request, signed_in_email())
    launch_overlaps(run, signed_in_email())


def _place() -> tuple[str, ...]:
    """The options that name the workspace and who acts."""
    return "--workspace", str(workspace().root), "--as", signed_in_email()
