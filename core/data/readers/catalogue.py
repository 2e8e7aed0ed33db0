"""Titles of items: one for each item, and no two items with the same."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from core.errors import DataError
from core.types import Item

MOST_SPLIT = 0.1  # of the items may have several titles; beyond, the column is no title of the item


def check_titles(titles: Mapping[str, Sequence[str]]) -> list[str]:
    """Refuse a column that is not the item's title, such as the headline of a review.

    Args:
        titles: The different titles of each item.

    Returns:
        A sentence where some items have several titles; the first is kept.

    Raises:
        DataError: More than a tenth of the items have several titles.
    """
    several = {item: own for item, own in titles.items() if len(own) > 1}
    if not several:
        return []
    item = max(several, key=lambda one: len(several[one]))
    first, second, *_ = several[item]
    if len(several) > max(1, MOST_SPLIT * len(titles)):
        raise DataError(
            f"Item {item!r} has {len(several[item])} different titles, such as {first[:60]!r} and {second[:60]!r}: "
            "that is another text than the item's title, so give the catalogue with --items FILE, or map the title "
            "with --columns title=NAME."
        )
    return [f"{len(several)} items have several titles; the first is kept: {item!r} is {first!r}, not {second!r}."]


def distinct_titles(items: Iterable[Item]) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Add the id to titles that several items share.

    Returns:
        The items, and a sentence where there are such.
    """
    items = tuple(items)
    counts = Counter(item.title for item in items)
    found = tuple(
        replace(item, title=f"{item.title} [{item.id}]") if counts[item.title] > 1 else item for item in items
    )
    shared = sum(counts[item.title] > 1 for item in items)
    return found, (f"{shared} items share a title with another: their id stands behind it.",) if shared else ()
