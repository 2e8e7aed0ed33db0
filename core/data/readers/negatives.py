"""Sampled negatives: titles that a user never met count as not liked, where the data only says what was used."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random

import numpy as np

from core.data.readers.ratings import Ratings

Row = tuple[int, int, bool]  # place of the item, time in Unix seconds, and whether the item was used


def with_negatives(ratings: Ratings, per_row: int) -> tuple[Ratings, np.ndarray]:
    """Add, for each user, `per_row` titles for each row, each title once and none that the user met.

    They are drawn uniformly and stand at random places between the user's rows, so that neither a place nor earlier
    labels tell a label. The rows keep their order in time; to tell one order, a row's time grows by a second where it
    would be that of the row before. The draw depends on the user's id alone. A user who met nearly everything gets what
    is left.

    Args:
        ratings: All rows, in time order and in Unix seconds.
        per_row: Titles for each row.

    Returns:
        All rows in time order, and whether each was used: [rows].
    """
    found, catalogue = list[tuple[int, int, int, bool]](), np.unique(ratings.item).tolist()
    order = np.argsort(ratings.user, kind="stable")
    for places in np.split(order, np.flatnonzero(np.diff(ratings.user[order])) + 1):
        user, items = int(ratings.user[places[0]]), ratings.item[places].tolist()
        rng = Random(f"negatives:{ratings.users[user]}")
        drawn = _unmet(rng, catalogue, set(items), per_row * len(items))
        times = ratings.time[places].astype(np.int64).tolist()
        found += [(user, *row) for row in _mixed(rng, zip(items, times, strict=True), drawn, times[0])]
    users, items_, times_, used = (np.array(column) for column in zip(*found, strict=True))
    chosen = np.argsort(times_, kind="stable")
    chosen, none = np.argsort(times_, kind="stable"), np.zeros(len(found))
    more = replace(ratings, user=users, item=items_, time=times_, rating=none, dated=none.astype(bool))
    return more.where(chosen), used[chosen]


def _unmet(rng: Random, catalogue: Sequence[int], met: set[int], count: int) -> list[int]:
    """Draw different items; by rejection where the user met few of them, since a catalogue can be large."""
    count = min(count, len(catalogue) - len(met))
    if 2 * (len(met) + count) > len(catalogue):
        return rng.sample([item for item in catalogue if item not in met], count)
    found = dict[int, None]()
    while len(found) < count:
        if (item := catalogue[rng.randrange(len(catalogue))]) not in met:
            found[item] = None
    return list(found)


def _mixed(rng: Random, own: Iterable[tuple[int, int]], drawn: Sequence[int], first: int) -> Iterator[Row]:
    """A user's rows and the drawn items in random order; the rows keep theirs."""
    rows = list(own)
    kinds = [True] * len(rows) + [False] * len(drawn)
    rng.shuffle(kinds)
    used, unused, time = iter(rows), iter(drawn), first - 1
    for is_used in kinds:
        item, at = next(used) if is_used else (next(unused), time)
        time = max(at, time + 1)
        yield item, time, is_used
