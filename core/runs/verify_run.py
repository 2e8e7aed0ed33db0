"""Verification of a finished run, named by its workspace and its id."""

from collections.abc import Callable
from pathlib import Path

from core.runs.handle import open_run
from core.runs.verify import verify_run
from core.types import Verification
from core.workspace import Workspace


def verify(
    workspace: str | Path,
    run: str,
    *,
    device: str = "cpu",
    full: bool = False,
    progress: Callable[[float], None] = lambda _share: None,
) -> Verification:
    """Check a finished run against its retrained references, and write the result into the run's folder.

    Args:
        workspace: The workspace folder.
        run: The run's id.
        device: "auto", "cpu" or "cuda".
        full: Also compare the top lists of all users and run the slow checks.
        progress: Called with the share of models that have answered.

    Returns:
        The verdict of each check, with the number it measured and its bounds.

    Raises:
        WorkspaceError: The folder is not a workspace.
        RunError: The workspace has no such run, or the run is not finished.
        LedgerError: The workspace keeps a ledger that cannot take an entry.

    Example:
        With `workspace` the folder of a workspace, and `run` the id of one of its finished runs:

        >>> import core
        >>> verification = core.verify(workspace, run)
        >>> {check.id for check in verification.checks} >= {"V0", "V12"}
        True
    """
    return verify_run(open_run(Workspace(workspace), run), device, full, progress)
