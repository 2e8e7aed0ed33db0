"""Contents of files of any format, as values and text that can be searched: JSON, SQLite, Parquet, weights and text."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.workspace.run_layout import holds_tensors

# First bytes of gzip, zip, bzip2, xz, zstd, 7z, zlib and git, and feather.
COMPRESSED_MAGIC = (
    b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"x\x01", b"x\x9c", b"x\xda",
    b"PACK", b"ARROW1",
)  # fmt: skip
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # first bytes of a text in UTF-16
HEADER = 8  # bytes of a safetensors file that hold the length of its header
SQLITE, PARQUET = b"SQLite format 3\x00", b"PAR1"
CONVERSION = (ValueError, ArithmeticError)  # of values of a damaged file that Python cannot hold


@dataclass(frozen=True)
class ColumnBatch:
    """Some rows of a table as columns: each value of a column is searched once, however many rows have it.

    Attributes:
        columns: The values of each column by its name, all of one length and none of them a list or an object.
    """

    columns: Mapping[str, list[Any]]


def content_of(path: Path) -> tuple[Iterable[Any], str]:
    """The JSON values of a file or of its lines, or batches of its columns, and its other text.

    Of weights, only the header is read.

    Raises:
        OSError: The file cannot be read, is compressed or damaged.
    """
    if holds_tensors(path.name):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(HEADER), "little")
            return [], file.read(min(size, path.stat().st_size)).decode("utf-8", "replace")
    if _begins_with(path, PARQUET):
        return _column_batches(path), _parquet_text(path)
    content = path.read_bytes()
    text = _decoded(content)
    if content.startswith(SQLITE):
        return list(_table_rows(path)), text
    if whole := _json(text):
        return [whole], ""
    lines = text.split("\n")  # a title may hold other line ends
    values = [_json(line) for line in lines]
    rest = "\n".join(line for line, value in zip(lines, values, strict=True) if not value)
    return list(filter(None, values)), rest


def _table_rows(path: Path) -> Iterator[dict[str, Any]]:
    """All rows of an SQLite file. Raises OSError where the file is damaged."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.row_factory = sqlite3.Row
            for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                yield from map(dict, database.execute('SELECT * FROM "{}"'.format(table.replace('"', '""'))))
    except sqlite3.Error as error:
        raise OSError("damaged") from error


def _begins_with(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(mark)) == mark


def _parquet_text(path: Path) -> str:
    """What the head of a Parquet file says besides its schema. Raises OSError for values that JSON does not have."""
    from pyarrow import ArrowException, parquet, types  # takes a third of a second

    try:
        schema = parquet.read_schema(path)
    except (ArrowException, *CONVERSION) as error:
        raise OSError("damaged") from error
    if any(types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind) for kind in schema.types):
        raise OSError("lists or bytes")
    return "\n".join(value.decode("utf-8", "replace") for value in (schema.metadata or {}).values())


def _column_batches(path: Path) -> Iterator[ColumnBatch]:
    """All rows of a Parquet file. Raises OSError where the file is damaged."""
    from pyarrow import ArrowException, parquet  # takes a third of a second

    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches():
                yield ColumnBatch(
                    dict(zip(batch.schema.names, (one.to_pylist() for one in batch.columns), strict=True))
                )
    except (ArrowException, *CONVERSION) as error:
        raise OSError("damaged") from error


def _decoded(content: bytes) -> str:
    """The text of a file. Raises OSError for a compressed file, which cannot be searched."""
    if content.startswith(COMPRESSED_MAGIC):
        raise OSError("packed")
    return content.decode("utf-16" if content.startswith(UTF16_MARKS) else "utf-8", "replace")


def _json(text: str) -> Any:
    """A JSON object or list; None for any other text."""
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None
