"""Titles of items: one for each item, and no two items with the same."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from core.data.prompts import MAX_TITLE, escape
from core.data.readers.ids import id_of
from core.data.readers.table import Row, Table, cell
from core.errors import DataError
from core.types import Item

MOST_SPLIT = 0.1  # of the items may have several titles; beyond, the column is no title of the item
ItemTitles = dict[str, dict[str, Item]]  # each item's different titles


def read_items(
    table: Table, ids: Sequence[str], titles: Sequence[str], genres: Callable[[Row], tuple[str, ...]]
) -> tuple[dict[str, Item], list[str]]:
    """Read a catalogue.

    Args:
        table: Its rows, one for each item.
        ids: Names that the column of the item's id can have.
        titles: Names that the column of the title can have.
        genres: Genres of a row.

    Returns:
        The items by id, and sentences about them. Items without a title that a prompt can hold are left out.
    """
    found: ItemTitles = {}
    for where, row in table.rows:
        item = id_of(where, row, _first(ids, row), "name the column of the item's id with --columns item=NAME")
        column = _first(titles, row)
        if table.columns and column not in row:
            cell(where, row, column, "name the column of the title with --columns title=NAME")
        title = cell(where, row, column, "remove the row") if row.get(column) else ""
        if 0 < len(title) <= MAX_TITLE:
            found.setdefault(item, {}).setdefault(title, Item(item, title, genres(row)))
    return first_titles(found)


def _first(names: Sequence[str], row: Row) -> str:
    return next((name for name in names if name in row), names[0])


def first_titles(titles: ItemTitles) -> tuple[dict[str, Item], list[str]]:
    """Each item with its first title, and a sentence where items have several.

    Raises:
        DataError: More than a tenth of the items have several titles, as where the title is that of a review.
    """
    several = {item: list(own) for item, own in titles.items() if len(own) > 1}
    items = {item: next(iter(own.values())) for item, own in titles.items()}
    if not several:
        return items, []
    item = max(several, key=lambda one: len(several[one]))
    first, second, *_ = several[item]
    if len(several) > max(1, MOST_SPLIT * len(titles)):
        raise DataError(
            f"Item {item!r} has {len(several[item])} different titles, such as {first[:60]!r} and {second[:60]!r}: "
            "that is another text than the item's title, so give the catalogue with --items FILE, or map the title "
            "with --columns title=NAME."
        )
    return items, [
        f"Items with several titles, of which the first is kept: {len(several)}, such as {item!r} with {first!r} and "
        f"{second!r}."
    ]


def distinct_titles(items: Iterable[Item]) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """Add the id to titles that are the same for several items in a prompt.

    Returns:
        The items, and a sentence where there are such.

    Raises:
        DataError: A title cannot be used in a prompt.
    """
    written = {item: escape(item.title) for item in items}
    counts = Counter(written.values())
    found = tuple(
        replace(item, title=f"{item.title} [{item.id}]") if counts[title] > 1 else item
        for item, title in written.items()
    )
    shared = sum(count for count in counts.values() if count > 1)
    return found, (f"Items that share a title, shown with their id: {shared}.",) if shared else ()


def genres_in(column: str) -> Callable[[Row], tuple[str, ...]]:
    """Reads genres in one column: a list, or a text with pipes between them."""

    def genres(row: Row) -> tuple[str, ...]:
        value = row.get(column) or ()
        parts = value.split("|") if isinstance(value, str) else value if isinstance(value, list) else ()
        texts = (str(one).strip().encode("utf-8", "replace").decode() for one in parts)
        return tuple(one for one in texts if one and one != "(no genres listed)")

    return genres
