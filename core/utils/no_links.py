"""Files in folders where others write too are read and appended to through no link; `atomic_io` writes them.

Hard links are not detected.
"""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

from core.utils.atomic_io import NEW, disk_error, folder_at, link_error

READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW  # a FIFO is not waited for
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW
DEPTH = 100  # nested folders


def opener(path: str, flags: int, mode: int = 0o666) -> int:
    """Opener for `open`. Raises OSError where a part of the path is a link."""
    with folder_at(Path(path).parent) as folder:
        return os.open(Path(path).name, flags | os.O_NONBLOCK | os.O_NOFOLLOW, mode, dir_fd=folder)


def open_to_read(path: Path) -> BinaryIO:
    """Open a regular file to read. Raises OSError where it or a folder on its path is a link or something else."""
    return _opened(path, READ, "rb")


def open_to_append(path: Path) -> BinaryIO:
    """Open a regular file to append to it; one that is missing is made for this user alone.

    Raises:
        WorkspaceError: It or a folder on its path is a link or something else, or it cannot be opened.
    """
    try:
        return _opened(path, APPEND, "ab")
    except OSError as error:
        raise disk_error(path, error) from error


def copy_file(source: Path, target: Path) -> None:
    """Copy the content of a regular file into a new one.

    Raises:
        OSError: The source is a link or something else, or the target exists, as a link too.
    """
    with (
        open_to_read(source) as given,
        folder_at(target.parent) as folder,
        os.fdopen(os.open(target.name, NEW, 0o666, dir_fd=folder), "wb") as own,
    ):
        shutil.copyfileobj(given, own)


def holds_link(path: Path) -> bool:
    """Whether a folder holds a link at any depth, or more than DEPTH nested folders, which other steps cannot walk.

    What another process removes meanwhile is no link.
    """
    level = [str(path)] if path.is_dir() else []
    for _ in range(DEPTH):
        inner = []
        for folder in level:
            with suppress(FileNotFoundError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        return True
                    if entry.is_dir():
                        inner.append(entry.path)
        level = inner
    return bool(level)


def _opened(path: Path, flags: int, mode: Literal["rb", "ab"]) -> BinaryIO:
    with folder_at(path.parent) as folder:
        try:
            file = os.fdopen(os.open(path.name, flags, 0o600, dir_fd=folder), mode)
        except IsADirectoryError as error:
            raise link_error(path, "file") from error
        except OSError as error:
            raise (link_error(path, "file") if error.errno == errno.ELOOP else error) from error
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise link_error(path, "file")
