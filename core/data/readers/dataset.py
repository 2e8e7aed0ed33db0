"""The result of every reader, and the checks that all readers share."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.data.labels import is_liked
from core.data.prompts import escape
from core.errors import DataError
from core.types import Interaction, Item

Rows = Iterator[tuple[str, dict[str, Any]]]  # position of a row, such as "ratings.csv line 2", and its cells by column


@dataclass(frozen=True, slots=True)
class Dataset:
    """A catalogue of items and the interactions of users with them.

    Attributes:
        items: Every item with at least one interaction, in the order of its first one.
        interactions: All interactions, sorted by time, then by user and item.
        notes: Sentences about the data for the person who prepares the workspace.
    """

    items: tuple[Item, ...]
    interactions: tuple[Interaction, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a CSV file, or of the keys of a JSON-lines file.

    Attributes:
        user: Column of the user id.
        item: Column of the item id.
        title: Column of the item's title.
        rating: Column of the rating, out of 5.
        time: Column of the time, in Unix seconds.
    """

    user: str = "user"
    item: str = "item"
    title: str = "title"
    rating: str = "rating"
    time: str = "time"


def dataset_from_rows(rows: Rows, columns: Columns) -> Dataset:
    """Make a dataset of rows that each hold one rating and the item's title; an item keeps its first title."""
    items: dict[str, Item] = {}
    interactions = []
    for where, row in rows:
        interactions.append(event := interaction_from_row(where, row, columns))
        title = cell(where, row, columns.title, "map the title with --columns title=NAME")
        items.setdefault(event.item, Item(event.item, title))
    return make_dataset(items, interactions)


def interaction_from_row(where: str, row: dict[str, Any], columns: Columns) -> Interaction:
    """Make an interaction of one row.

    Args:
        where: Position of the row, for error messages.
        row: Cells by column.
        columns: Names of the columns.

    Raises:
        DataError: A cell is missing, or the rating or the time is not a number.
    """
    user, item, rating, time = (
        cell(where, row, getattr(columns, name), f"map the {name} with --columns {name}=NAME")
        for name in ("user", "item", "rating", "time")
    )
    try:
        stars = float(rating)
        if math.isfinite(stars):
            return Interaction(user, item, is_liked(stars), int(float(time)), stars)
    except (ValueError, OverflowError):
        pass
    raise DataError(f"{where} has rating {rating!r} at time {time!r}: both must be numbers, the time in Unix seconds.")


def cell(where: str, row: dict[str, Any], column: str, fix: str) -> str:
    """Return one cell as text.

    Args:
        where: Position of the row, for error messages.
        row: Cells by column.
        column: Name of the column.
        fix: Last part of the error message: what the user can do.

    Raises:
        DataError: The column is missing or the cell is empty.
        UnicodeError: The cell holds a lone surrogate.
    """
    value = row.get(column)
    if value is None or value == "":
        raise DataError(f"{where} has {'nothing in' if column in row else 'no'} column {column!r}: {fix}.")
    return str(value).encode().decode()  # a JSON escape can be a lone surrogate, which no file can hold


def make_dataset(items: dict[str, Item], interactions: list[Interaction]) -> Dataset:
    """Sort interactions, check titles, and drop items without an interaction.

    Raises:
        DataError: There is no interaction, an item has no title, or a title cannot be used in a prompt.
    """
    ordered = tuple(sorted(interactions, key=lambda event: (event.time, event.user, event.item)))
    if not ordered:
        raise DataError("The data holds no ratings: give a file with at least one row.")
    rated = dict.fromkeys(event.item for event in ordered)
    if unknown := next((item for item in rated if item not in items), None):
        raise DataError(f"Item {unknown!r} is rated but has no title: add it to the catalogue file.")
    used = tuple(items[item] for item in rated)
    return Dataset(used, ordered, _notes(used))


def _notes(items: tuple[Item, ...]) -> tuple[str, ...]:
    marked = sum(escape(item.title) != item.title or "<" in item.title for item in items)
    if not marked:
        return ()
    text = f"{marked} of {len(items)} titles hold quotes, markup or control characters: they are shown as plain text."
    return (text,)
