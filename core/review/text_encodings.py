"""Encoding of a file that does not name it: the first one in which the file is text from its beginning to its end."""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 1 << 20  # bytes that are read at a time
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
UNMARKED = ("utf-8", "utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be", "latin-1")
SHIFT = re.compile(r"\x1b\$[()@AB]")  # to two bytes a character, in encodings of seven bits
CONTROL = re.compile(r"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")  # characters that neither text nor a terminal's log has
INVISIBLE = re.compile(r"[\s\x00-\x1f\u200b-\u200f\u2060\ufeff\u00ad]")  # of those that a text may have
COMMON = re.compile(r"[\t\n\r -~]")
# ASCII in a text of two or four bytes a character: bytes by chance make other characters.
LEAST_SHARE, LEAST_COMMON = 0.05, 8
# Letters outside ASCII in a text of one byte a character, at most: packed bytes, KOI8-R and EBCDIC have more.
MOST_OTHERS = 0.125


def encoding_of(file: BinaryIO) -> str | None:
    """The encoding of an open file; "latin-1" for any other with ASCII in it; None for a file that is no text."""
    start = _from_start(file, 4)
    marked = [name for mark, name in MARKS if start.startswith(mark)]
    return next((name for name in marked[:1] or UNMARKED if _is_text(file, name)), None)


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """An open file from its beginning, in parts."""
    file.seek(0)
    while chunk := file.read(CHUNK):
        yield chunk


def _from_start(file: BinaryIO, size: int) -> bytes:
    file.seek(0)
    return file.read(size)


def _is_text(file: BinaryIO, encoding: str) -> bool:
    decoder, wide = codecs.getincrementaldecoder(encoding)(), encoding.endswith(("le", "be"))  # without a mark
    try:
        for number, chunk in enumerate(chunks(file)):
            text = decoder.decode(chunk)
            if CONTROL.search(text) or (wide and not _is_plausible(text, number)):
                return False
            if encoding == "utf-8" and SHIFT.search(text):
                return False
            if encoding == "latin-1" and chunk.decode(errors="replace").count("\ufffd") > MOST_OTHERS * len(chunk):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_plausible(text: str, number: int) -> bool:
    """Whether characters of two or four bytes are text: known ones, and enough of ASCII in the first part."""
    common = len(COMMON.findall(text))
    return INVISIBLE.sub("", text).isprintable() and (
        number > 0 or common >= max(LEAST_COMMON, LEAST_SHARE * len(text))
    )
