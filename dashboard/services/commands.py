"""What people do here, each only in a role that may: open a request, launch a run, go on with it, stop it, compare lists."""

from core.review.permissions import check_operators, require
from core.runs.handle import RunHandle
from core.types import Act, Ground, GroupEdit, Identity, Request
from dashboard.services.queries import workspace
from dashboard.session.auth import who


def open_request(
    users: tuple[str, ...],
    interactions: tuple[tuple[str, str], ...],
    reason: str,
    legal_basis: Ground = Ground.NOT_RECORDED,
    identity: Identity = Identity.NOT_RECORDED,
) -> Request:
    """Check and write a request. Raises RequestError, ReviewError."""
    require(workspace(), who(), Act.OPEN)
    return workspace().open_request(users, interactions, reason, who(), legal_basis, identity)


def launch(
    request_id: str, method: str, device: str, seed: int, edit: GroupEdit | None = None, launcher: str = ""
) -> str:
    """Write a run and start its worker; the id. Raises RunError, RequestError, ReviewError or DeviceError."""
    from core.runs.submit import create_run, start  # imports torch: only when somebody launches

    require(workspace(), who(), Act.RUN)
    check_operators(workspace(), request_id, who())
    folder = create_run(workspace(), request_id, method, device, seed, edit=edit, launcher=launcher, launched_by=who())
    start(folder)
    return folder.id


def resume(folder: RunHandle) -> None:
    """Go on with a failed or lost run where it stood. Raises RunError, ReviewError."""
    from core.runs.submit import resume as go_on  # imports torch: only when somebody asks

    require(workspace(), who(), Act.RUN)
    go_on(folder)


def stop(folder: RunHandle) -> None:
    """Stop a run, or give a broken-off one up. Raises RunError, ReviewError."""
    require(workspace(), who(), Act.RUN)
    folder.ask_to_cancel()


def measure_overlaps(folder: RunHandle) -> None:
    """Start comparing everybody's lists, in a process of its own. Raises ReviewError."""
    from core.runs.list_overlap import launch_overlaps  # imports torch: only when somebody asks

    require(workspace(), who(), Act.RUN)
    launch_overlaps(folder, who())
