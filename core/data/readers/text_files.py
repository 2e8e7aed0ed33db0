"""Text files as people have them: plain or compressed with gzip, in UTF-8 or Latin-1."""

import codecs
import gzip
import io
from pathlib import Path
from typing import BinaryIO, TextIO, cast

GZIP = b"\x1f\x8b"  # first bytes of a compressed file
CHUNK = 1 << 20  # bytes
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


def encoding_notes(path: Path, encoding: str) -> tuple[str, ...]:
    """A sentence where a file is not UTF-8."""
    return (f"{path.name} is not valid UTF-8: it is read as Latin-1.",) if encoding == LATIN_1 else ()


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")
