"""Locks of the operating system on files: they are released when their process ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import WorkspaceError
from core.utils.atomic_io import disk_error


@contextmanager
def locked(path: Path, mode: int, refusal: str = "") -> Iterator[None]:
    """Hold a lock on a file, which is made where it is missing.

    Args:
        path: The file.
        mode: LOCK_SH or LOCK_EX of `fcntl`, which wait for another process; with LOCK_NB, they refuse instead.
        refusal: Message of that refusal.

    Raises:
        WorkspaceError: Another process holds the lock, or the file cannot be made.
    """
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
