"""A table of any file format: its columns, and its rows with their places in the file."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.errors import DataError

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]  # place of a row, such as "ratings.csv line 2", and its cells by column


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


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to be read once.

    Attributes:
        rows: The rows.
        columns: Names of the columns; empty where each row has its own, as in JSON lines.
    """

    rows: Rows
    columns: tuple[str, ...] = ()


def cell(where: str, row: Row, column: str, fix: str) -> str:
    """One cell as text, without blanks around it.

    Args:
        where: Place of the row, for error messages.
        row: Cells by column.
        column: Name of the column.
        fix: Last part of the error message: what the user can do.

    Raises:
        DataError: The column is missing, or the cell is empty or holds several values.
        UnicodeError: The cell holds a lone surrogate.
    """
    value = row.get(column)
    if isinstance(value, dict | list | tuple):
        raise DataError(f"{where} has several values in column {column!r}: give one text or number.")
    text = "" if value is None else str(value).strip()
    if not text:
        raise DataError(f"{where} has {'nothing in' if column in row else 'no'} column {column!r}: {fix}.")
    return text.encode().decode()  # a JSON escape can be a lone surrogate, which no file can hold
