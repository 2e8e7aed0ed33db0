"""Parts of files that can be searched: JSON values, table rows, text, or mere bytes."""

import json
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from core.review.text_encodings import chunks

OVERLAP = 1 << 16  # characters that two parts of a line, or bytes that two parts of a file, have in common
WORD_CHARACTERS = f"{string.ascii_letters}{string.digits}_-"
WORD_BYTES = WORD_CHARACTERS.encode()
# Of JSON amid text, where a bracket may be anything, as in TOML and in arrays that NumPy prints.
OPENING = re.compile(r'\{\s*"|^\[\s*(?:["{]|(?:\[\s*)+(?:["{]|-?\d+(?:[.]\d+)?\s*[,\]]))', re.MULTILINE)
MOST_TRIES = 16  # times that a text may be read in search of JSON


class NotReadError(Exception):
    """A file, or a part of it, cannot be searched; the message says why in some words, such as "compressed"."""


@dataclass(frozen=True)
class ColumnBatch:
    """Some rows of a table as columns: each value of a column is searched once, however many rows have it.

    Attributes:
        columns: The values of each column by its name, all of one length and none of them a list or an object.
    """

    columns: Mapping[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Text:
    """A part of a file that is text and no JSON value.

    Attributes:
        text: The text.
        ends_guess: Whether the parts before it were read in encodings that the file need not have.
    """

    text: str
    ends_guess: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that a file keeps as one value: text, or a whole file of another format."""

    content: bytes


Part = ColumnBatch | Text | bytes | dict[str, Any] | list[Any]


class _UncountedText(str):
    """Text whose lines are not counted: the error at each bracket that is no JSON would count all before it."""

    __slots__ = ()

    def count(self, *_: object) -> int:
        return 0

    rfind = count


class JsonReader:
    """Reads JSON values.

    Attributes:
        repeats: Whether an object has a key twice: a value would hold the last entry alone, so it is left as text.
        breaks: Whether something that begins as JSON does not end so.
        gives_up: Whether too much breaks off, one inside another, to look at all of it.
    """

    def __init__(self) -> None:
        self.repeats = self.breaks = self.gives_up = False
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object)

    def read(self, text: str) -> Any:
        """A JSON object or list; None for any other text."""
        try:
            return self._decoder.decode(text) if text.lstrip()[:1] in ("{", "[") else None
        except ValueError:
            return None

    def read_amid(self, text: str) -> Iterator[Any]:
        """The JSON objects amid other text, and the lists of which one begins a line."""
        text, place, left = _UncountedText(text), 0, MOST_TRIES * len(text)
        while found := OPENING.search(text, place):
            start = place = found.start()
            try:
                value, place = self._decoder.raw_decode(text, start)
                yield value
            except ValueError as error:
                self.breaks = True
                left -= getattr(error, "pos", len(text)) - start
                place = start + 1
            if left < 0:
                self.gives_up = True
                return

    def _object(self, entries: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(entries)
        if len(found) < len(entries):
            self.repeats = True
            raise ValueError
        return found


def bytes_of(file: BinaryIO) -> Iterator[bytes]:
    """Parts of a file that overlap, without the words that are cut."""
    rest = b""
    for chunk in chunks(file):
        block = rest + chunk
        yield block.rstrip(WORD_BYTES)
        rest = block[-OVERLAP:].lstrip(WORD_BYTES) if len(block) > OVERLAP else block
    yield rest
