"""Readers: one module for each file format, all with the same result, a `Dataset`.

Add a reader in two steps:

1. Write `core/data/readers/<format>.py` with one function `(path, columns) -> Dataset`. A format with one record per
   rating only has to yield `Rows` and hand them to `dataset_from_rows`, which reports bad cells by file and line.
2. Add one row to `READERS` below. The command line, its help and the error messages take the name from there.
"""

import csv
from collections.abc import Callable
from pathlib import Path

from core.data.labels import LIKED
from core.data.readers.csv_table import read_csv
from core.data.readers.dataset import Columns, Dataset
from core.data.readers.json_lines import read_jsonl
from core.data.readers.movielens import read_movielens
from core.errors import DataError

__all__ = ["LIKED", "READERS", "Columns", "Dataset", "read", "read_csv", "read_jsonl", "read_movielens"]

READERS: dict[str, Callable[[Path, Columns], Dataset]] = {
    "movielens": read_movielens,
    "csv": read_csv,
    "jsonl": read_jsonl,
}


def read(source: str, columns: Columns | None = None) -> Dataset:
    """Read a data source.

    Args:
        source: `KIND:PATH`, where KIND is a key of `READERS`.
        columns: The names of the columns; the default names if None.

    Raises:
        DataError: The source cannot be read; the message names the file and, where there is one, the line.
    """
    kind, _, path = source.partition(":")
    if kind not in READERS or not path:
        raise DataError(
            f"Data source {source!r} is not understood: write KIND:PATH with KIND one of {', '.join(READERS)}."
        )
    if not Path(path).exists():
        raise DataError(f"Data path {path} is not there: check the path after {kind!r}.")
    try:
        return READERS[kind](Path(path), columns or Columns())
    except (OSError, UnicodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as text ({error}): give a readable file in UTF-8.") from None
