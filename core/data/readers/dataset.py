"""From the rows of any format to a dataset: what is taken, what is dropped and why, and what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from core.data.labels import threshold
from core.data.prompts import escape
from core.data.readers.catalogue import check_titles, distinct_titles
from core.data.readers.summary import Summary
from core.data.readers.table import Columns, Row, Table, cell
from core.data.times import parse_time, unit_of
from core.errors import DataError
from core.types import Interaction, Item, Task

NO_TITLE = "map the title with --columns title=NAME, or give the catalogue with --items FILE"
NOT_RATED = -1.0  # seen without a rating, as MyAnimeList writes it


@dataclass(frozen=True, slots=True)
class Dataset:
    """A catalogue of items and the interactions of users with them.

    Attributes:
        items: Every item with at least one interaction, in the order of its first one.
        interactions: All interactions, sorted by time, then by user and item.
        notes: Sentences about the data for the person who prepares the workspace.
        summary: What was read, kept and dropped; None for data that no file holds.
    """

    items: tuple[Item, ...]
    interactions: tuple[Interaction, ...]
    notes: tuple[str, ...] = ()
    summary: Summary | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user asks of a reader.

    Attributes:
        columns: Names of the columns.
        task: The task. `next_item` needs no ratings.
        liked: From which rating on a title counts as liked; None to follow the scale.
        unrated: A rating that stands for "not rated", besides -1; None if there is none.
    """

    columns: Columns = field(default_factory=Columns)
    task: Task = Task.CLICK
    liked: float | None = None
    unrated: float | None = None


class Rating(NamedTuple):
    """One row: its ids, its rating (None without ratings), its time, and whether that was a date."""

    user: str
    item: str
    rating: float | None
    time: float
    dated: bool


def make_dataset(table: Table, wanted: Wanted, catalogue: Mapping[str, Item] | None = None) -> Dataset:
    """Make a dataset of rows that each hold one rating.

    Args:
        table: The rows.
        wanted: What the user asks for.
        catalogue: The items by id; without it, each row holds its item's title.

    Raises:
        DataError: A row cannot be read, or the data as a whole cannot be used.
    """
    titles: dict[str, dict[str, Item]] = {}
    ratings, dropped, count = dict[Rating, None](), dict[str, int](), 0
    for where, row in table.rows:
        count += 1
        rating = _rating(where, row, wanted, count)
        if catalogue is None:
            own = titles.setdefault(rating.item, {})
            title = cell(where, row, wanted.columns.title, NO_TITLE)
            own.setdefault(title, Item(rating.item, title, genres_of(row, wanted.columns.genres)))
        if reason := _reason_to_drop(rating, ratings, wanted):
            dropped[reason] = dropped.get(reason, 0) + 1
        else:
            ratings[rating] = None
    if not ratings:
        raise DataError("The data holds no ratings: give a file with at least one row.")
    check_ids(ratings)
    notes = check_titles({item: tuple(own) for item, own in titles.items()})
    if catalogue is None:
        catalogue = {item: next(iter(own.values())) for item, own in titles.items()}
    return _finished(list(ratings), catalogue, wanted, notes, Summary(count, dropped))


def _finished(
    ratings: list[Rating], items: Mapping[str, Item], wanted: Wanted, notes: list[str], summary: Summary
) -> Dataset:
    rated = [one.rating for one in ratings if one.rating is not None]
    least, scale = threshold(rated, wanted.liked) if rated else (0.0, "")
    unit, per_second = unit_of([one.time for one in ratings if not one.dated])
    events = [
        Interaction(
            one.user,
            one.item,
            one.rating is None or one.rating >= least,
            int(one.time if one.dated else one.time / per_second),
            one.rating or 0.0,
        )
        for one in ratings
    ]
    events.sort(key=lambda event: (event.time, event.user, event.item))
    rated_items = dict.fromkeys(event.item for event in events)
    if unknown := next((item for item in rated_items if item not in items), None):
        raise DataError(f"Item {unknown!r} is rated but has no title: add it to the catalogue file.")
    used, same = distinct_titles([items[item] for item in rated_items])
    if rated:
        notes.append(f"Ratings are {scale}: {least:g} and above counts as liked.")
    if unit != "seconds":
        notes.append(f"Times are in {unit}.")
    _check_labels(events, wanted)
    return Dataset(used, tuple(events), (*notes, *same, *_marked(used)), summary)


def _rating(where: str, row: Row, wanted: Wanted, number: int) -> Rating:
    """One row as a rating. Without times, the number of the row stands for it."""
    columns = wanted.columns
    fixes = {name: f"map the {name} with --columns {name}=NAME" for name in ("user", "item", "rating", "time")}
    user, item = (cell(where, row, getattr(columns, name), fixes[name]) for name in ("user", "item"))
    rating = cell(where, row, columns.rating, fixes["rating"]) if _has_ratings(row, wanted) else None
    time = cell(where, row, columns.time, fixes["time"]) if columns.time else str(number)
    try:
        stars = None if rating is None else _finite(rating)
        seconds, dated = parse_time(time)
    except (ValueError, OverflowError):
        raise DataError(
            f"{where} has rating {rating!r} at time {time!r}: the rating must be a number, the time Unix seconds or a "
            "date."
        ) from None
    return Rating(user, item, stars, seconds, dated)


def _has_ratings(row: Row, wanted: Wanted) -> bool:
    """Whether a rating is needed or there. The task `next_item` takes data without."""
    if wanted.task is Task.CLICK:
        return True
    return bool(wanted.columns.rating) and wanted.columns.rating in row


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:  # infinite, or not a number
        raise ValueError(text)
    return number


def _reason_to_drop(rating: Rating, known: Mapping[Rating, None], wanted: Wanted) -> str:
    if rating.rating is not None and rating.rating in (NOT_RATED, wanted.unrated):
        return f"not rated ({rating.rating:g})"
    return "same row twice" if rating in known else ""


def check_ids(ratings: Mapping[Rating, None]) -> None:
    """Refuse ids that are one number in two spellings, as pandas makes them of integers with gaps.

    Raises:
        DataError: There are such ids.
    """
    for name in ("user", "item"):
        ids = {getattr(one, name) for one in ratings}
        if double := next((one for one in sorted(ids) if one.endswith(".0") and one[:-2] in ids), None):
            raise DataError(
                f"The {name} ids {double[:-2]!r} and {double!r} are one number in two spellings: write each id in one "
                "way."
            )


def genres_of(row: Row, column: str) -> tuple[str, ...]:
    """Genres in one cell: a list, or a text with pipes between them."""
    value = row.get(column) or ()
    parts = value.split("|") if isinstance(value, str) else value if isinstance(value, list) else ()
    return tuple(str(one).strip() for one in parts if str(one).strip() and one != "(no genres listed)")


def _check_labels(events: list[Interaction], wanted: Wanted) -> None:
    """Raise DataError where no title, or in `click` every title, is liked."""
    liked = sum(event.liked for event in events)
    if liked == 0 or (liked == len(events) and wanted.task is Task.CLICK):
        found = "Nobody likes anything" if liked == 0 else "Everybody likes everything"
        raise DataError(
            f"{found} in these {len(events):,} rows: choose with --liked from which rating on a title counts as liked."
        )


def _marked(items: tuple[Item, ...]) -> tuple[str, ...]:
    marked = sum(escape(item.title) != item.title or "<" in item.title for item in items)
    if not marked:
        return ()
    text = f"{marked} of {len(items)} titles hold quotes, markup or control characters: they are shown as plain text."
    return (text,)
