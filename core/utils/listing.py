"""Lists of files or rows of which one may be damaged: the others are still there, and the damaged one is named."""

from collections.abc import Callable, Iterable
from typing import Any, Self, TypeVar

from core.errors import DamagedError

S = TypeVar("S")
T = TypeVar("T")


class Listing(tuple[T, ...]):
    """The entries that can be read.

    Attributes:
        damaged: One sentence for each entry that cannot: the file, what is wrong, and the mend.
    """

    damaged: tuple[str, ...]

    def __new__(cls, entries: Iterable[T] = (), damaged: Iterable[str] = ()) -> Self:
        """Make a list of entries, with the sentences of those that are left out."""
        made = super().__new__(cls, entries)
        made.damaged = tuple(damaged)
        return made

    @classmethod
    def read(cls, sources: Iterable[S], read: Callable[[S], T]) -> "Listing[T]":
        """Read each source; one that raises DamagedError is left out."""
        found: list[T] = []
        damaged: list[str] = []
        for source in sources:
            try:
                found.append(read(source))
            except DamagedError as error:
                damaged.append(str(error))
        return Listing(found, damaged)

    def newest_first(self, key: Callable[[T], Any]) -> "Listing[T]":
        """The entries by falling key."""
        return Listing(sorted(self, key=key, reverse=True), self.damaged)

    def whole(self) -> Self:
        """The same list, for whatever must not miss an entry.

        Raises:
            DamagedError: An entry cannot be read.
        """
        if self.damaged:
            raise DamagedError(self.damaged[0])
        return self
