"""From the rows of any format to a dataset: what is taken, what is dropped and why, and what is refused."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.data.interaction_store import InteractionStore
from core.data.labels import threshold
from core.data.prompts import escape
from core.data.readers.catalogue import ItemTitles, distinct_titles, first_titles
from core.data.readers.ids import check_ids
from core.data.readers.negatives import with_negatives
from core.data.readers.rating_reader import read_ratings
from core.data.readers.ratings import Ratings
from core.data.readers.summary import Summary
from core.data.readers.table import ReadOptions, Table
from core.data.templates import DEFAULT_DOMAIN
from core.data.times import check_dates, unit_of
from core.errors import DataError
from core.types import Item, Task

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
    domain: str = DEFAULT_DOMAIN


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
    ratings = read_ratings(table, options, titles if catalogue is None else None)
    reasons = _reasons_to_drop(ratings, options, catalogue)
    dropped = {reason: int(rows.sum()) for reason, rows in reasons.items()}
    if dropped[UNTITLED] > MOST_UNTITLED * len(ratings):
        unknown = ratings.items[ratings.item[reasons[UNTITLED]][0]]
        raise DataError(
            f"Item {unknown!r} and others of {dropped[UNTITLED]:,} rows are rated but have no title: add them to the "
            "catalogue file."
        )
    read = len(ratings)
    ratings = ratings.where(~np.any(list(reasons.values()), axis=0))
    if not len(ratings):
        raise DataError("The data holds no ratings: give a file with at least one row.")
    check_ids({"user": ratings.used_users, "item": ratings.used_items})
    items, told = first_titles(titles) if catalogue is None else (dict(catalogue), [])
    if ratings.dated.any():
        check_dates(ratings.time[~ratings.dated])
    unit, per_second = unit_of(ratings.time[~ratings.dated])
    ratings = ratings.in_time_order(per_second)  # one copy at a time: there may be millions of rows
    kept, (ratings, liked, label_note) = len(ratings), _labelled(ratings, options)
    summary = Summary(read, +Counter(dropped), bool(options.columns.time), len(ratings) - kept)
    used, shared = distinct_titles(items[item] for item in ratings.used_items)
    unit_note = (f"Times are in {unit}.",) if unit != "seconds" else ()
    notes = (*table.notes, *notes, *told, label_note, *unit_note, *shared, *_marked(used))
    return Dataset(used, ratings.store(liked), notes, summary)


def _reasons_to_drop(
    ratings: Ratings, options: ReadOptions, catalogue: Mapping[str, Item] | None
) -> dict[str, np.ndarray]:
    """For each reason, whether it is the first one to drop a row: [rows]."""
    unrated = {f"not rated ({value:g})": ratings.rating == value for value in _unrated(ratings, options)}
    untitled = np.array([catalogue is not None and item not in catalogue for item in ratings.items], dtype=bool)
    found = {
        **unrated,
        UNTITLED: untitled[ratings.item],
        "same row twice": ratings.repeated(bool(options.columns.time)),
    }
    taken = np.zeros(len(ratings), dtype=bool)
    for reason, rows in found.items():
        found[reason] = rows & ~taken
        taken |= rows
    return found


def _unrated(ratings: Ratings, options: ReadOptions) -> tuple[float, ...]:
    """The ratings that stand for "not rated". -1 does on a scale of stars, not where it says that somebody disliked."""
    if not ratings.rated or not len(ratings):
        return ()
    negative = ratings.rating[ratings.rating < 0]
    stars = bool((negative == NOT_RATED).all()) and float(ratings.rating.max()) > 1
    return (NOT_RATED,) * stars + (() if options.unrated is None else (options.unrated,))


def _labelled(ratings: Ratings, options: ReadOptions) -> tuple[Ratings, np.ndarray, str]:
    """The rows with sampled negatives, where asked, whether each counts as liked, and a sentence about it.

    Raises:
        DataError: No row, or in `click` every row, does; or an option does not fit the data.
    """
    least, note = -math.inf, "There are no ratings: every row counts as liked."
    if options.liked is not None and not ratings.rated:
        raise DataError(f"There are no ratings, so --liked {options.liked:g} has no use: leave it out.")
    if options.negatives:
        more, used = with_negatives(ratings, options.negatives)
        if used.all():
            raise DataError("Everybody used every item, so none can be sampled as not liked: choose --task next_item.")
        note = (
            f"There are no ratings: every row counts as liked, and {len(more) - len(ratings):,} sampled titles that "
            "their users never met count as not liked."
        )
        return more, used, note
    if ratings.rated:
        least, scale = threshold(np.unique(ratings.rating).tolist(), options.liked)
        note = f"Ratings are {scale}: {least:g} and above counts as liked."
    liked = ratings.rating >= least
    if not liked.any() or (liked.all() and options.task is Task.CLICK):
        found = "Everybody likes everything" if liked.any() else "Nobody likes anything"
        raise DataError(
            f"{found} in these {len(liked):,} rows: choose with --liked from which rating on a title counts as liked."
        )
    return ratings, liked, note


def _marked(items: tuple[Item, ...]) -> tuple[str, ...]:
    marked = sum(escape(item.title) != item.title or "<" in item.title for item in items)
    if not marked:
        return ()
    text = f"{marked} of {len(items)} titles hold quotes, markup or control characters: they are shown as plain text."
    return (text,)
