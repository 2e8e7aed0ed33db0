"""Locks of the operating system on files: they are released when their process ends, however it ends.

A lock file is never truncated or reached through a link, so that nobody can lead a lock to a file of somebody else.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import WorkspaceError
from core.utils.atomic_io import disk_error, folder_at

LOCKS = "/tmp"  # a folder of the log-in, such as XDG_RUNTIME_DIR, goes while detached workers still hold their locks


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
    with open_lock(path) as file:
        try:
            fcntl.flock(file, mode)
        except BlockingIOError:
            raise WorkspaceError(refusal) from None
        except OSError as error:  # a file system without locks
            raise disk_error(path, error) from error
        yield


def open_lock(path: Path) -> BinaryIO:
    """Open a lock file as it is; one that is missing is made for this user alone.

    Raises:
        WorkspaceError: It is a link or cannot be opened.
    """
    try:
        with folder_at(path.parent) as folder:
            return os.fdopen(os.open(path.name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=folder), "rb+")
    except OSError as error:
        raise disk_error(path, error) from error


def lock_folder() -> Path:
    """The folder of this user's locks on this machine, whatever the workspace and TMPDIR."""
    return Path(os.environ.get("CURE_LENS_LOCKS", LOCKS)).resolve() / f"cure-lens-{os.getuid()}"


def make_own_folder(folder: Path) -> None:
    """Make a folder for this user alone in a place where others write too, such as /tmp; one that exists is checked.

    Raises:
        WorkspaceError: It is a link, no folder, of somebody else, or open to others.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise disk_error(folder, error) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise WorkspaceError(
            f"{folder} must be a folder that only you can open: remove it, and it is made again "
            "(CURE_LENS_LOCKS sets another place for locks)."
        )
