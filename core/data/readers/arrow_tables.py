"""Parquet files, and folders that Hugging Face's `datasets` saved."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple
from itertools import chain
from pathlib import Path
from typing import Any

from core.data.readers.table import Columns, Rows, Table, check_columns
from core.errors import DataError
from core.utils.serialization import read_json

MOST_NAMED = 20  # files that a sentence names
STATE = "state.json"  # of a folder that `Dataset.save_to_disk` wrote
FAULTS = (OSError, ValueError, LookupError, TypeError, ArithmeticError, NotImplementedError)  # of damaged files


def read_parquet(path: Path, columns: Columns) -> Table:
    """Open a Parquet file, or all of a folder."""
    from pyarrow import parquet  # takes half a second, and other formats do without

    files = _parquet_files(path) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} holds no .parquet file: name a Parquet file or a folder of them.")
    tables = {}
    for file in files:
        try:
            tables[file] = parquet.ParquetFile(file)
        except FAULTS as error:
            raise _damaged(file, error) from None
    names = tuple(tables[files[0]].schema_arrow.names)
    check_columns(path, names)
    wanted = [name for name in names if name in astuple(columns)]
    rows = (_rows(file, one.iter_batches(columns=wanted)) for file, one in tables.items())
    return Table(chain.from_iterable(rows), names, (_named(path, files),) if path.is_dir() else ())


def _parquet_files(folder: Path) -> list[Path]:
    """The Parquet files below a folder, without those that a system or a writer hides."""
    found = sorted(folder.rglob("*.parquet"))
    return [one for one in found if not any(part.startswith((".", "_")) for part in one.relative_to(folder).parts)]


def _named(folder: Path, files: Sequence[Path]) -> str:
    """A sentence that names the files of a folder that are read."""
    more = f" and {len(files) - MOST_NAMED:,} more" if len(files) > MOST_NAMED else ""
    return f"Files: {', '.join(str(file.relative_to(folder)) for file in files[:MOST_NAMED])}{more}."


def read_datasets(path: Path, columns: Columns) -> Table:
    """Open a folder that `datasets.Dataset.save_to_disk` wrote, or one that holds Parquet files."""
    if (path / "dataset_dict.json").is_file():
        raise DataError(f"{path} holds several splits: name the folder of one, such as {path}/train.")
    if not (path / STATE).is_file():
        return read_parquet(path, columns)
    try:
        names = [str(one["filename"]) for one in read_json(path / STATE)["_data_files"]]
    except FAULTS as error:
        raise _damaged(path / STATE, error) from None
    return Table(_rows(path, _arrow_batches(path, names, columns)))


def _arrow_batches(path: Path, names: Iterable[str], columns: Columns) -> Iterator[Any]:
    from pyarrow import ipc, memory_map  # see `read_parquet`

    for name in names:
        with memory_map(str(path / name)) as file:
            for batch in ipc.open_stream(file):
                check_columns(path, batch.schema.names)
                yield batch.select([one for one in batch.schema.names if one in astuple(columns)])


def _rows(path: Path, batches: Iterable[Any]) -> Rows:
    number = 0
    try:
        for batch in batches:
            for row in _values(batch):
                number += 1
                yield f"{path} row {number}", row
    except FAULTS as error:
        raise _damaged(path, error) from None


def _values(batch: Any) -> list[dict[str, Any]]:
    """Rows of a batch. Times are cut to microseconds, because Python has no finer ones."""
    from pyarrow import timestamp, types  # see `read_parquet`

    columns = [
        column.cast(timestamp("us", column.type.tz), safe=False) if types.is_timestamp(column.type) else column
        for column in batch.columns
    ]
    rows: list[dict[str, Any]] = type(batch).from_arrays(columns, names=batch.schema.names).to_pylist()
    return rows


def _damaged(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read as a table of Arrow or Parquet ({error}): give a complete file.")
