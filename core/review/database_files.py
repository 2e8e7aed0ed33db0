"""Parts of SQLite files, and what keeps such a file, or a journal of it, from being known whole."""

import os
import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from core.review.database_pages import MOST_PAGES, is_page, number
from core.review.file_parts import NotReadError, Part, Stored, bytes_of

LOG, LOG_HEADER, FRAME_HEADER = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"), 32, 24  # of the file ...-wal
JOURNAL, JOURNAL_HEADER = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 28  # of the file ...-journal
SECTOR, PAGE = 512, 4096  # bytes, in databases of ours
INDEX = tuple((3_007_000).to_bytes(4, order) for order in ("little", "big"))  # how the file ...-shm begins
INDEX_PART, INDEX_HEADER, PAGES, SLOTS = 1 << 15, 136, 1 << 14, 4096  # bytes, bytes, bytes, values of a slot


def database_parts(path: Path, file: BinaryIO) -> Iterator[Part | Stored]:
    """All bytes of an SQLite file, also of rows that were deleted, and all its rows.

    Raises:
        NotReadError: After the last part: the file is damaged, or has bytes in free pages or behind its last page.
    """
    yield from bytes_of(file)
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            yield from rows(database)
            if database.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:  # finds pages that nothing uses
                raise NotReadError("damaged")
    except sqlite3.Error as error:
        raise NotReadError("damaged") from error
    _check_unused(file)


def rows(database: sqlite3.Connection) -> Iterator[Part | Stored]:
    """All rows of an open database, and the bytes in them."""
    for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
        found = database.execute('SELECT * FROM "{}"'.format(table.replace('"', '""')))
        names = [column[0] for column in found.description]
        for row in found:
            yield {table: dict(zip(names, row, strict=True))}
            yield from (Stored(value) for value in row if isinstance(value, bytes))


def _check_unused(file: BinaryIO) -> None:
    """Check that a database ends with its last page, and that its free pages are empty (`secure_delete`)."""
    file.seek(0)
    head = file.read(36)
    size, count, free = number(head, 16, 2), number(head, 28), number(head, 32)
    size = size if size > 1 else 1 << 16
    if file.seek(0, os.SEEK_END) != size * count:
        raise NotReadError("a database with bytes behind its last page")
    while free:  # each of these pages names the next one, and others that hold nothing
        page = _page(file, size, free)
        others = [number(page, start) for start in range(8, size, 4)]  # behind those that count, old ones remain
        if max(others) > count or any(_page(file, size, one).strip(b"\0") for one in others[: number(page, 4)]):
            raise NotReadError("a database with remains of what was deleted: run VACUUM in it")
        free = number(page, 0)


def _page(file: BinaryIO, size: int, place: int) -> bytes:
    file.seek(size * (place - 1))
    return file.read(size)


def is_log(file: BinaryIO) -> bool:
    """Whether a file is SQLite's write-ahead log, and each page in it is one of text and numbers."""
    file.seek(0)
    head = file.read(LOG_HEADER)
    if not head.startswith(LOG) or not 512 <= (size := number(head, 8)) <= 1 << 16:
        return False
    while file.read(FRAME_HEADER):
        if not is_page(file.read(size)):
            return False
    return True


def is_journal(file: BinaryIO) -> bool:
    """Whether a file is SQLite's rollback journal, and each page in it is one of text and numbers."""
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    while file.tell() < end:
        if not _is_part_of_journal(file):
            return False
    return True


def _is_part_of_journal(file: BinaryIO) -> bool:
    """Check a header, and its records: number of a page, page, checksum. The last may be cut.

    Until the records are safe on disk, the header has zeros for its first bytes and for their number.
    """
    head = file.read(JOURNAL_HEADER)
    count, sector, size = (number(head, place) for place in (8, 20, 24)) if any(head) else (0, SECTOR, PAGE)
    if head[: len(JOURNAL)] not in (JOURNAL, bytes(len(JOURNAL))):
        return False
    if not all(512 <= one <= 1 << 16 for one in (sector, size)) or any(file.read(sector - JOURNAL_HEADER)):
        return False
    done = 0
    while (done < count or not count) and file.read(4):
        if not is_page(file.read(size).ljust(size, b"\0")):
            return False
        file.read(4)
        done += 1
    return not any(file.read(-file.tell() % sector))


def is_log_index(file: BinaryIO) -> bool:
    """Whether a file is the index of a write-ahead log, which holds numbers of pages only."""
    file.seek(0)
    skipped = INDEX_HEADER
    if not file.read(4).startswith(INDEX):
        return False
    file.seek(0)
    while part := file.read(INDEX_PART):
        pages, slots = array("I", part[skipped:PAGES]), array("H", part[PAGES:])
        if len(part) < INDEX_PART or max(pages) >= MOST_PAGES or max(slots) > SLOTS:
            return False
        skipped = 0
    return True
