"""Ratings from files: MovieLens folders of both editions, CSV and JSON lines with a column mapping."""

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.prompts import escape
from core.errors import DataError
from core.types import Interaction, Item

LIKED = 4.0


@dataclass(frozen=True, slots=True)
class Dataset:
    """A catalogue and who met what, in time order. `notes`: what the reader wants a person to know."""

    items: tuple[Item, ...]
    interactions: tuple[Interaction, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a CSV or JSON-lines file holds what."""

    user: str = "user"
    item: str = "item"
    title: str = "title"
    rating: str = "rating"
    time: str = "time"


def read(source: str, columns: Columns | None = None) -> Dataset:
    """Read `KIND:PATH`, KIND one of READERS.

    A rating of 4 or more (out of 5) counts as liked. Raises DataError naming the file, the line and the mend.
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


def read_movielens(folder: Path, _: Columns) -> Dataset:
    """ml-latest (movies.csv, ratings.csv) or ml-1m (movies.dat, ratings.dat, fields parted by `::`)."""
    edition = next((suffix for suffix in (".csv", ".dat") if (folder / f"ratings{suffix}").is_file()), None)
    if edition is None:
        raise DataError(f"{folder} holds neither ratings.csv nor ratings.dat: name an unpacked MovieLens folder.")
    rows = _csv if edition == ".csv" else _dat
    items = {}
    for where, row in rows(folder / f"movies{edition}"):
        item, title = (_value(where, row, key, "restore the file") for key in ("movieId", "title"))
        genres = str(row.get("genres") or "").split("|")
        items[item] = Item(item, title, tuple(genre for genre in genres if genre and genre != "(no genres listed)"))
    columns = Columns(user="userId", item="movieId", time="timestamp")
    return _dataset(items, [_interaction(where, row, columns) for where, row in rows(folder / f"ratings{edition}")])


def read_csv(path: Path, columns: Columns) -> Dataset:
    """One row a rating, columns named by the mapping."""
    return _table(_csv(path), columns)


def read_jsonl(path: Path, columns: Columns) -> Dataset:
    """One JSON object a line, keys named by the mapping."""
    return _table(_jsonl(path), columns)


READERS: dict[str, Callable[[Path, Columns], Dataset]] = {
    "movielens": read_movielens,
    "csv": read_csv,
    "jsonl": read_jsonl,
}
DAT_FIELDS = {"movies.dat": ("movieId", "title", "genres"), "ratings.dat": ("userId", "movieId", "rating", "timestamp")}
Rows = Iterator[tuple[str, dict[str, Any]]]  # where a row stands, in words, and its values by column


def _table(rows: Rows, columns: Columns) -> Dataset:
    items: dict[str, Item] = {}
    interactions = []
    for where, row in rows:
        interactions.append(event := _interaction(where, row, columns))
        title = _value(where, row, columns.title, "map the title with --columns title=NAME")
        items.setdefault(event.item, Item(event.item, title))
    return _dataset(items, interactions)


def _interaction(where: str, row: dict[str, Any], columns: Columns) -> Interaction:
    user, item, rating, time = (
        _value(where, row, getattr(columns, name), f"map the {name} with --columns {name}=NAME")
        for name in ("user", "item", "rating", "time")
    )
    try:
        stars = float(rating)
        if math.isfinite(stars):
            return Interaction(user, item, stars >= LIKED, int(float(time)), stars)
    except (ValueError, OverflowError):
        pass
    raise DataError(f"{where} has rating {rating!r} at time {time!r}: both must be numbers, the time in Unix seconds.")


def _value(where: str, row: dict[str, Any], key: str, mend: str) -> str:
    """One cell as text; a column that is not there, or an empty cell, is refused."""
    value = row.get(key)
    if value is None or value == "":
        raise DataError(f"{where} has {'nothing in' if key in row else 'no'} column {key!r}: {mend}.")
    return str(value).encode().decode()  # a JSON escape can hold half a character, which no file could


def _dataset(items: dict[str, Item], interactions: list[Interaction]) -> Dataset:
    """Check titles and order, and drop items that nobody met."""
    ordered = tuple(sorted(interactions, key=lambda event: (event.time, event.user, event.item)))
    if not ordered:
        raise DataError("The data holds no ratings: give a file with at least one row.")
    met = dict.fromkeys(event.item for event in ordered)
    if unknown := next((item for item in met if item not in items), None):
        raise DataError(f"Item {unknown!r} is rated but has no title: add it to the catalogue file.")
    used = tuple(items[item] for item in met)
    marked = sum(escape(item.title) != item.title or "<" in item.title for item in used)
    notes = (
        (f"{marked} of {len(used)} titles hold quotes, markup or control characters: they are shown as plain text.",)
        if marked
        else ()
    )
    return Dataset(used, ordered, notes)


def _csv(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            yield f"{path} line {number}", row


def _jsonl(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise DataError(f"{path} line {number} is not a JSON object: write one object a line.")
            yield f"{path} line {number}", row


def _dat(path: Path) -> Rows:
    """MovieLens `.dat` files are Latin-1 with `::` between fields and no header."""
    names = DAT_FIELDS[path.name]
    with path.open(encoding="latin-1") as file:
        for number, line in enumerate(file, 1):
            row = line.rstrip("\n").split("::")
            if len(row) != len(names):
                raise DataError(
                    f"{path} line {number} does not have {len(names)} fields parted by '::': restore the file."
                )
            yield f"{path} line {number}", dict(zip(names, row, strict=True))
