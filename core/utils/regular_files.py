"""Regular files are opened to read, through links too; nothing else is, since a FIFO would be waited for."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from core.errors import DamagedError, WorkspaceError


@contextmanager
def regular_file(path: Path) -> Iterator[BufferedReader]:
    """A regular file, open to read.

    Raises:
        WorkspaceError: The file is missing, or something else stands in its place.
        DamagedError: It cannot be read.
    """
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _no_file(path)
            yield file
    except FileNotFoundError:
        raise WorkspaceError(f"{path} is not there: check the id and the workspace folder.") from None
    except IsADirectoryError:
        raise _no_file(path) from None
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error.strerror}): check its permissions, or restore it.") from None


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _no_file(path: Path) -> WorkspaceError:
    return WorkspaceError(f"{path} is no file: remove it, and restore the file that stood there.")
