"""SQLite database with durable transactions, one writer at a time, and errors as one sentence.

A transaction is complete or absent, also after a kill or a power cut (`synchronous = FULL`). Deleted content is
overwritten on disk (`secure_delete`). A file with a table, index, trigger or view that is not ours is refused: with it,
our own commands may do something else than they say.
"""

import errno
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import BusyError, WorkspaceError
from core.utils.atomic_io import disk_error, folder_at, link_error
from core.utils.commands import command_line

BUSY = 30.0  # seconds to wait for the file's lock


class Database:
    """One SQLite file, with one connection for each thread.

    Every method may raise WorkspaceError.

    Args:
        path: The file; it is created with its folder at the first use.
        schema: SQL that creates the tables and indexes if they are missing. Files keep its text, so a later version
            adds to it, and changes nothing in it.
        journal: Journal mode: "WAL", or "DELETE" for a file that several machines use or whose deleted content must
            not remain in a log.
    """

    def __init__(self, path: Path, schema: str, journal: str) -> None:
        self.path, self.schema, self.journal, self._local = path, schema, journal, threading.local()

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """Yield this thread's connection; convert errors of SQLite to WorkspaceError."""
        try:
            if not hasattr(self._local, "database"):
                self._local.database = self._connect()
            yield self._local.database
        except sqlite3.Error as error:
            if _code(error) == sqlite3.SQLITE_FULL:
                raise disk_error(self.path, OSError(errno.ENOSPC, "")) from error
            if _is_busy(error):
                raise BusyError(f"{self.path} is in use by another process: try again in a minute.") from error
            raise WorkspaceError(f"{self.path} cannot be used ({error}): see `{command_line('doctor')}`.") from error
        except OSError as error:
            raise disk_error(self.path, error) from error

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside one transaction, which excludes all other writers."""
        with self.opened() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                self.check_objects(database)  # again: now nobody can add one
                yield database
            except BaseException:
                if database.in_transaction:  # SQLite rolls back by itself when the disk is full
                    database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def flaws(self) -> tuple[str, ...]:
        """Damage that SQLite finds in the file, or that it is another one; none where it is intact, in use, or missing.

        The file is opened for reading only, since opening it for work would add the missing tables to it.
        """
        if not self.path.is_file():
            return ()
        try:
            with closing(self._unlinked("mode=ro")) as database:
                found = [row[0] for row in database.execute("PRAGMA integrity_check") if row[0] != "ok"]
                found += self._foreign(database) or ([] if _objects(database) else ["it is empty"])
        except sqlite3.Error as error:
            return () if _is_busy(error) else (f"{self.path} cannot be used ({error})",)
        except OSError as error:
            return (str(disk_error(self.path, error)).rstrip("."),)
        return (f"{self.path} is damaged ({'; '.join(found)})",) if found else ()

    def check_objects(self, database: sqlite3.Connection) -> None:
        """Check that a database holds no table, index, trigger or view that is not ours. Raises WorkspaceError."""
        if foreign := self._foreign(database):
            raise WorkspaceError(
                f"{self.path} cannot be used ({'; '.join(foreign)}): restore it, or see `{command_line('doctor')}`."
            )

    def _foreign(self, database: sqlite3.Connection) -> list[str]:
        foreign = _objects(database) - _objects_of(self.schema)
        return sorted(f"its {kind} {str(name)[:40]!r} was not made by CURE Lens" for kind, name, *_ in foreign)

    def _connect(self) -> sqlite3.Connection:
        database = self._unlinked("mode=rwc")
        self.check_objects(database)
        database.row_factory = sqlite3.Row
        with suppress(sqlite3.OperationalError):  # another process uses the file in its mode, which stays
            database.execute(f"PRAGMA journal_mode = {self.journal}")
        for setting in ("synchronous = FULL", "secure_delete = ON"):
            database.execute(f"PRAGMA {setting}")
        database.executescript(self.schema)
        return database

    def _unlinked(self, mode: str) -> sqlite3.Connection:
        """A connection to the file, which is reached through no link. Raises OSError.

        SQLite follows links, and tells where it came out: a link that is planted meanwhile leads to another name.
        """
        path = self.path.absolute()
        _require_file(path, make=mode != "mode=ro")
        database = sqlite3.connect(f"{path.as_uri()}?{mode}", timeout=BUSY, isolation_level=None, uri=True)
        if database.execute("PRAGMA database_list").fetchone()[2] != str(path):
            database.close()
            raise link_error(path, "file")
        return database


def _require_file(path: Path, make: bool) -> None:
    """Raise OSError where a folder on a path is a link, or what stands there is no file.

    The file is not opened: to close it would release SQLite's locks on it.
    """
    with folder_at(path.parent, make) as folder, suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise link_error(path, "file")


def _objects(database: sqlite3.Connection) -> frozenset[tuple[Any, ...]]:
    """All tables, indexes, triggers and views: what each is, its name, its table and its SQL."""
    return frozenset(map(tuple, database.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")))


@cache
def _objects_of(schema: str) -> frozenset[tuple[Any, ...]]:
    """The objects that a schema makes."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(schema)
        return _objects(database)


def _code(error: sqlite3.Error) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_busy(error: sqlite3.Error) -> bool:
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
