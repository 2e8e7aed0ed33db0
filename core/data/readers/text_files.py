"""Text files as people have them: plain or compressed with gzip, in UTF-8 or Latin-1."""

import codecs
import gzip
import io
from pathlib import Path
from typing import BinaryIO, TextIO, cast

GZIP = b"\x1f\x8b"  # first bytes of a compressed file
CHUNK = 1 << 20  # bytes


def open_text(path: Path) -> TextIO:
    """Open a file as text, without a byte order mark and with its own line ends.

    Raises:
        UnicodeError: It is no text: it holds a zero byte.
    """
    encoding = _encoding(path)
    return io.TextIOWrapper(_open(path), encoding=encoding, newline="")


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
    return cast(BinaryIO, gzip.open(path)) if compressed else path.open("rb")


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is, otherwise Latin-1, in which every byte is a character."""
    decoder, found = codecs.getincrementaldecoder("utf-8")(), "utf-8-sig"
    with _open(path) as file:
        while chunk := file.read(CHUNK):
            if b"\0" in chunk:
                raise UnicodeError("it holds a zero byte")
            if found != "latin-1":
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    found = "latin-1"
    return found
