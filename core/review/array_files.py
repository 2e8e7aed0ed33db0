"""Parts of Parquet tables and NumPy arrays, also of what their libraries do not show."""

import math
import os
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from core.review.file_parts import ColumnBatch, NotReadError, Part, Stored, Text, bytes_of

CONVERSION = (ValueError, ArithmeticError)  # of values of a damaged file that Python cannot hold
BLOCK = 1 << 22  # bytes of an array that are read at a time
LONG_TEXT = re.compile(rb"[\t\n\r -~]{20,}")  # compressed bytes have shorter text by chance


def parquet_parts(file: BinaryIO) -> Iterator[Part]:
    """All rows of a Parquet file, text that no row has, the metadata, and the bytes that no column has."""
    from pyarrow import ArrowException, parquet  # takes a third of a second

    try:
        with parquet.ParquetFile(file) as table:
            schema, outside = table.schema_arrow, list(_outside_columns(table.metadata, file.seek(0, os.SEEK_END)))
        yield from (Text("\n".join(_metadata(one))) for one in (schema, *schema))
        names = [field.name for field in schema if _is_scalar(field.type)]
        texts = [field.name for field in schema if _is_text(field.type)]
        with parquet.ParquetFile(file, read_dictionary=texts) as table:
            yield from _batches(table, names)
        yield from _raw_parts(file, outside)
    except (ArrowException, *CONVERSION) as error:
        raise NotReadError("damaged or encrypted") from error
    if len({*names}) < len(schema):
        raise NotReadError("a table with lists, bytes or two columns of one name")


def _metadata(described: Any) -> Iterator[str]:
    """The words that describe a schema or a field."""
    for entry in (described.metadata or {}).items():
        yield from (word.decode("utf-8", "replace") for word in entry)


def _batches(table: Any, names: list[str]) -> Iterator[ColumnBatch]:
    """The rows of a table, and the values of its dictionaries, which may be more than those of the rows."""
    dictionaries: dict[str, Any] = {}
    for batch in table.iter_batches(columns=names):
        columns = dict(zip(names, batch.columns, strict=True))
        yield ColumnBatch({name: one.to_pylist() for name, one in columns.items()})
        for name, one in columns.items():
            own = getattr(one, "dictionary", None)
            if own is not None and not (name in dictionaries and own.equals(dictionaries[name])):
                dictionaries[name] = own
                yield ColumnBatch({name: own.to_pylist()})


def _outside_columns(metadata: Any, size: int) -> Iterator[tuple[int, int]]:
    """Where a Parquet file has bytes that belong to no column: its footer, and whatever stands between."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    taken, end = [], 0
    for one in (group.column(number) for group in groups for number in range(group.num_columns)):
        start = min(filter(None, (one.dictionary_page_offset, one.data_page_offset)))
        taken.append((start, start + one.total_compressed_size))
    for start, stop in sorted(taken):
        yield end, max(start, end)
        end = max(stop, end)
    yield end, size


def _raw_parts(file: BinaryIO, outside: list[tuple[int, int]]) -> Iterator[Part]:
    """The bytes outside columns, and long text anywhere in the file: compressed bytes read like short ids by chance."""
    for start, end in outside:
        file.seek(start)
        yield file.read(max(end - start, 0))
    for part in bytes_of(file):
        yield Text(b"\n".join(LONG_TEXT.findall(part)).decode("ascii"))


def _is_scalar(kind: Any) -> bool:
    """Whether a type of Arrow holds numbers, times or text."""
    from pyarrow import types  # takes a third of a second

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return _is_text(kind) or any(test(kind) for test in (types.is_primitive, types.is_decimal, types.is_null))


def _is_text(kind: Any) -> bool:
    from pyarrow import types  # takes a third of a second

    return bool(types.is_string(kind) or types.is_large_string(kind))


def numpy_parts(file: BinaryIO) -> Iterator[Part | Stored]:
    """The header, texts and bytes of a NumPy array; numbers of more than one byte are not searched."""
    from numpy.lib import format as array_format  # takes a tenth of a second

    file.seek(0)
    try:
        version = array_format.read_magic(file)
        read = array_format.read_array_header_1_0 if version == (1, 0) else array_format.read_array_header_2_0
        shape, _, kind = read(file)
        start = file.tell()
        if kind.hasobject or kind.kind == "V" or file.seek(0, os.SEEK_END) != start + math.prod(shape) * kind.itemsize:
            yield from bytes_of(file)
            raise NotReadError("an array of objects, or more than one array")
        file.seek(0)
        yield file.read(start)
        yield from _array_parts(file, kind)
    except ValueError as error:
        raise NotReadError("damaged") from error
    if kind.itemsize == 1:
        yield from bytes_of(file)


def _array_parts(file: BinaryIO, kind: Any) -> Iterator[Part | Stored]:
    """The values of an array whose header was read: text, and bytes, which may be text or not."""
    from numpy import frombuffer  # takes a tenth of a second

    values_at_once = max(1, BLOCK // max(1, kind.itemsize))  # a single text may be longer than a block
    while (kind.kind in "SU" or kind.itemsize == 1) and (chunk := file.read(values_at_once * kind.itemsize)):
        if kind.kind == "U":
            yield Text("\n".join(frombuffer(chunk, kind).tolist()))
        elif kind.kind == "S":
            yield Stored(b"\n".join(frombuffer(chunk, kind).tolist()))
        elif kind.kind != "b" or max(chunk) > 1:
            yield Stored(chunk)
