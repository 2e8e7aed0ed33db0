"""An SQLite file that survives kills and power cuts: whole transactions, one writer at a time, refusals as one sentence."""

import errno
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import BusyError, WorkspaceError
from core.utils.atomic_io import disk_error

BUSY = 30.0  # seconds that one waits for the file's lock


class Database:
    """One file, with a connection a thread. journal: "WAL", or "DELETE" for what several machines use or what is to be forgotten.
    What is deleted is overwritten. Every use may raise WorkspaceError."""

    def __init__(self, path: Path, schema: str, journal: str) -> None:
        self.path, self.schema, self.journal, self._local = path, schema, journal, threading.local()

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; what SQLite refuses is one sentence."""
        try:
            if not hasattr(self._local, "database"):
                self._local.database = self._connect()
            yield self._local.database
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code == sqlite3.SQLITE_FULL:
                raise disk_error(self.path, OSError(errno.ENOSPC, "")) from error
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise BusyError(f"{self.path} is in use by another process: try again in a minute.") from error
            raise WorkspaceError(f"{self.path} cannot be used ({error}): see `python -m core doctor`.") from error
        except OSError as error:
            raise disk_error(self.path, error) from error

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: whole or not at all, and nobody else writes meanwhile."""
        with self.opened() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                if database.in_transaction:  # a full disk ends it by itself
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None)
        database.row_factory = sqlite3.Row
        with suppress(sqlite3.OperationalError):  # somebody has it open in another mode, which then serves
            database.execute(f"PRAGMA journal_mode = {self.journal}")
        for setting in ("synchronous = FULL", "secure_delete = ON"):
            database.execute(f"PRAGMA {setting}")
        database.executescript(self.schema)
        return database
