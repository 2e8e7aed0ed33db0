"""Queries and commands of pages on retrained references: how many are ready, how many a verdict needs, their training.

Training survives the page. Another process estimates it and another one trains, since both load a model.
"""

from core.errors import DamagedError, ReviewError
from core.review import batches
from core.review.permissions import check_operators, require
from core.runs import reference_job
from core.types import Action, ReferenceTraining
from core.verification.endpoints import MIN_REFERENCES
from dashboard.services import queries
from dashboard.services.cli_client import run_command
from dashboard.session.auth import signed_in_email


def ready(request_id: str) -> int:
    """How many references of a request are ready."""
    return len(queries.workspace().reference_folders(request_id))


def needed(request_id: str) -> int:
    """How many references a verdict on a request needs: what its newest verification asks for, at least the minimum."""
    own = (run for run in queries.runs().values() if run.spec.request == request_id)
    newest = next((found for run in own if (found := queries.verification(run))), None)
    asked = newest.details.get("references_needed") if newest else None
    return max(MIN_REFERENCES, asked) if isinstance(asked, int) else MIN_REFERENCES


def training(request_id: str) -> ReferenceTraining | None:
    """The last training of a request's references; LOST where its process died without a message."""
    return reference_job.training_status(queries.workspace(), request_id)


def is_stopping(request_id: str) -> bool:
    """Whether somebody asked to stop the training."""
    return reference_job.is_stopping(queries.workspace(), request_id)


def seconds(request_id: str, count: int, device: str) -> float:
    """Estimate how long the references take that a request lacks to have `count`. Raises CommandError."""
    options = ("--workspace", str(queries.workspace().root), "--request", request_id, "--seeds", str(count))
    who = ("--device", device, "--as", signed_in_email())
    return float(run_command("reference", *options, *who, "--estimate")["seconds"])


def train(request_id: str, count: int, device: str) -> None:
    """Start training in the background, unless it is at work.

    Raises:
        ReviewError: The person may not train for this request, or a batch carries it out.
        RequestError, DeviceError: The training cannot start.
    """
    _check(request_id)
    batches.check_free(queries.workspace(), request_id)
    reference_job.launch_training(queries.workspace(), request_id, count, device, signed_in_email())


def stop(request_id: str) -> None:
    """Stop the training. Raises ReviewError, RunError where it has ended."""
    _check(request_id)
    reference_job.stop_training(queries.workspace(), request_id)


def may_train(request_id: str) -> bool:
    """Whether the person may train references for a request, and no batch carries it out."""
    try:
        _check(request_id)
        batches.check_free(queries.workspace(), request_id)
    except (ReviewError, DamagedError):
        return False
    return True


def _check(request_id: str) -> None:
    require(queries.workspace(), signed_in_email(), Action.RUN)
    check_operators(queries.workspace(), request_id, signed_in_email())
