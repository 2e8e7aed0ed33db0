"""From the rows of any format to a dataset: what is taken, what is dropped and why, and what is refused."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from core.data.interaction_store import InteractionStore
from core.data.labels import threshold
from core.data.negatives import sampled_negatives
from core.data.prompts import escape
from core.data.readers.catalogue import ItemTitles, check_ids, distinct_titles, first_titles, genres_in
from core.data.readers.summary import Summary
from core.data.readers.table import Columns, Row, Table, cell
from core.data.templates import ANY
from core.data.times import parse_time, unit_of
from core.errors import DataError
from core.types import Interaction, Item, Task

NO_TITLE = "map the title with --columns title=NAME, or give the catalogue with --items FILE"
UNTITLED = "item without a title in the catalogue"
MOST_UNTITLED = 0.2  # of the rows; beyond, the catalogue is not that of the ratings
NOT_RATED = -1.0  # seen without a rating, as MyAnimeList writes it


@dataclass(frozen=True, slots=True)
class Dataset:
    """A catalogue of items and the interactions of users with them.

    Attributes:
        items: Every item with at least one interaction, in the order of its first one.
        interactions: All interactions; those of one time are sorted by user and item.
        notes: Sentences about the data for the person who prepares the workspace.
        summary: What was read, kept and dropped; None for data that no file holds.
        domain: What the items are, as far as names of files and columns tell; a key of `templates.DOMAINS`.
    """

    items: tuple[Item, ...]
    interactions: InteractionStore
    notes: tuple[str, ...] = ()
    summary: Summary | None = None
    domain: str = ANY


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


class Rating(NamedTuple):
    """One row: its ids, its rating (None without ratings), its time, and whether that was a date."""

    user: str
    item: str
    rating: float | None
    time: float
    dated: bool


def make_dataset(
    table: Table, options: ReadOptions, catalogue: Mapping[str, Item] | None = None, notes: tuple[str, ...] = ()
) -> Dataset:
    """Make a dataset of rows that each hold one rating.

    Args:
        table: The rows.
        options: How to read them.
        catalogue: The items by id; without it, each row holds its item's title.
        notes: Sentences about the catalogue.

    Raises:
        DataError: A row cannot be read, or the data as a whole cannot be used.
    """
    titles: ItemTitles = {}
    ratings, dropped, seen = list[Rating](), Counter[str](), set[Rating]()
    rated: bool | None = None
    for number, (where, row) in enumerate(table.rows, 1):
        rated = _has_ratings(where, row, options) if rated is None else rated
        rating = _rating(where, row, options, rated, number)
        own = rating if options.columns.time else rating._replace(time=0.0)
        if catalogue is None:
            title = cell(where, row, options.columns.title, NO_TITLE)
            item = Item(rating.item, title, genres_in(options.columns.genres)(row))
            titles.setdefault(rating.item, {}).setdefault(title, item)
        if reason := _reason_to_drop(rating, own in seen, options, catalogue):
            dropped[reason] += 1
        else:
            ratings.append(rating)
        seen.add(own)
    read = len(ratings) + dropped.total()
    if dropped[UNTITLED] > MOST_UNTITLED * read:
        unknown = next(one.item for one in seen if one.item not in (catalogue or {}))
        raise DataError(
            f"Item {unknown!r} and others of {dropped[UNTITLED]:,} rows are rated but have no title: add them to the "
            "catalogue file."
        )
    if not ratings:
        raise DataError("The data holds no ratings: give a file with at least one row.")
    check_ids({"user": (one.user for one in ratings), "item": (one.item for one in ratings)})
    items, told = first_titles(titles) if catalogue is None else (dict(catalogue), [])
    return _finished(
        ratings, items, options, [*table.notes, *notes, *told], Summary(read, +dropped, bool(options.columns.time))
    )


def _finished(
    ratings: list[Rating], items: Mapping[str, Item], options: ReadOptions, notes: list[str], summary: Summary
) -> Dataset:
    rated = [one.rating for one in ratings if one.rating is not None]
    least, scale = threshold(rated, options.liked) if rated else (-math.inf, "")
    unit, per_second = unit_of([one.time for one in ratings if not one.dated])
    timed = [(one.time if one.dated else one.time / per_second, one) for one in ratings]
    timed.sort(key=lambda pair: (pair[0], pair[1].user, pair[1].item))  # before the fractions of a second are cut
    events = [
        Interaction(one.user, one.item, one.rating is None or one.rating >= least, int(time), one.rating or 0.0)
        for time, one in timed
    ]
    if options.negatives:
        events, told = _with_negatives(events, options)
        notes.append(told)
    used, shared = distinct_titles(items[item] for item in dict.fromkeys(event.item for event in events))
    if rated:
        notes.append(f"Ratings are {scale}: {least:g} and above counts as liked.")
    else:
        notes.append("There are no ratings: every row counts as liked.")
    if unit != "seconds":
        notes.append(f"Times are in {unit}.")
    _check_labels(events, options)
    return Dataset(used, InteractionStore.of(events), (*notes, *shared, *_marked(used)), summary)


def _with_negatives(events: list[Interaction], options: ReadOptions) -> tuple[list[Interaction], str]:
    """The rows and the sampled ones, and a sentence on these."""
    items = tuple(dict.fromkeys(event.item for event in events))
    sampled = list(sampled_negatives(events, items, options.negatives))
    told = f"{len(sampled):,} titles that their users never met were sampled, and count as not liked."
    return sorted([*events, *sampled], key=lambda event: (event.time, event.user, event.item)), told


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
    if options.negatives and column in row:
        raise DataError(
            f"{where} has a rating, so no titles need to be sampled as not liked: leave --negatives out, or write "
            "--columns rating= if it only says that something was used."
        )
    similar = next((name for name in row if name.lower() == column.lower()), None)
    if column and column not in row and (similar or column != Columns().rating):
        raise DataError(f"{where} has no column {column!r}: write --columns rating={similar or ''}.")
    return column in row if column else False


def _rating(where: str, row: Row, options: ReadOptions, rated: bool, number: int) -> Rating:
    """One row as a rating. Without times, the number of the row stands for it."""
    columns = options.columns
    fixes = {name: f"map the {name} with --columns {name}=NAME" for name in ("user", "item", "rating", "time")}
    user, item = (cell(where, row, getattr(columns, name), fixes[name]) for name in ("user", "item"))
    rating = cell(where, row, columns.rating, fixes["rating"]) if rated else None
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


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or "_" in text:
        raise ValueError(text)
    return number


def _reason_to_drop(rating: Rating, seen: bool, options: ReadOptions, catalogue: Mapping[str, Item] | None) -> str:
    if rating.rating is not None and rating.rating in (NOT_RATED, options.unrated):
        return f"not rated ({rating.rating:g})"
    if catalogue is not None and rating.item not in catalogue:
        return UNTITLED
    return "same row twice" if seen else ""


def _check_labels(events: list[Interaction], options: ReadOptions) -> None:
    """Raise DataError where no title, or in `click` every title, is liked."""
    liked = sum(event.liked for event in events)
    if liked == 0 or (liked == len(events) and options.task is Task.CLICK):
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
