"""The ledger: a file of signed statements, each of which holds the digest of the one before.

A chain alone cannot show that its end was cut off, or that somebody with the key rewrote it. A head can: a signed
statement of the ledger's length and last digest, stored out of reach of whoever keeps the ledger.
"""

import errno
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it has no __all__

from core.errors import LedgerError
from core.ledger.kept_head import Head, keep_head, kept_head, key_lock, rolled_back
from core.ledger.keys import Keys
from core.ledger.statement import Statement, opened, parsed, payload_of, signed
from core.utils.atomic_io import disk_error
from core.utils.clock import utc_now
from core.utils.no_links import opener

NOTHING = "0" * 64  # takes the place of the digest before the first entry
HEAD, RESTORED = "head", "restored"
PLACE = ("number", "before", "time")  # fields that `append` adds to the content of each entry


@dataclass(frozen=True, slots=True)
class LedgerCheck:
    """The result of checking a ledger.

    Attributes:
        entries: Number of entries.
        flaws: One sentence for each fault; empty where the ledger is intact.
        head: Whether a head was compared. Without one, entries may be missing at the end.
    """

    entries: int
    flaws: tuple[str, ...]
    head: bool


def append(path: Path, kind: str, subjects: Mapping[str, str], content: Mapping[str, Any], keys: Keys) -> None:
    """Sign one entry and append it, completely or not at all. An incomplete last line is replaced.

    Where only the head cannot be kept, the entry stays.

    Args:
        path: The ledger file.
        kind: The kind of statement.
        subjects: SHA-256 digests by name.
        content: JSON values and dataclasses.
        keys: The keys that sign.

    Raises:
        LedgerError: The ledger is damaged, or is an earlier copy of the one that was signed here last.
        WorkspaceError: The file cannot be written.
    """
    key = keys.signer.public_key
    with key_lock(key):
        _append(path, Statement(kind, subjects, content), keys, kept_head(key))


def accept(path: Path, keys: Keys) -> None:
    """Go on with an earlier copy of a ledger, such as of a backup. An entry holds the head of the later state.

    Raises:
        LedgerError: The ledger is damaged, or is no earlier copy.
        WorkspaceError: The file cannot be written.
    """
    key = keys.signer.public_key
    with key_lock(key):
        head, lines = kept_head(key), _whole(_lines(_read(path)))
        if head is None or _last(lines[: head.entries]) == head.last:
            raise LedgerError(f"{path} is not accepted: no later state of it is known.")
        if flaws := _read_entries(lines, key)[1]:
            raise LedgerError(f"{path} is not accepted: {flaws[0]}")
        _append(path, Statement(RESTORED, {"ledger": head.last}, {"entries": head.entries}), keys, None)


def _append(path: Path, statement: Statement, keys: Keys, head: Head | None) -> None:
    """Append an entry where the ledger has only grown since `head`, and each entry was signed with these keys."""
    try:
        with open(path, "ab+", 0, opener=opener) as file:  # a buffer would write after the error
            file.seek(0)
            content = file.read()
            lines = _whole(_lines(content))
            _check_kept(path, lines, head)
            known = head.entries if head and head.vouches_for(content) else 0
            if lines and (flaws := _flaws_after(lines, known, keys.signer.public_key)):
                raise LedgerError(f"{path} is damaged: {flaws[0]}")
            place = {"number": len(lines) + 1, "before": _last(lines), "time": utc_now()}
            line = signed(replace(statement, content={**statement.content, **place}), keys) + b"\n"
            before = b"".join(lines)
            _write(file, len(before), line)
            keep_head(keys.signer.public_key, _head_of([*lines, line], before + line))
    except OSError as error:
        raise disk_error(path, error) from error


def _check_kept(path: Path, lines: list[bytes], head: Head | None) -> None:
    """Raise LedgerError where the ledger has not only grown since its head was kept."""
    if head and _last(lines[: head.entries]) != head.last:
        raise rolled_back(path, len(lines), head)


def _head_of(lines: list[bytes], content: bytes) -> Head:
    return Head(len(lines), _last(lines), len(content), hashlib.sha256(content).hexdigest())


def _write(file: FileIO, end: int, line: bytes) -> None:
    """Write a line at `end`, and remove it again where the disk does not confirm it."""
    file.truncate(end)
    try:
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise


def head_of(path: Path, keys: Keys) -> bytes:
    """A signed head of the ledger, to be stored elsewhere.

    Raises:
        LedgerError: The ledger is damaged, or is an earlier copy of the one that was signed here last.
    """
    lines = _lines(_read(path))
    _, flaws = _read_entries(lines, keys.signer.public_key)
    if flaws:
        raise LedgerError(f"{path} has no head to sign: {flaws[0]}")
    _check_kept(path, lines, kept_head(keys.signer.public_key))
    seen = {"entries": len(lines), "last": _last(lines), "time": utc_now()}
    return signed(Statement(HEAD, {"ledger": _last(lines)}, seen), keys) + b"\n"


def entries(path: Path, key: SSlibKey, *words: str) -> tuple[Statement, ...]:
    """The statements whose text holds all of some words, oldest first. An incomplete last line is not one.

    Args:
        path: The ledger file.
        key: The key that signed it.
        words: For example a kind and the id of a run, the rarest last: other statements are not parsed, which would
            take the most time.

    Raises:
        LedgerError: The ledger is damaged, or is an earlier copy of the one that was signed here last.
    """
    head = kept_head(key)  # before the ledger, which may grow meanwhile
    found, texts = (path, _stamp(path), key, head), [word.encode() for word in words if word]
    lines = _lines_with(*found, texts[-1]) if texts else _checked_text(*found).split(b"\n")
    return tuple(parsed(line) for line in lines if all(word in line for word in texts))


def line_of(path: Path, number: int) -> bytes:
    """The line of an entry as it was signed, by its number from 1. Raises LedgerError where it is not there."""
    if number > len(lines := _whole(_lines(_read(path)))):
        raise LedgerError(f"{path} has no entry {number}: restore it.")
    return lines[number - 1].rstrip(b"\n")


@lru_cache(maxsize=32)
def _lines_with(
    path: Path, unchanged: tuple[int, ...], key: SSlibKey, head: Head | None, word: bytes
) -> tuple[bytes, ...]:
    """The statements of a checked ledger that hold a word: one decision asks for the same few ids many times."""
    text, end, found = _checked_text(path, unchanged, key, head), 0, []
    while (place := text.find(word, end)) >= 0:
        start, end = text.rfind(b"\n", 0, place) + 1, text.find(b"\n", place)
        end = len(text) if end < 0 else end
        found.append(text[start:end])
    return tuple(found)


@lru_cache(maxsize=2)
def _checked_text(path: Path, _unchanged: tuple[int, ...], key: SSlibKey, head: Head | None) -> bytes:
    """All statements of a ledger that was checked, one a line: one decision reads it many times."""
    content = _read(path)
    lines = _whole(_lines(content))
    known = head.entries if head and head.vouches_for(content) else 0
    if flaws := _flaws_after(lines, known, key):
        raise LedgerError(f"{path} is damaged: {flaws[0]}")
    _check_kept(path, lines, head)
    return b"\n".join(map(payload_of, lines))


def _flaws_after(lines: list[bytes], known: int, key: SSlibKey) -> list[str]:
    """The faults of the entries after those that are known to be intact."""
    return _read_entries(lines[known:], key, lines[:known])[1]


def _stamp(path: Path) -> tuple[int, ...]:
    """What the operating system changes with every write to a file."""
    try:
        found = path.stat()
    except OSError as error:
        raise _unread(path) from error
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def verify(path: Path, key: SSlibKey, head: Path | None = None) -> LedgerCheck:
    """Check a ledger with nothing but its file, the public key and an optional head.

    Raises:
        LedgerError: The file cannot be read.
    """
    lines = _lines(_read(path))
    _, flaws = _read_entries(lines, key)
    if head:
        flaws += _compare_head(lines, head, key)
    return LedgerCheck(len(lines), tuple(flaws), head is not None)


def _read_entries(lines: list[bytes], key: SSlibKey, before: Sequence[bytes] = ()) -> tuple[list[Statement], list[str]]:
    """All valid statements of lines that follow those `before`, and one sentence for each invalid entry."""
    whole, statements = [*before, *lines], []
    flaws = [] if whole else ["The ledger is empty."]
    for number, line in enumerate(lines, len(before) + 1):
        try:
            statements.append(_entry(number, line, whole[max(0, number - 2) : number - 1], key))
        except LedgerError as error:
            flaws.append(f"Entry {number} {error}.")
    return statements, flaws


def _entry(number: int, line: bytes, before: list[bytes], key: SSlibKey) -> Statement:
    """The statement of a line; `before` holds the line before it, if any. Raises LedgerError with the fault."""
    if not line.endswith(b"\n"):
        raise LedgerError("is cut off")
    statement = opened(line.rstrip(b"\n"), key)
    if (statement.content.get("number"), statement.content.get("before")) != (number, _last(before)):
        raise LedgerError("does not follow the entry before it: an entry was removed, inserted or moved")
    return statement


def _compare_head(lines: list[bytes], head: Path, key: SSlibKey) -> list[str]:
    """The faults that a head shows: the ledger may only have grown since."""
    try:
        statement = opened(_read(head).rstrip(b"\n"), key)
    except LedgerError as error:
        return [f"The head {error}."]
    count, last, when = (statement.content.get(name) for name in ("entries", "last", "time"))
    if statement.kind != HEAD or not isinstance(count, int):
        return ["The head is another kind of statement."]
    if count > len(lines):
        return [f"The head of {when} saw {count} entries, and {len(lines)} are here: the last ones were dropped."]
    if _last(lines[:count]) != last:
        return [f"The head of {when} saw another entry {count}: the ledger was rewritten since."]
    return []


def _lines(text: bytes) -> list[bytes]:
    """Lines with their line feeds."""
    found = text.split(b"\n")
    return [line + b"\n" for line in found[:-1]] + ([found[-1]] if found[-1] else [])


def _whole(lines: list[bytes]) -> list[bytes]:
    """The lines without one that was cut off at the end."""
    return lines[:-1] if lines and not lines[-1].endswith(b"\n") else lines


def _last(lines: list[bytes]) -> str:
    return hashlib.sha256(lines[-1].rstrip(b"\n")).hexdigest() if lines else NOTHING


def _read(path: Path) -> bytes:
    if not path.is_file():  # reading a FIFO would wait for ever
        raise _unread(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unread(path) from error


def _unread(path: Path) -> LedgerError:
    return LedgerError(f"{path} cannot be read: name a ledger file.")
