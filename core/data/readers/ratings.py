"""Ratings as columns of numbers: which rows are the same, their order in time, and the store that holds them."""

from dataclasses import dataclass, fields, replace

import numpy as np

from core.data.interaction_store import InteractionStore, schema


@dataclass(frozen=True, slots=True)
class Ratings:
    """Rows as columns, in the order of the file.

    Attributes:
        users: Ids of all users.
        items: Ids of all items.
        user: Place of each row's user in `users`.
        item: Place of each row's item in `items`.
        rating: Each row's rating; 0 where there are none.
        time: Each row's time as in the file; without times, the number of the row.
        dated: Whether each row's time was a date, so that it is in Unix seconds.
        rated: Whether the rows hold ratings.
    """

    users: list[str]
    items: list[str]
    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    time: np.ndarray
    dated: np.ndarray
    rated: bool

    def __len__(self) -> int:
        return len(self.user)

    def where(self, rows: np.ndarray) -> "Ratings":
        """Some rows, by their places or by a mask."""
        columns = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(self, **{name: own[rows] for name, own in columns.items() if isinstance(own, np.ndarray)})

    @property
    def used_users(self) -> list[str]:
        """The users of the rows, each once, in order."""
        return _used(self.users, self.user)

    @property
    def used_items(self) -> list[str]:
        """The items of the rows, each once, in order."""
        return _used(self.items, self.item)

    def repeated(self, timed: bool) -> np.ndarray:
        """Whether an earlier row says the same: [rows]. Without times, rows differ by more than their number."""
        columns = (self.dated, self.time, self.rating, self.item, self.user)[0 if timed else 2 :]
        order = np.lexsort(columns)  # stable: of equal rows, the first stays first
        found = np.zeros(len(self), dtype=bool)
        same = [one[order[1:]] == one[order[:-1]] for one in columns]
        found[order[1:]] = np.all(same, axis=0)
        return found

    def in_time_order(self, per_second: float) -> "Ratings":
        """The rows sorted by time, then by user and item, with all times in Unix seconds.

        Args:
            per_second: How many units of the times that were no dates make a second.
        """
        seconds = np.where(self.dated, self.time, self.time / per_second)
        order = np.lexsort((_ranks(self.items)[self.item], _ranks(self.users)[self.user], seconds))
        return replace(self, time=seconds).where(order)

    def store(self, liked: np.ndarray) -> InteractionStore:
        """The rows as interactions, whose times have no fractions of a second.

        Args:
            liked: Whether each row counts as liked.
        """
        from pyarrow import DictionaryArray, Table, array  # takes a third of a second

        user, item = (
            DictionaryArray.from_arrays(array(places), array(names, "string"))
            for places, names in ((self.user, self.users), (self.item, self.items))
        )
        rating = self.rating + 0.0  # no -0
        columns = (user, item, liked, self.time.astype(np.int64), rating)
        return InteractionStore.of_table(Table.from_arrays(list(map(array, columns)), schema().names))


def _used(names: list[str], places: np.ndarray) -> list[str]:
    _, first = np.unique(places, return_index=True)
    return [names[place] for place in places[np.sort(first)]]


def _ranks(names: list[str]) -> np.ndarray:
    """Place of each name in the order of all names."""
    ranks = np.empty(len(names), dtype=np.int32)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks
