"""Readers: rating files of many formats and public data sets by name, all with the same result, a `Dataset`.

A file format is a function `(path, columns) -> Table` and a line in `FORMATS`. A public data set is an entry in
`layouts.LAYOUTS`. The command line, its help and the error messages take the names from there.
"""

from collections.abc import Callable
from pathlib import Path

from core.data.labels import LIKED
from core.data.readers.arrow_tables import read_datasets, read_parquet
from core.data.readers.dataset import Dataset, Wanted, make_dataset
from core.data.readers.delimited import read_delimited
from core.data.readers.json_lines import read_json_lines
from core.data.readers.layouts import LAYOUTS, read_items, read_layout
from core.data.readers.table import Columns, Table
from core.errors import DataError
from core.types import Item, Task

__all__ = ["LIKED", "READERS", "Columns", "Dataset", "read"]

FORMATS: dict[str, Callable[[Path, Columns], Table]] = {
    "csv": read_delimited,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
    "datasets": read_datasets,
}
READERS = (*LAYOUTS, *FORMATS)
SUFFIXES = {".json": "jsonl", ".jsonl": "jsonl", ".parquet": "parquet"}  # of catalogues; all others are tables of text


def read(
    source: str,
    columns: Columns | None = None,
    items: Path | None = None,
    liked: float | None = None,
    task: Task = Task.CLICK,
) -> Dataset:
    """Read a data source.

    Args:
        source: `KIND:PATH`, where KIND is one of `READERS`.
        columns: The names of the columns; those of the kind if None.
        items: A separate catalogue: id, title and genres in the columns of the same names.
        liked: From which rating on a title counts as liked; None to follow the scale of the ratings.
        task: The task; `next_item` needs no ratings.

    Raises:
        DataError: The source cannot be read; the message names the file and, where there is one, the line.
    """
    kind, _, path = source.partition(":")
    if kind not in READERS or not path:
        raise DataError(
            f"Data source {source!r} is not understood: write KIND:PATH with KIND one of {', '.join(READERS)}."
        )
    for one in filter(None, (Path(path), items)):
        if not one.exists():
            raise DataError(f"Data path {one} is not there: check the path after {kind!r} and --items.")
    wanted = Wanted(columns or Columns(), task, liked)
    try:
        catalogue = _catalogue(items, wanted.columns) if items else None
        if kind in LAYOUTS:
            return read_layout(kind, Path(path), wanted, catalogue)
        return make_dataset(FORMATS[kind](Path(path), wanted.columns), wanted, catalogue)
    except (OSError, EOFError, UnicodeError) as error:
        raise DataError(f"{path} cannot be read as text ({error}): give a readable file.") from None


def _catalogue(path: Path, columns: Columns) -> dict[str, Item]:
    suffix = next((one for one in reversed(path.suffixes) if one != ".gz"), "")
    return read_items(FORMATS[SUFFIXES.get(suffix, "csv")](path, columns), columns)
