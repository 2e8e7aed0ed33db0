"""Rows of any format as columns of numbers. Most cells occur many times; what one says is found out once."""

import math
from array import array
from typing import Any, NamedTuple

import numpy as np

from core.data.readers.catalogue import ItemTitles, genres_in
from core.data.readers.ids import id_of
from core.data.readers.ratings import Ratings
from core.data.readers.table import Columns, ReadOptions, Row, Table, cell
from core.data.times import parse_time
from core.errors import DataError
from core.types import Item, Task

NO_TITLE = "map the title with --columns title=NAME, or give the catalogue with --items FILE"
NO_TIME = "map the time with --columns time=NAME, or write time= if there are none"
REMEMBERED = 100_000  # different ratings; play counts may have more
COMPACT_DATES, LONGEST = (8, 14), 15  # digits of a time that may be a date, and that are exact in a float
UNUSUAL = (LookupError, TypeError, ValueError, OverflowError, DataError)


class Rating(NamedTuple):
    """One row: its ids, its rating (None without ratings), its time, and whether that was a date."""

    user: str
    item: str
    rating: float | None
    time: float
    dated: bool


class _Ids:
    """Ids, and their places in the list by the cells that hold them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.places: dict[str, int] = {}
        self.cells: dict[tuple[type, Any], int] = {}

    def add(self, name: str, value: Any) -> int:
        """The place of an id, which a cell holds as `value`."""
        place = self.cells[type(value), value] = self.places.setdefault(name, len(self.names))
        if place == len(self.names):
            self.names.append(name)
        return place


class _Reader:
    """Reads one row after the other."""

    def __init__(self, options: ReadOptions) -> None:
        self.options, self.columns = options, options.columns
        self.users, self.items = _Ids(), _Ids()
        self.stars: dict[tuple[type, Any], float] = {}
        self.rated = False

    def read(self, where: str, row: Row, number: int) -> tuple[int, int, float, float, bool]:
        """Places of user and item, rating, time, and whether that was a date."""
        columns, stars = self.columns, 0.0
        try:
            user, item = row[columns.user], row[columns.item]
            if self.rated:
                rating = row[columns.rating]
                stars = self.stars[type(rating), rating]
            elif columns.rating in row:
                raise LookupError(columns.rating)
            time, dated = _time(where, row, columns.time) if columns.time else (float(number), False)
            return self.users.cells[type(user), user], self.items.cells[type(item), item], stars, time, dated
        except UNUSUAL:  # a new cell, or one that cannot be read
            return self._new(where, row, number)

    def _new(self, where: str, row: Row, number: int) -> tuple[int, int, float, float, bool]:
        columns = self.columns
        one = _rating(where, row, self.options, self.rated, number)
        if one.rating is not None and len(self.stars) < REMEMBERED:
            self.stars[type(row[columns.rating]), row[columns.rating]] = one.rating
        user, item = self.users.add(one.user, row[columns.user]), self.items.add(one.item, row[columns.item])
        return user, item, one.rating or 0.0, one.time, one.dated


def read_ratings(table: Table, options: ReadOptions, titles: ItemTitles | None = None) -> Ratings:
    """Read rows that each hold one rating.

    Args:
        table: The rows.
        options: How to read them.
        titles: Receives the titles of the items; None where the rows hold none.

    Raises:
        DataError: A row cannot be read.
    """
    reader = _Reader(options)
    users, items, ratings, times, dated = array("i"), array("i"), array("d"), array("d"), array("b")
    for number, (where, row) in enumerate(table.rows, 1):
        if number == 1:
            reader.rated = _has_ratings(where, row, options)
        user, item, rating, time, date = reader.read(where, row, number)
        users.append(user)
        items.append(item)
        ratings.append(rating)
        times.append(time)
        dated.append(date)
        if titles is not None:
            _keep_title(where, row, reader.items.names[item], options.columns, titles)
    return Ratings(
        reader.users.names,
        reader.items.names,
        user=np.frombuffer(users, np.int32),
        item=np.frombuffer(items, np.int32),
        rating=np.frombuffer(ratings),
        time=np.frombuffer(times),
        dated=np.frombuffer(dated, np.int8).astype(bool),
        rated=reader.rated,
    )


def _keep_title(where: str, row: Row, item: str, columns: Columns, titles: ItemTitles) -> None:
    own, title = titles.setdefault(item, {}), row.get(columns.title)
    if not isinstance(title, str) or title not in own:
        title = cell(where, row, columns.title, NO_TITLE)
        own.setdefault(title, Item(item, title, genres_in(columns.genres)(row)))


def _has_ratings(where: str, row: Row, options: ReadOptions) -> bool:
    """Whether the rows hold ratings, by the first one. `next_item` and sampled negatives take data without."""
    column = options.columns.rating
    if options.task is Task.CLICK and not options.negatives:
        if not column:
            raise DataError(
                "The task click needs ratings: name their column, choose --task next_item, or let titles be sampled as "
                "not liked with --negatives 1."
            )
        return True
    if options.negatives and (rated := next((name for name in row if column and name.lower() == column.lower()), "")):
        raise DataError(
            f"{where} has the column {rated!r}, so no titles need to be sampled as not liked: leave --negatives out, "
            "or write --columns rating= if it only says that something was used."
        )
    similar = next((name for name in row if name.lower() == column.lower()), None)
    if column and column not in row and (similar or column != Columns().rating):
        raise DataError(f"{where} has no column {column!r}: write --columns rating={similar or ''}.")
    return column in row if column else False


def _rating(where: str, row: Row, options: ReadOptions, rated: bool, number: int) -> Rating:
    """One row as a rating. Without times, the number of the row stands for it."""
    columns = options.columns
    if not rated and row.get(columns.rating) not in (None, ""):
        raise DataError(
            f"{where} has a rating, but the first row has none: give every row one, or write --columns rating= to take "
            "none."
        )
    fixes = {name: f"map the {name} with --columns {name}=NAME" for name in ("user", "item", "rating")}
    user, item = (id_of(where, row, getattr(columns, name), fixes[name]) for name in ("user", "item"))
    rating = cell(where, row, columns.rating, fixes["rating"]) if rated else None
    time = cell(where, row, columns.time, NO_TIME) if columns.time else str(number)
    try:
        stars = None if rating is None else _finite(rating)
    except ValueError:
        raise DataError(
            f"{where} has rating {rating!r}: give a number, such as 1 for liked and 0 for not liked."
        ) from None
    try:
        seconds, dated = parse_time(time)
    except (ValueError, OverflowError):
        raise DataError(
            f"{where} has time {time!r}: give Unix seconds with all digits, or a date such as 2017-07-14 10:00:00."
        ) from None
    return Rating(user, item, stars, seconds, dated)


def _time(where: str, row: Row, column: str) -> tuple[float, bool]:
    """The time of a row as `_rating` reads it, faster where it is a plain number."""
    value = row[column]
    if type(value) is str and _is_number(value):
        return float(value), False
    return parse_time(cell(where, row, column, ""))


def _is_number(text: str) -> bool:
    return len(text) <= LONGEST and len(text) not in COMPACT_DATES and text.isascii() and text.isdigit()


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return number
