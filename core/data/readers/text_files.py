"""Text files as people have them: plain or compressed with gzip, in UTF-8, with other bytes as in Windows-1252."""

import codecs
import gzip
import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from core.errors import DataError

GZIP = b"\x1f\x8b"  # first bytes of a compressed file
CHUNK = 1 << 20  # bytes
MAX_LINE = 1 << 24  # characters
WINDOWS = "cure-lens-windows-1252"  # name of the handler of bytes that are not UTF-8
# First bytes of files that are no text, and what to do. Excel saves "Unicode text" in UTF-16.
NO_TEXT = {
    GZIP: ("compressed twice", "unpack it once"),
    b"PK\x03\x04": ("a zip archive or an Excel workbook", "unpack the archive, or save the sheet as CSV UTF-8"),
    b"BZh": ("compressed with bzip2", "unpack it, or compress it with gzip"),
    b"\xfd7zXZ": ("compressed with xz", "unpack it, or compress it with gzip"),
    b"\x28\xb5\x2f\xfd": ("compressed with zstd", "unpack it, or compress it with gzip"),
    b"PAR1": ("a Parquet file", "write parquet: before its path, or give it the suffix .parquet"),
    codecs.BOM_UTF16_LE: ("UTF-16", "save it as UTF-8"),
    codecs.BOM_UTF16_BE: ("UTF-16", "save it as UTF-8"),
}


def check_text(path: Path) -> tuple[str, ...]:
    """Check that a file is text, and find out whether all of it is UTF-8.

    Returns:
        A sentence where it is not.

    Raises:
        DataError: The file is no text.
    """
    if path.is_dir():
        raise _no_text(path, "a folder", "name the file in it")
    decoder, line, fault = codecs.getincrementaldecoder("utf-8")(), 1, 0
    with _open(path) as file:
        start = file.read(CHUNK)
        if kind := next((kind for first, kind in NO_TEXT.items() if start.startswith(first)), None):
            raise _no_text(path, *kind)
        for chunk in chain([start], iter(lambda: file.read(CHUNK), b""), [b""]):
            if b"\0" in chunk:
                raise _no_text(path, "binary, since it holds a zero byte", "save it as text in UTF-8")
            fault = fault or _line_of_fault(decoder, chunk, line)
            line += chunk.count(b"\n")
    if not fault:
        return ()
    other = "if letters come out wrong, save it as UTF-8"
    return (f"{path.name} is not valid UTF-8 (line {fault}): such bytes are read as Windows-1252; {other}.",)


def open_text(path: Path) -> TextIO:
    """Open a file as text with its own line ends, without a byte order mark."""
    return io.TextIOWrapper(_open(path), encoding="utf-8-sig", errors=WINDOWS, newline="")


def lines_of(path: Path, file: TextIO) -> Iterator[str]:
    """The lines of an open file with their line ends, of which no more than one is in memory.

    Raises:
        DataError: A line is too long.
    """
    number = 1
    while line := file.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise DataError(
                f"{path} line {number} has more than {MAX_LINE:,} characters: write each row on a line of its own."
            )
        yield line
        number += 1


def _line_of_fault(decoder: codecs.IncrementalDecoder, chunk: bytes, line: int) -> int:
    """The line of the first byte that is not UTF-8; 0 if there is none. An empty chunk ends the text."""
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        return line + error.object[: error.start].count(b"\n")
    return 0


def _windows_letter(error: Any) -> tuple[str, int]:
    """One byte that is not UTF-8 as a letter; the five bytes that Windows-1252 leaves out are those of Latin-1."""
    byte = error.object[error.start : error.start + 1]
    try:
        return byte.decode("cp1252"), error.start + 1
    except UnicodeDecodeError:
        return byte.decode("latin-1"), error.start + 1


codecs.register_error(WINDOWS, _windows_letter)


def _no_text(path: Path, kind: str, mend: str) -> DataError:
    return DataError(f"{path} cannot be read as text (it is {kind}): {mend}.")


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")
