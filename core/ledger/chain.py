"""The ledger: signed statements one after another, each of which holds the digest of the one before.

A chain alone cannot tell that its end was cut off, or that somebody with the key wrote it anew. A head can: a signed word on
how long the ledger was and what its last entry looked like, kept where whoever keeps the ledger cannot reach it.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from securesystemslib.signer import SSlibKey

from core.errors import RecordError
from core.ledger.keys import Keys
from core.ledger.statement import Statement, opened, signed
from core.utils.atomic_io import disk_error
from core.utils.clock import utc_now

NOTHING = "0" * 64  # the digest before the first entry
HEAD = "head"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reader may rely on. entries: how many the ledger holds. flaws: sentences; none where it is whole. head: whether a
    head was there to compare with, without which entries may be missing at the end."""

    entries: int
    flaws: tuple[str, ...]
    head: bool


def append(path: Path, kind: str, subjects: Mapping[str, str], content: Mapping[str, Any], keys: Keys) -> None:
    """Sign one more entry and put it behind the others, whole or not at all. Raises RecordError, WorkspaceError.

    A line that was cut off in the middle was never an entry, and gives way.
    """
    try:
        with path.open("ab+", buffering=0) as file:  # what a buffer holds back would be written after the error
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            lines = _lines(file.read())
            if lines and not lines[-1].endswith(b"\n"):
                lines.pop()
            chained = {**content, "number": len(lines) + 1, "before": _last(lines), "time": utc_now()}
            _write(file, sum(map(len, lines)), signed(Statement(kind, subjects, chained), keys) + b"\n")
    except OSError as error:
        raise disk_error(path, error) from error


def _write(file: FileIO, end: int, line: bytes) -> None:
    """Put a line at `end`, and take it away again where the disk does not confirm that it holds it."""
    file.truncate(end)
    try:
        if file.write(line) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
    except OSError:
        file.truncate(end)
        raise


def begin(path: Path, workspace: str, keys: Keys) -> None:
    """The first entry. Raises WorkspaceError."""
    append(path, "ledger", {"key": keys.signer.public_key.keyid}, {"workspace": workspace}, keys)


def head_of(path: Path, keys: Keys) -> bytes:
    """A signed head of the ledger as it stands, to be kept elsewhere. Raises RecordError for a ledger that is not whole."""
    lines = _lines(_read(path))
    _, flaws = _through(lines, keys.signer.public_key)  # type: ignore[arg-type]
    if flaws:
        raise RecordError(f"{path} has no head to sign: {flaws[0]}")
    seen = {"entries": len(lines), "last": _last(lines), "time": utc_now()}
    return signed(Statement(HEAD, {"ledger": _last(lines)}, seen), keys) + b"\n"


def entries(path: Path, key: SSlibKey) -> tuple[Statement, ...]:
    """All statements; a last line that was cut off never was one. Raises RecordError where the ledger is not whole."""
    statements, flaws = _through([line for line in _lines(_read(path)) if line.endswith(b"\n")], key)
    if flaws:
        raise RecordError(f"{path} cannot be relied on: {flaws[0]}")
    return tuple(statements)


def verify(path: Path, key: SSlibKey, head: Path | None = None) -> Verdict:
    """Read a ledger with nothing but its file and the public key, and say everything that is wrong with it.

    Raises RecordError where the file cannot be read at all.
    """
    lines = _lines(_read(path))
    _, flaws = _through(lines, key)
    if head:
        flaws += _beside(lines, head, key)
    return Verdict(len(lines), tuple(flaws), head is not None)


def _through(lines: list[bytes], key: SSlibKey) -> tuple[list[Statement], list[str]]:
    """All statements that are genuine and in their place, and what is wrong with the others."""
    statements, flaws = [], [] if lines else ["The ledger is empty."]
    for number, line in enumerate(lines, 1):
        try:
            statements.append(_entry(number, line, lines[max(0, number - 2) : number - 1], key))
        except RecordError as error:
            flaws.append(f"Entry {number} {error}.")
    return statements, flaws


def _entry(number: int, line: bytes, before: list[bytes], key: SSlibKey) -> Statement:
    """before: the line before it, if there is one. Raises RecordError with what is wrong."""
    if not line.endswith(b"\n"):
        raise RecordError("is cut off")
    statement = opened(line.rstrip(b"\n"), key)
    if (statement.content.get("number"), statement.content.get("before")) != (number, _last(before)):
        raise RecordError("does not follow what stands before it: something was taken out, put in or moved")
    return statement


def _beside(lines: list[bytes], head: Path, key: SSlibKey) -> list[str]:
    """What a head tells about a ledger that grew since, or should have."""
    try:
        statement = opened(_read(head).rstrip(b"\n"), key)
    except RecordError as error:
        return [f"The head {error}."]
    count, last, when = (statement.content.get(name) for name in ("entries", "last", "time"))
    if statement.kind != HEAD or not isinstance(count, int):
        return ["The head is another kind of statement."]
    if count > len(lines):
        return [f"The head of {when} saw {count} entries, and {len(lines)} are here: the last ones were dropped."]
    if _last(lines[:count]) != last:
        return [f"The head of {when} saw another entry {count}: the ledger was written anew since."]
    return []


def _lines(text: bytes) -> list[bytes]:
    """The lines with their ends; only a line feed ends one."""
    found = text.split(b"\n")
    return [line + b"\n" for line in found[:-1]] + ([found[-1]] if found[-1] else [])


def _last(lines: list[bytes]) -> str:
    return hashlib.sha256(lines[-1].rstrip(b"\n")).hexdigest() if lines else NOTHING


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path} cannot be read: name a ledger file.") from error
