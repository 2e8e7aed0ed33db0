"""Work on a workspace's models, and taking them away, exclude one another: many may be at work at once, or one that destroys.

A lock of the operating system, which falls with its process, whatever ends it.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import WorkspaceError
from core.files import disk_error

AT_WORK = "Something is at work on this workspace's models (a run, a reference, a check): let it end, then go on."
DESTROYING = "A deletion is being carried out in this workspace: try again when it is done."


@contextmanager
def at_work(root: Path) -> Iterator[None]:
    """Held by whatever reads models and writes what it found. Raises WorkspaceError while a deletion is carried out."""
    with _locked(root, fcntl.LOCK_SH, DESTROYING):
        yield


@contextmanager
def undisturbed(root: Path) -> Iterator[None]:
    """Held while a deletion is carried out. Raises WorkspaceError while anything is at work."""
    with _locked(root, fcntl.LOCK_EX, AT_WORK):
        yield


@contextmanager
def _locked(root: Path, kind: int, refusal: str) -> Iterator[None]:
    path = root / "work.lock"
    try:
        file = path.open("a")
    except OSError as error:
        raise disk_error(path, error) from error
    with file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkspaceError(refusal) from None
        yield
