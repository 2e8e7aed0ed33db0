"""Text files as people have them: plain or compressed with gzip, in UTF-8 or Latin-1."""

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from core.errors import DataError

GZIP = b"\x1f\x8b"  # first bytes of a compressed file
CHUNK = 1 << 20  # bytes
MAX_LINE = 1 << 24  # characters
UTF_8, LATIN_1 = "utf-8-sig", "latin-1"


def encoding_of(path: Path) -> str:
    """UTF-8 where the whole file is valid UTF-8, otherwise Latin-1, in which every byte is a character.

    Raises:
        UnicodeError: The file is no text: it holds a zero byte.
    """
    decoder, valid = codecs.getincrementaldecoder("utf-8")(), True
    with _open(path) as file:
        chunk = b"any"
        while chunk:
            chunk = file.read(CHUNK)
            if b"\0" in chunk:
                raise UnicodeError("it holds a zero byte")
            try:
                valid = valid and decoder.decode(chunk, final=not chunk) is not None
            except UnicodeDecodeError:
                valid = False
    return UTF_8 if valid else LATIN_1


def open_text(path: Path, encoding: str) -> TextIO:
    """Open a file as text with its own line ends, without a byte order mark."""
    return io.TextIOWrapper(_open(path), encoding=encoding, newline="")


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


def encoding_notes(path: Path, encoding: str) -> tuple[str, ...]:
    """A sentence where a file is not UTF-8."""
    return (f"{path.name} is not valid UTF-8: it is read as Latin-1.",) if encoding == LATIN_1 else ()


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")
