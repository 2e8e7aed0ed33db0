"""Reader/writer lock of a workspace: many jobs may use the models, or one deletion may remove them."""

import fcntl
from contextlib import AbstractContextManager

from core.utils.file_locks import locked
from core.workspace.workspace import Workspace

MODELS_IN_USE = "A run, a reference or a verification is using this workspace's models: let it end, then try again."
DELETION_RUNNING = "A deletion is being carried out in this workspace: try again when it is done."


def shared_model_lock(workspace: Workspace) -> AbstractContextManager[None]:
    """Shared lock, held while a job reads the models and writes results.

    Raises:
        WorkspaceError: A deletion is being carried out.
    """
    return locked(workspace.layout.work_lock, fcntl.LOCK_SH | fcntl.LOCK_NB, DELETION_RUNNING)


def exclusive_model_lock(workspace: Workspace) -> AbstractContextManager[None]:
    """Exclusive lock, held while a deletion is carried out.

    Raises:
        WorkspaceError: A job is using the models.
    """
    return locked(workspace.layout.work_lock, fcntl.LOCK_EX | fcntl.LOCK_NB, MODELS_IN_USE)


def decision_lock(workspace: Workspace) -> AbstractContextManager[None]:
    """Lock of the one process that carries out decisions. Another process waits."""
    return locked(workspace.layout.review_lock, fcntl.LOCK_EX)
