"""Reader/writer lock of a workspace: many jobs may use the models, or one deletion may remove them.

Each lock here is two. Machines that share a workspace see the one in its folder, which whoever can write there can take
away; the other one lies with this user's locks on this machine.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from core.utils.file_locks import lock_folder, locked, make_own_folder
from core.utils.hashing import short_digest
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
def _locked(file: Path, mode: int, refusal: str = "") -> Iterator[None]:
    make_own_folder(lock_folder())
    own = lock_folder() / f"workspace-{short_digest(str(file))}.lock"
    with locked(own, mode, refusal), locked(file, mode, refusal):
        yield
