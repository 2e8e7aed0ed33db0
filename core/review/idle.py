"""Whether anything is at work in a workspace: a deletion removes the models that runs and verifications use."""

from core.errors import ReviewError
from core.runs.handle import store_of
from core.types import RunState
from core.utils.commands import command_line
from core.workspace import Workspace
from core.workspace.locks import exclusive_model_lock


def check_idle(workspace: Workspace) -> None:
    """Check that a deletion could start now.

    Raises:
        ReviewError: A run waits or is at work.
        WorkspaceError: A reference or a verification is at work, or a deletion is.
    """
    check_no_run(workspace)
    with exclusive_model_lock(workspace):
        pass  # nobody else has it


def check_no_run(workspace: Workspace) -> None:
    """Check that no run waits or is at work. Raises ReviewError, which names the first such run."""
    if busy := store_of(workspace).entries(RunState.QUEUED, RunState.RUNNING).whole():
        name = busy[0].id
        cancel = command_line("cancel", "--workspace", str(workspace.root), "--run", name)
        raise ReviewError(
            f"Run {name!r} is {busy[0].state} and uses the adapter that an approval removes: wait for its end, "
            f"or cancel it with `{cancel}`."
        )
