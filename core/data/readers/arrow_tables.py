"""Parquet files, and folders that Hugging Face's `datasets` saved."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from core.data.readers.table import Columns, Rows, Table
from core.errors import DataError
from core.utils.serialization import read_json

STATE = "state.json"  # of a folder that `Dataset.save_to_disk` wrote


def read_parquet(path: Path, _columns: Columns | None = None) -> Table:
    """Open a Parquet file, or all of a folder."""
    from pyarrow import ArrowException, parquet  # takes half a second, and other formats do without

    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path} holds no .parquet file: name a Parquet file or a folder of them.")
    try:
        tables = [parquet.ParquetFile(file) for file in files]
    except ArrowException as error:
        raise DataError(f"{path} cannot be read as Parquet ({error}): give a complete file.") from None
    batches = (batch for table in tables for batch in table.iter_batches())
    return Table(_rows(path, batches), tuple(tables[0].schema_arrow.names))


def read_datasets(path: Path, _columns: Columns | None = None) -> Table:
    """Open a folder that `datasets.Dataset.save_to_disk` wrote, or one that holds Parquet files."""
    if (path / "dataset_dict.json").is_file():
        splits = ", ".join(read_json(path / "dataset_dict.json").get("splits", ()))
        raise DataError(f"{path} holds several splits ({splits}): name the folder of one, such as {path}/train.")
    if not (path / STATE).is_file():
        return read_parquet(path)
    names = [one["filename"] for one in read_json(path / STATE)["_data_files"]]
    return Table(_rows(path, _arrow_batches(path, names)))


def _arrow_batches(path: Path, names: Iterable[str]) -> Iterator[Any]:
    from pyarrow import ipc, memory_map  # see `read_parquet`

    for name in names:
        with memory_map(str(path / name)) as file:
            yield from ipc.open_stream(file)


def _rows(path: Path, batches: Iterable[Any]) -> Rows:
    number = 0
    for batch in batches:
        for row in batch.to_pylist():
            number += 1
            yield f"{path} row {number}", row
