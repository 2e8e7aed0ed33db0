"""Readers: rating files of many formats and public data sets by name, all with the same result, a `Dataset`.

A file format is a function `(path, columns) -> Table` and a line in `FORMATS`. A public data set is an entry in
`layouts.LAYOUTS`. The command line, its help and the error messages take the names from there.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from core.data.labels import LIKED
from core.data.readers.arrow_tables import read_datasets, read_parquet
from core.data.readers.catalogue import genres_in, read_items
from core.data.readers.dataset import Dataset, make_dataset
from core.data.readers.delimited import read_delimited
from core.data.readers.json_lines import read_json_lines
from core.data.readers.layouts import LAYOUTS, read_layout
from core.data.readers.table import Columns, ReadOptions, Table
from core.data.templates import domain_of
from core.errors import DataError
from core.types import Task

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
    negatives: int = 0,
) -> Dataset:
    """Read a data source.

    Args:
        source: `KIND:PATH`, where KIND is one of `READERS`.
        columns: The names of the columns; those of the kind if None.
        items: A separate catalogue: id, title and genres in the columns of the same names.
        liked: From which rating on a title counts as liked; None to follow the scale of the ratings.
        task: The task; `next_item` needs no ratings.
        negatives: Titles to sample as not liked for each row, in `click` for data without ratings.

    Raises:
        DataError: The source cannot be read; the message names the file and, where there is one, the line.
    """
    kind, _, place = source.partition(":")
    if kind not in READERS or not place:
        raise DataError(
            f"Data source {source!r} is not understood: write KIND:PATH with KIND one of {', '.join(READERS)}."
        )
    if negatives and task is not Task.CLICK:
        raise DataError(f"--negatives {negatives} has no use in the task {task}: leave it out.")
    path, options = Path(place), ReadOptions(columns or Columns(), task, liked, negatives)
    _check_path(path, "data")
    given = _catalogue(items, options.columns) if items else None
    return replace(_read(kind, path, options, given), domain=domain_of(_names(kind, path, options.columns)))


def _names(kind: str, path: Path, columns: Columns) -> Iterator[str]:
    """Names that may tell what the items are, the most telling ones first."""
    yield path.name
    if path.is_dir():
        yield from sorted(one.name for one in path.iterdir())
    yield from (columns.item, columns.title, kind)


def _read(kind: str, path: Path, options: ReadOptions, given: tuple[Table, Columns] | None) -> Dataset:
    with _faults_of(path):
        if kind in LAYOUTS:
            return read_layout(kind, path, options, given)
        table = FORMATS[kind](path, options.columns)
        if given is None:
            return make_dataset(table, options)
        catalogue, own = given
        known, notes = read_items(catalogue, (own.item,), (own.title,), genres_in(own.genres))
        return make_dataset(table, options, known, (*catalogue.notes, *notes))


def _check_path(path: Path, kind: str) -> None:
    """Raise DataError where a path is neither a file nor a folder."""
    try:
        known = path.is_file() or path.is_dir()
    except OSError:  # too long a name
        known = False
    if not known:
        raise DataError(f"{path} is not there, or neither a file nor a folder: check the path of the {kind}.")


def _catalogue(path: Path, columns: Columns) -> tuple[Table, Columns]:
    """A separate catalogue and the names of its columns; it has a header where the ratings have none."""
    _check_path(path, "catalogue")
    own = Columns() if columns.are_numbers else columns
    suffix = next((one for one in reversed(path.suffixes) if one != ".gz"), "")
    with _faults_of(path):
        return FORMATS[SUFFIXES.get(suffix, "csv")](path, own), own


@contextmanager
def _faults_of(path: Path) -> Iterator[None]:
    """Turn what goes wrong inside a file into one sentence."""
    try:
        yield
    except (OSError, EOFError, UnicodeError, zlib.error) as error:
        raise DataError(f"{path} cannot be read as text ({error}): give a readable file.") from None
