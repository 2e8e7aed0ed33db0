"""Parts of binary formats that keep text as it is; nothing in them is run.

A file is one of them by its whole content, whatever its name: packed bytes under a name of ours are none.
"""

import os
import pickletools
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from core.review.database_files import is_journal, is_log, is_log_index
from core.review.file_parts import NotReadError, Part, Stored, Text
from core.review.forgotten_data import NEXT

PICKLE, PIECES = b"\x80", b"\x0a"  # first bytes of a pickle, and of a SentencePiece model
LARGEST_MODEL = 1 << 27  # bytes
MOST_CELLS = 100_000  # values of a pickle that are searched as one text
LONG_NUMBER = 128  # bits; longer ones of a pickle may be text
WRONG = (ValueError, LookupError, ArithmeticError, struct.error)  # of a pickle that is none
# Fields of a SentencePiece model: the pieces, and settings with names. The table of characters is bytes, and not read.
PIECE, SETTINGS, TABLE, PIECE_FIELDS = 1, (2, 3, 5), 2, (1, 2, 3)
SIZES = {1: 8, 5: 4}  # bytes of a number by its kind in protobuf


def binary_parts(file: BinaryIO) -> Iterator[Part | Stored]:
    """The values of a pickle, or the pieces of a SentencePiece model; none of a journal, whose bytes are text.

    Raises:
        NotReadError: The file is of another format, or has more than its format.
    """
    file.seek(0)
    start = file.read(1)
    try:
        if start == PICKLE:
            yield from _pickle_parts(file)
        elif start == PIECES and file.seek(0, os.SEEK_END) <= LARGEST_MODEL:
            file.seek(0)
            yield from _model_parts(file.read())
        elif not (is_log(file) or is_journal(file) or is_log_index(file)):
            raise ValueError
    except WRONG as error:
        raise NotReadError("a binary format that may pack text") from error


def _pickle_parts(file: BinaryIO) -> Iterator[Part | Stored]:
    file.seek(0)
    known, last, cells = dict[int, Any](), None, list[str]()
    for code, value, _ in pickletools.genops(file):
        if "PUT" in code.name or code.name == "MEMOIZE":
            known[len(known) if value is None else int(value)] = last
            continue
        last = known.get(int(value or 0)) if "GET" in code.name else value
        if isinstance(value, str) and "STRING" not in code.name:
            yield Text(value)
        elif isinstance(value, str):  # bytes of Python 2
            yield Stored(value.encode("latin-1"))
        elif isinstance(value, bytes | bytearray):
            yield Stored(bytes(value))
        elif isinstance(value, int) and value.bit_length() > LONG_NUMBER:
            raise ValueError
        if isinstance(last, str | int | float) and code.name not in ("PROTO", "FRAME"):
            cells.append(f"{last}\t" if isinstance(last, str) else f"\n{last}\n")  # a row of numbers is chance
            if len(cells) > MOST_CELLS:
                yield Text("".join(cells))
                del cells[: -NEXT - 1]  # a user and an item stay together
    yield Text("".join(cells))  # what stands one after another: a key and its value, a user and an item
    if file.read(1):
        raise ValueError


def _model_parts(content: bytes) -> Iterator[Part | Stored]:
    pieces = []
    for number, value in _fields(content):
        if number == PIECE:
            own = dict(_fields(value))
            if not own.keys() <= {*PIECE_FIELDS}:
                raise ValueError
            pieces.append(own.get(PIECE, b"").decode())
        elif number in SETTINGS:
            is_first = number == SETTINGS[0]
            yield from (Stored(one) for name, one in _fields(value) if one and (is_first or name != TABLE))
        else:
            yield Stored(value)
    yield Text("\n".join(pieces))


def _fields(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a protobuf message: their numbers, and their bytes where they have a length.

    Raises:
        ValueError: The bytes are none.
    """
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        kind, size = key & 7, SIZES.get(key & 7, 0)
        if kind in (0, 2):
            size_or_number, place = _varint(content, place)
            size = size_or_number if kind == 2 else 0
        elif not size:
            raise ValueError
        if place + size > len(content):
            raise ValueError
        yield key >> 3, content[place : place + size] if kind == 2 else b""
        place += size


def _varint(content: bytes, place: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if place == len(content):
            break
        number |= (content[place] & 127) << shift
        place += 1
        if content[place - 1] < 128:
            return number, place
    raise ValueError
