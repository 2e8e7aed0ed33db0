"""Contents of files of any format, in parts that can be searched (see `core.review.file_parts`).

A file is read in parts of bounded size, whatever its length.
"""

import os
import re
import sqlite3
import stat
from collections.abc import Iterable, Iterator
from io import BufferedReader, BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from core.review.array_files import numpy_parts, parquet_parts
from core.review.binary_files import binary_parts
from core.review.database_files import database_parts, rows
from core.review.database_pages import FILE_HEADER
from core.review.file_parts import (
    OPENING,
    OVERLAP,
    WORD_CHARACTERS,
    JsonReader,
    NotReadError,
    Part,
    Stored,
    Text,
    bytes_of,
)
from core.review.text_encodings import chunks, encoding_of
from core.review.text_tables import header_of
from core.workspace.run_layout import holds_tensors

# First bytes of gzip, zip, bzip2, xz, zstd, 7z, zlib, lz4, rar, Unix compress, git's packs, feather and PDF.
PACKED_MAGIC = (
    b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"x\x01", b"x\x9c",
    b"x\xda", b"\x04\x22\x4d\x18", b"Rar!", b"\x1f\x9d", b"PACK", b"ARROW1", b"%PDF",
)  # fmt: skip
HEADER = 8  # bytes of a safetensors file that hold the length of its header
LONGEST_HEADER = 100_000_000  # bytes, the limit of safetensors itself
PARQUET, NUMPY = b"PAR1", b"\x93NUMPY"
WHOLE = 1 << 27  # bytes of a JSON document that is read at once
BLOCK = 1 << 22  # characters of a longer file that are read at a time
ZEROS, PLAIN_BYTES = re.compile(b"\0+"), b"\0\t\n\r" + bytes(range(32, 127))
TAPE, TAPE_MARK = 257, b"ustar"  # where an archive of tar has it


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read; nothing else is opened, and no link is followed.

    Raises:
        NotReadError: It is something else.
        OSError: It cannot be opened.
    """
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW), "rb")
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise NotReadError("no regular file")


def parts_of(path: Path) -> Iterator[Part]:
    """The parts of a file: JSON values, batches of columns, text, and bytes of a format that nobody knows.

    Of weights, only the header is read.

    Raises:
        NotReadError: After the last part, where the parts are not all that the file may say.
        OSError: The file cannot be read.
    """
    with open_regular(path) as file:
        start = file.read(len(FILE_HEADER))
        if holds_tensors(path.name) and (header := _tensor_header(file)):
            yield header
        elif start.startswith(PARQUET):
            yield from parquet_parts(file)
        elif start == FILE_HEADER:
            yield from _opened(database_parts(path, file))
        else:
            yield from _parts_of_stream(file)


def _opened(parts: Iterable[Part | Stored]) -> Iterator[Part]:
    """Parts of a file, in which those of a stored value take its place."""
    reason = ""
    for part in parts:
        try:
            yield from _parts_of_stream(BytesIO(part.content)) if isinstance(part, Stored) else (part,)
        except NotReadError as error:
            reason = f"a value that is {error}"
    if reason:
        raise NotReadError(reason)


def _parts_of_stream(file: BinaryIO) -> Iterator[Part]:
    """The parts of a file, or of a stored value, whose content tells its format."""
    file.seek(0)
    start = file.read(len(NUMPY))
    if start == NUMPY:
        yield from _opened(numpy_parts(file))
        return
    encoding = None if start.startswith(PACKED_MAGIC) else encoding_of(file)
    if encoding:
        for name in ("utf-8", "cp1252") if encoding == "latin-1" else (encoding,):
            yield from _text_parts(file, name)
        if encoding.endswith(("le", "be")):  # a guess, which some short binary files fit too
            yield from bytes_of(file)
        yield Text("", ends_guess=encoding == "latin-1")
        return
    yield from bytes_of(file)
    file.seek(TAPE)
    if start.startswith(PACKED_MAGIC) or file.read(len(TAPE_MARK)) == TAPE_MARK:
        raise NotReadError("compressed, an archive or a PDF")
    if any(one.translate(None, PLAIN_BYTES) for one in chunks(file)):
        yield from _opened(binary_parts(file))
    else:
        yield from _text_parts(_without_zeros(file), "ascii")


def _without_zeros(file: BinaryIO) -> BinaryIO:
    """Text that is parted by zeros, parted by tabs instead."""
    found = BytesIO()
    for chunk in chunks(file):
        found.write(ZEROS.sub(b"\t", chunk))
        if found.tell() > WHOLE:
            raise NotReadError(f"text with zeros of more than {WHOLE >> 20} MiB")
    return found


def _text_parts(file: BinaryIO, encoding: str) -> Iterator[Part]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    text = TextIOWrapper(file, encoding, errors="replace", newline="\n")  # a title may hold other line ends
    json = JsonReader()
    try:
        if size <= WHOLE and (whole := json.read(text.read())):
            yield whole
            return
        text.seek(0)
        start = text.read(BLOCK)
        begins, header = OPENING.match(start.lstrip()), header_of(start)
        text.seek(0)
        for block in _blocks(text):
            lines = block.split("\n")
            values = [json.read(line) for line in lines]
            yield from filter(None, values)
            rest = "\n".join(line for line, value in zip(lines, values, strict=True) if not value)
            yield Text(rest)
            is_cut_line = any(values) and "\n" not in rest.strip("\n")  # an entry of which a kill left the beginning
            yield from filter(None, (JsonReader() if is_cut_line else json).read_amid(rest))
            if header:
                yield header.columns(lines)
    finally:
        text.detach()  # else the file is closed with it
    if json.repeats:
        raise NotReadError("JSON with a key twice in one object")
    if json.gives_up or (begins and json.breaks):
        is_long = size > WHOLE
        raise NotReadError(f"a JSON document of more than {WHOLE >> 20} MiB" if is_long else "JSON that breaks off")


def _blocks(text: TextIOWrapper) -> Iterator[str]:
    """Whole lines of a text; of longer lines, parts that overlap, without the words that are cut."""
    rest = ""
    while len(piece := text.read(BLOCK)) == BLOCK:
        block = rest + piece
        if end := block.rfind("\n") + 1:
            yield block[:end]
            rest = block[end:]
        elif block.startswith(("{", "[")) and len(block) < WHOLE:  # one of JSON lines, such as a ledger's, is whole
            rest = block
        else:
            yield block.rstrip(WORD_CHARACTERS)
            rest = block[-OVERLAP:].lstrip(WORD_CHARACTERS) if len(block) > OVERLAP else block
    yield rest + piece


def _tensor_header(file: BinaryIO) -> dict[str, Any] | None:
    """The header of weights; None where it is damaged, or where the file has more than the tensors that it names."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(HEADER), "little")
    if length > min(size, LONGEST_HEADER):
        return None
    header = JsonReader().read(file.read(length).decode("utf-8", "replace"))
    try:
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        return header if max(ends, default=0) == size - HEADER - length else None
    except (AttributeError, LookupError, TypeError):
        return None


def parts_of_database(database: sqlite3.Connection) -> Iterator[Part]:
    """The parts of an open SQLite database. Raises NotReadError as `parts_of` does."""
    yield from bytes_of(BytesIO(database.serialize()))
    yield from _opened(rows(database))
