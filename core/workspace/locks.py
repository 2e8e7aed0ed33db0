"""Work on a workspace's models, and taking them away, exclude one another: many may be at work at once, or one that destroys.

A lock of the operating system, which falls with its process, whatever ends it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from core.errors import WorkspaceError
from core.utils.atomic_io import disk_error

AT_WORK = "Something is at work on this workspace's models (a run, a reference, a check): let it end, then go on."
DESTROYING = "A deletion is being carried out in this workspace: try again when it is done."


def at_work(root: Path) -> AbstractContextManager[None]:
    """Held by whatever reads models and writes what it found. Raises WorkspaceError while a deletion is carried out."""
    return _locked(root / "work.lock", fcntl.LOCK_SH | fcntl.LOCK_NB, DESTROYING)


def undisturbed(root: Path) -> AbstractContextManager[None]:
    """Held while a deletion is carried out. Raises WorkspaceError while anything is at work."""
    return _locked(root / "work.lock", fcntl.LOCK_EX | fcntl.LOCK_NB, AT_WORK)


def alone(root: Path) -> AbstractContextManager[None]:
    """Held by the one process that settles decisions; another one waits."""
    return _locked(root / "review.lock", fcntl.LOCK_EX)


@contextmanager
def _locked(path: Path, kind: int, refusal: str = "") -> Iterator[None]:
    """refusal: what to say where `kind` does not wait."""
    try:
        file = path.open("a")
    except OSError as error:
        raise disk_error(path, error) from error
    with file:
        try:
            fcntl.flock(file, kind)
        except BlockingIOError:
            raise WorkspaceError(refusal) from None
        yield
