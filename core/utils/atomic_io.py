"""File writes that either happen completely or leave the old file in place."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import WorkspaceError


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file; see `replacement`.

    Args:
        path: The target. Missing parent folders are created.
        content: The whole content of the file.

    Raises:
        WorkspaceError: The operating system refused the write.
    """
    with replacement(path) as file:
        file.write(content)


@contextmanager
def replacement(path: Path) -> Iterator[BinaryIO]:
    """An open temporary file beside the target, which is flushed to disk and renamed over the target at the end.

    A reader sees the old file or the new file, never a part of one. Where writing fails, the old file stays.

    Args:
        path: The target. Missing parent folders are created.

    Raises:
        WorkspaceError: The operating system refused the write.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fchmod(file.fileno(), 0o644)  # of this very file: by its name, a link could lead elsewhere
                os.fsync(file.fileno())
            os.replace(name, path)  # noqa: PTH105
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise disk_error(path, error) from error


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner can open, for files that name people.

    Raises:
        WorkspaceError: The folder exists or cannot be created.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise disk_error(folder, error) from error


def staging(target: Path) -> Path:
    """The hidden folder in which `target` is built before it is renamed into place."""
    return target.with_name(f".{target.name}.part")


def staging_folders(root: Path) -> list[Path]:
    """Every folder below `root` that was begun and not finished."""
    return sorted(root.rglob(".*.part"))


def disk_error(path: Path, error: OSError) -> WorkspaceError:
    """Convert an error of the operating system into one sentence that says what to do."""
    if error.errno == errno.ENOSPC:
        return WorkspaceError(f"The disk that holds {path.parent} is full: free some space and try again.")
    return WorkspaceError(
        f"{path} cannot be written ({error.strerror or error}): check the folder and its permissions."
    )
