"""The one layer that writes, moves and removes files: completely or not at all, and through no link.

Each part of a path is opened from the folder before it, so that a link in place of a folder leads nowhere, whenever
somebody plants it. A person's own links are followed once, to a workspace's root when it is opened, and by
`output_path` of the commands. Hard links are not detected.
"""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from core.errors import WorkspaceError

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
PASSED = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW  # /home, say, which nobody may list


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file; see `replacement`.

    Args:
        path: The target. Missing parent folders are created.
        content: The whole content of the file.
        mode: Its permission bits, less those that the umask takes.

    Raises:
        WorkspaceError: The operating system refused the write, or a folder on the path is a link.
    """
    with replacement(path, mode) as file:
        file.write(content)


@contextmanager
def replacement(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """An open temporary file beside the target, which is flushed to disk and renamed over the target at the end.

    A reader sees the old file or the new file, never a part of one. Where writing fails, the old file stays.

    Args:
        path: The target. Missing parent folders are created.
        mode: Permission bits of the file, less those that the umask takes.

    Raises:
        WorkspaceError: The operating system refused the write, or a folder on the path is a link.
    """
    part = f".{path.name}.{secrets.token_hex(4)}"
    with _as_sentence(path), folder_at(path.parent, make=True) as folder:
        try:
            with os.fdopen(os.open(part, NEW, mode, dir_fd=folder), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(part, dir_fd=folder)
            raise


@contextmanager
def folder_at(path: Path, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder, where no part of the path is a link.

    Args:
        path: The folder.
        make: Whether to make the folders that are missing.

    Raises:
        OSError: A part is a link, no folder, or missing.
    """
    start, *parts = path.absolute().parts
    folder = os.open(start, FOLDER)
    try:
        for number, part in enumerate(parts, 1):
            try:
                inner = _enter(folder, part, FOLDER if number == len(parts) else PASSED, make)
            except OSError as error:
                if error.errno not in (errno.ENOTDIR, errno.ELOOP):
                    raise
                raise link_error(Path(start, *parts[:number]), "folder") from error
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _enter(folder: int, name: str, flags: int, make: bool) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return os.open(name, flags, dir_fd=folder)


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner can open, for files that name people.

    Raises:
        WorkspaceError: The folder exists or cannot be created.
    """
    with _as_sentence(folder), folder_at(folder.parent, make=True) as outer:
        os.mkdir(folder.name, 0o700, dir_fd=outer)


def move(path: Path, target: Path) -> None:
    """Rename a file or a folder. Raises WorkspaceError."""
    with _as_sentence(target), folder_at(path.parent) as outer, folder_at(target.parent) as other:
        os.replace(path.name, target.name, src_dir_fd=outer, dst_dir_fd=other)


def remove_file(path: Path) -> None:
    """Remove a file, or a link itself; one that is missing is no error. Raises WorkspaceError."""
    with _as_sentence(path), suppress(FileNotFoundError), folder_at(path.parent) as folder:
        os.unlink(path.name, dir_fd=folder)


def remove_folder(path: Path) -> None:
    """Remove a folder, and no link, with all that it holds; a missing one is no error.

    Raises:
        WorkspaceError: Something could not be removed; all the rest is.
    """
    errors: list[BaseException] = []
    with _as_sentence(path), suppress(FileNotFoundError), folder_at(path.parent) as folder:
        shutil.rmtree(path.name, dir_fd=folder, onerror=lambda _call, _name, found: errors.append(found[1]))
        for error in errors:
            if not isinstance(error, FileNotFoundError):
                raise error


def staging(target: Path) -> Path:
    """The hidden folder in which `target` is built before it is renamed into place."""
    return target.with_name(f".{target.name}.part")


def staging_folders(root: Path) -> list[Path]:
    """Every folder below `root` that was begun and not finished."""
    return sorted(root.rglob(".*.part"))


@contextmanager
def _as_sentence(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(path, error) from error


def link_error(path: Path, kind: str) -> OSError:
    """The error of a link, or of something else, in place of a "folder" or "file"."""
    return OSError(errno.ELOOP, f"{path} is a link or no {kind}")


def disk_error(path: Path, error: OSError) -> WorkspaceError:
    """Convert an error of the operating system into one sentence that says what to do."""
    if error.errno == errno.ENOSPC:
        return WorkspaceError(f"The disk that holds {path.parent} is full: free some space and try again.")
    return WorkspaceError(
        f"{path} cannot be written ({error.strerror or error}): check the folder and its permissions."
    )
