"""A table of any file format: its columns, and its rows with their places in the file."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.types import Task
from core.utils.text import one_line

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]  # place of a row, such as "ratings.csv line 2", and its cells by column
MOST_NAMES = 200  # characters of the names of columns in an error message
BREAKS = 3  # delimiters behind a line break that make a title look like several rows


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a table, or of the keys of JSON objects. In a file without a header, 1 is the first.

    Attributes:
        user: Column of the user id.
        item: Column of the item id.
        title: Column of the item's title.
        rating: Column of the rating; "" where the data has none.
        time: Column of the time; "" where the data has none, and the order of the rows stands for it.
        genres: Column of the item's genres, which may be missing.
    """

    user: str = "user"
    item: str = "item"
    title: str = "title"
    rating: str = "rating"
    time: str = "time"
    genres: str = "genres"

    @property
    def are_numbers(self) -> bool:
        """Whether the columns are counted, because the file has no header."""
        return self.user.isdigit() and self.item.isdigit()

    def over(self, others: "Columns") -> "Columns":
        """`others`, with the names that were changed here."""
        changed = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        return replace(others, **changed)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is to be read.

    Attributes:
        columns: Names of the columns.
        task: The task. `next_item` needs no ratings.
        liked: From which rating on a title counts as liked; None to follow the scale.
        negatives: Titles to sample as not liked for each row, in `click` for data without ratings.
        unrated: A rating that stands for "not rated", besides -1; None if there is none.
    """

    columns: Columns = field(default_factory=Columns)
    task: Task = Task.CLICK
    liked: float | None = None
    negatives: int = 0
    unrated: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to be read once.

    Attributes:
        rows: The rows.
        columns: Names of the columns; empty where each row has its own, as in JSON lines.
        notes: Sentences about the file for the person who prepares the workspace.
    """

    rows: Rows
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def check_columns(path: Path, columns: Sequence[str]) -> None:
    """Refuse a header that names two columns alike.

    Raises:
        DataError: It does.
    """
    if double := next((name for name, count in Counter(columns).items() if name and count > 1), None):
        raise DataError(f"{path} has two columns {double!r}: rename or remove one.")


def cell(where: str, row: Row, column: str, fix: str) -> str:
    """One cell as text, without blanks around it.

    Args:
        where: Place of the row, for error messages.
        row: Cells by column.
        column: Name of the column; "" for none.
        fix: Last part of the error message where the column is missing: what to do.

    Raises:
        DataError: The column is missing, or the cell is empty, holds several values or runs over several rows.
        UnicodeError: The cell holds a lone surrogate, or bytes that are not UTF-8.
    """
    value = row.get(column) if column else None
    if isinstance(value, dict | list | tuple | set):
        raise DataError(f"{where} has several values in column {column!r}: give one text or number.")
    if not (text := _text(value)):
        if column and column in row:
            raise DataError(f"{where} has nothing in column {column!r}: fill it, or remove the row.")
        raise DataError(f"{where} has no column {column!r}, only {one_line(', '.join(row))[:MOST_NAMES]}: {fix}.")
    _, line_break, behind = text.partition("\n")
    if line_break and max(map(behind.count, ",;\t|")) >= BREAKS:
        raise DataError(f"{where} has a quote mark that swallows the next line: close it, or write it twice.")
    return text.encode().decode()  # a JSON escape can be a lone surrogate, which no file can hold


def _text(value: Any) -> str:
    """A value as text: bytes as UTF-8, a whole float as an integer, NaN as nothing."""
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, float) and not math.isfinite(value):
        return "" if math.isnan(value) else str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()
