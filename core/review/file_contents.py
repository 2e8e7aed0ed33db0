"""Contents of files of any format, in parts that can be searched: JSON values, table rows, text, or mere bytes.

A file is read in parts of bounded size, whatever its length.
"""

import json
import os
import sqlite3
import stat
import string
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from core.review.text_encodings import chunks, encoding_of
from core.workspace.run_layout import holds_tensors

# First bytes of gzip, zip, bzip2, xz, zstd, 7z, zlib, lz4, rar, Unix compress, git's packs, feather and PDF.
PACKED_MAGIC = (
    b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"x\x01", b"x\x9c",
    b"x\xda", b"\x04\x22\x4d\x18", b"Rar!", b"\x1f\x9d", b"PACK", b"ARROW1", b"%PDF",
)  # fmt: skip
HEADER = 8  # bytes of a safetensors file that hold the length of its header
LONGEST_HEADER = 100_000_000  # bytes, the limit of safetensors itself
SQLITE, PARQUET, NUMPY = b"SQLite format 3\x00", b"PAR1", b"\x93NUMPY"
CONVERSION = (ValueError, ArithmeticError)  # of values of a damaged file that Python cannot hold
WHOLE = 1 << 27  # bytes of a JSON document that is read at once
BLOCK = 1 << 22  # characters of a longer file that are read at a time
OVERLAP = 1 << 16  # characters that two parts of a line, or bytes that two parts of a file, have in common
WORD_CHARACTERS = f"{string.ascii_letters}{string.digits}_-"
WORD_BYTES, PLAIN_BYTES = WORD_CHARACTERS.encode(), b"\0\t\n\r" + bytes(range(32, 127))


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
    """A part of a file that is text and no JSON value."""

    text: str


Part = ColumnBatch | Text | bytes | dict[str, Any] | list[Any]


def open_regular(path: Path) -> BinaryIO:
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


def parts_of(path: Path, stores_text_plainly: bool = False) -> Iterator[Part]:
    """The parts of a file: JSON values, batches of columns, text, and bytes of a format that nobody knows.

    Of weights, only the header is read.

    Args:
        path: The file.
        stores_text_plainly: Whether a binary file is known to hold all text as it is, neither packed nor encrypted.

    Raises:
        NotReadError: After the last part, where the parts are not all that the file may say.
        OSError: The file cannot be read.
    """
    with open_regular(path) as file:
        start = file.read(len(SQLITE))
        if holds_tensors(path.name) and (header := _tensor_header(file)):
            yield header
        elif start.startswith(PARQUET):
            yield from _parquet_parts(file)
        elif start == SQLITE:
            yield from _bytes(file)  # also of rows that were deleted
            yield from _table_rows(path)
        else:
            yield from _parts_of_stream(file, stores_text_plainly)


def _parts_of_stream(file: BinaryIO, stores_text_plainly: bool = False) -> Iterator[Part]:
    """The parts of a file, or of a value in a database, whose content tells its format."""
    file.seek(0)
    start = file.read(len(NUMPY))
    if start == NUMPY:
        yield from _numpy_parts(file)
        return
    encoding = None if start.startswith(PACKED_MAGIC) else encoding_of(file)
    if encoding:
        for name in ("utf-8", "cp1252") if encoding == "latin-1" else (encoding,):
            yield from _text_parts(file, name)
        if encoding.endswith(("le", "be")):  # a guess, which some short binary files fit too
            yield from _bytes(file)
        return
    yield from _bytes(file)
    if start.startswith(PACKED_MAGIC):
        raise NotReadError("compressed, an archive or a PDF")
    if not stores_text_plainly and any(one.translate(None, PLAIN_BYTES) for one in chunks(file)):
        raise NotReadError("a binary format that may pack text")


def _text_parts(file: BinaryIO, encoding: str) -> Iterator[Part]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    text = TextIOWrapper(file, encoding, errors="replace", newline="\n")  # a title may hold other line ends
    try:
        if size <= WHOLE and (whole := _json(text.read())):
            yield whole
            return
        text.seek(0)
        is_document = size > WHOLE and _json(start := text.readline(BLOCK)) is None and start.lstrip()[:1] in ("{", "[")
        text.seek(0)
        for block in _blocks(text):
            lines = block.split("\n")
            values = [_json(line) for line in lines]
            yield from filter(None, values)
            yield Text("\n".join(line for line, value in zip(lines, values, strict=True) if not value))
    finally:
        text.detach()  # else the file is closed with it
    if is_document:
        raise NotReadError(f"a JSON document of more than {WHOLE >> 20} MiB")


def _blocks(text: TextIOWrapper) -> Iterator[str]:
    """Whole lines of a text; of longer lines, parts that overlap, without the words that are cut."""
    rest = ""
    while piece := text.read(BLOCK):
        block = rest + piece
        if end := block.rfind("\n") + 1:
            yield block[:end]
            rest = block[end:]
        else:
            yield block.rstrip(WORD_CHARACTERS)
            rest = block[-OVERLAP:].lstrip(WORD_CHARACTERS) if len(block) > OVERLAP else block
    yield rest


def _bytes(file: BinaryIO) -> Iterator[bytes]:
    """Parts of a file that overlap, without the words that are cut."""
    rest = b""
    for chunk in chunks(file):
        block = rest + chunk
        yield block.rstrip(WORD_BYTES)
        rest = block[-OVERLAP:].lstrip(WORD_BYTES) if len(block) > OVERLAP else block
    yield rest


def _tensor_header(file: BinaryIO) -> dict[str, Any] | None:
    """The header of weights; None where it is damaged, or where the file has more than the tensors that it names."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(HEADER), "little")
    if length > min(size, LONGEST_HEADER):
        return None
    header = _json(file.read(length).decode("utf-8", "replace"))
    try:
        ends = [tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__"]
        return header if max(ends, default=0) == size - HEADER - length else None
    except (AttributeError, LookupError, TypeError):
        return None


def _table_rows(path: Path) -> Iterator[Part]:
    """All rows of an SQLite file, and what their bytes hold."""
    reason = ""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.row_factory = sqlite3.Row
            for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                for row in database.execute('SELECT * FROM "{}"'.format(table.replace('"', '""'))):
                    yield dict(row)
                    for value in filter(_is_bytes, row):
                        try:
                            yield from _parts_of_stream(BytesIO(value))
                        except NotReadError as error:
                            reason = f"a value that is {error}"
    except sqlite3.Error as error:
        raise NotReadError("damaged") from error
    if reason:
        raise NotReadError(reason)


def _is_bytes(value: Any) -> bool:
    return isinstance(value, bytes)


def _parquet_parts(file: BinaryIO) -> Iterator[Part]:
    """What the head of a Parquet file says besides its schema, and all of its rows."""
    from pyarrow import ArrowException, parquet  # takes a third of a second

    try:
        with parquet.ParquetFile(file) as table:
            schema = table.schema_arrow
            yield Text("\n".join(value.decode("utf-8", "replace") for value in (schema.metadata or {}).values()))
            names = [field.name for field in schema if _is_scalar(field.type)]
            for batch in table.iter_batches(columns=names):
                yield ColumnBatch(dict(zip(names, (one.to_pylist() for one in batch.columns), strict=True)))
    except (ArrowException, *CONVERSION) as error:
        raise NotReadError("damaged or encrypted") from error
    if len(names) < len(schema):
        raise NotReadError("a table with lists or bytes")


def _is_scalar(kind: Any) -> bool:
    """Whether a type of Arrow holds numbers, times or text."""
    from pyarrow import types  # takes a third of a second

    kind = kind.value_type if types.is_dictionary(kind) else kind
    tests = (types.is_primitive, types.is_string, types.is_large_string, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def _numpy_parts(file: BinaryIO) -> Iterator[Part]:
    """The texts of a NumPy array; numbers name nobody."""
    from numpy import frombuffer  # takes a tenth of a second
    from numpy.lib import format as array_format  # likewise

    file.seek(0)
    try:
        version = array_format.read_magic(file)
        read = array_format.read_array_header_1_0 if version == (1, 0) else array_format.read_array_header_2_0
        kind = read(file)[2]
        if kind.hasobject or kind.kind == "V":
            yield from _bytes(file)
            raise NotReadError("an array of objects")
        while kind.kind in "SU" and kind.itemsize and (chunk := file.read(BLOCK // kind.itemsize * kind.itemsize)):
            values = frombuffer(chunk, kind).tolist()
            yield Text("\n".join(one.decode("utf-8", "replace") if _is_bytes(one) else one for one in values))
    except ValueError as error:
        raise NotReadError("damaged") from error
    if kind.itemsize == 1:
        yield from _bytes(file)


def _json(text: str) -> Any:
    """A JSON object or list; None for any other text."""
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None
