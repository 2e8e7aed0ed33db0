"""Files in folders where others write too: nobody can lead a process to a file elsewhere by a symbolic link.

`open_inside`, `append_inside`, `write_inside` and `folder_inside` follow no link below their root. The others refuse a
link as the last part of a path. Hard links are not detected.
"""

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import BinaryIO, Literal

from core.utils.atomic_io import disk_error

READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW  # a FIFO is not waited for
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
DEPTH = 100  # nested folders
APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


def opener(path: str, flags: int, mode: int = 0o666) -> int:
    """Opener for `open`. Raises OSError where the last part of the path is a link."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW, mode)


def open_to_read(path: Path) -> BinaryIO:
    """Open a regular file to read. Raises OSError where it is a link or something else."""
    return _regular(os.open(path, READ), "rb")


def open_to_append(path: Path) -> BinaryIO:
    """Open a regular file to append to it; one that is missing is made for this user alone.

    Raises:
        WorkspaceError: It is a link or something else, or cannot be opened.
    """
    try:
        return _regular(opener(str(path), APPEND, 0o600), "ab")
    except OSError as error:
        raise disk_error(path, error) from error


def copy_file(source: Path, target: Path) -> None:
    """Copy the content of a regular file into a new one.

    Raises:
        OSError: The source is a link or something else, or the target exists, as a link too.
    """
    with open_to_read(source) as given, open(target, "xb", opener=opener) as own:
        shutil.copyfileobj(given, own)


@contextmanager
def folder_inside(root: Path, name: str | PurePath, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder under `root`, where nothing between the two is a link.

    Args:
        root: The outer folder.
        name: The path of the inner folder, relative to `root`.
        make: Whether to make the folders that are missing.

    Raises:
        OSError: One is a link, no folder, or missing.
    """
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in PurePath(name).parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            outer, folder = folder, os.open(part, FOLDER, dir_fd=folder)
            os.close(outer)
        yield folder
    finally:
        os.close(folder)


def open_inside(root: Path, name: str) -> BinaryIO:
    """Open a regular file under `root` to read; nothing between the two may be a link. Raises OSError."""
    with folder_inside(root, PurePath(name).parent) as folder:
        return _regular(os.open(PurePath(name).name, READ, dir_fd=folder), "rb")


def append_inside(root: Path, name: str) -> BinaryIO:
    """Open a file under `root` as `open_to_append` does; nothing between the two may be a link. Raises OSError."""
    with folder_inside(root, PurePath(name).parent) as folder:
        flags = APPEND | os.O_NONBLOCK | os.O_NOFOLLOW
        return _regular(os.open(PurePath(name).name, flags, 0o600, dir_fd=folder), "ab")


def write_inside(root: Path, name: str, content: bytes, mode: int) -> None:
    """Write a file under `root`, whole or not at all; nothing between the two may be a link. Raises OSError."""
    last = PurePath(name).name
    part = f".{last}.{secrets.token_hex(4)}"
    with folder_inside(root, PurePath(name).parent, make=True) as folder:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(part, flags, 0o600, dir_fd=folder), "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            os.rename(part, last, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
            raise


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


def _regular(descriptor: int, mode: Literal["rb", "ab"]) -> BinaryIO:
    """An open file, or OSError where it is no regular one."""
    file = os.fdopen(descriptor, mode)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return file
    file.close()
    raise OSError(f"{file.name} is no regular file")
