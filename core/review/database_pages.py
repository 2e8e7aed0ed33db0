"""Pages of SQLite in journals: whether they are text and numbers, as rows and indices are, or packed bytes."""

from core.review.forgotten_data import TEXT_IN_BYTES

FILE_HEADER = b"SQLite format 3\x00"  # of 100 bytes, before the first page
MOST_PAGES = 1 << 24  # of a database whose journals are read: 64 GiB
LIST, INNER, INNER_ROWS, ROWS = 0, (2, 5), 5, 13  # kinds of pages by their first byte; a list is of free pages
KINDS = (*INNER, 10, ROWS)
NUMBER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8}  # bytes of a value by its type in a row
FEW, REMAINS = 64, 2  # bytes that nothing explains: a few, or this many for each other one, since rows leave remains


def is_page(page: bytes) -> bool:
    """Whether enough of a page is text, zeros, and numbers where rows have them; packed bytes are none of these."""
    text = page.decode("utf-8", "replace")
    plain = sum(map(len, TEXT_IN_BYTES.findall(text)))
    others = len(text) - text.count("\0") - plain
    return others <= FEW or others <= REMAINS * (plain + _numbers(page))


def number(content: bytes, start: int, size: int = 4) -> int:
    """A number as SQLite's files have it."""
    return int.from_bytes(content[start : start + size], "big")


def _numbers(page: bytes) -> int:
    """How many bytes of a page are its own numbers, or those of its rows; 0 for bytes that are no page."""
    start = 100 if page.startswith(FILE_HEADER) else 0
    kind = page[start]
    count = number(page, 4) if kind == LIST else number(page, start + 3, 2)
    if kind == LIST:
        others = [number(page, 4 * place) for place in range(min(count, len(page)) + 2) if place != 1]
        return 4 * len(others) if count <= len(page) // 4 - 2 and max(others) < MOST_PAGES else 0
    first = start + (12 if kind in INNER else 8)
    cells = {number(page, place, 2) for place in range(first, first + 2 * count, 2)}
    if kind not in KINDS or first + 2 * count > len(page) or len(cells) < count:
        return 0
    try:
        return first + 2 * count + sum(_numbers_of_cell(page, cell, kind) for cell in cells)
    except IndexError:
        return 0


def _numbers_of_cell(page: bytes, cell: int, kind: int) -> int:
    place = cell + 4 * (kind in INNER)
    for _ in range(2 if kind == ROWS else 1):  # the size of the row, and its number
        place = _varint(page, place)[1]
    if kind == INNER_ROWS:
        return place - cell
    (size, types), values = _varint(page, place), 0
    end = place + size
    while types < end:
        one, types = _varint(page, types)
        values += NUMBER_SIZES.get(one, 0)
    return end - cell + values


def _varint(page: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next one begins.

    Raises:
        IndexError: The page ends before.
    """
    value = 0
    for byte in range(9):
        value = value << 7 | page[place + byte] & 127
        if page[place + byte] < 128:
            break
    return value, place + byte + 1
