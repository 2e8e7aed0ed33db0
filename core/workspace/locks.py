"""Reader/writer lock of a workspace: many jobs may use the models, or one deletion may remove them.

The locks belong to the operating system, so they are released when their process ends, however it ends.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from core.errors import WorkspaceError
from core.utils.atomic_io import disk_error
from core.workspace.workspace import Workspace

MODELS_IN_USE = "A run, a reference or a verification is using this workspace's models: let it end, then try again."
DELETION_RUNNING = "A deletion is being carried out in this workspace: try again when it is done."


def shared_model_lock(workspace: Workspace) -> AbstractContextManager[None]:
    """Shared lock, held while a job reads the models and writes results.

    Raises:
        WorkspaceError: A deletion is being carried out.
    """
    return _locked(workspace.layout.work_lock, fcntl.LOCK_SH | fcntl.LOCK_NB, DELETION_RUNNING)


def exclusive_model_lock(workspace: Workspace) -> AbstractContextManager[None]:
    """Exclusive lock, held while a deletion is carried out.

    Raises:
        WorkspaceError: A job is using the models.
    """
    return _locked(workspace.layout.work_lock, fcntl.LOCK_EX | fcntl.LOCK_NB, MODELS_IN_USE)


def decision_lock(workspace: Workspace) -> AbstractContextManager[None]:
    """Lock of the one process that carries out decisions. Another process waits."""
    return _locked(workspace.layout.review_lock, fcntl.LOCK_EX)


@contextmanager
def _locked(path: Path, mode: int, refusal: str = "") -> Iterator[None]:
    try:
        file = path.open("a")
    except OSError as error:
        raise disk_error(path, error) from error
    with file:
        try:
            fcntl.flock(file, mode)
        except BlockingIOError:
            raise WorkspaceError(refusal) from None
        yield
