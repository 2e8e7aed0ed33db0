"""Pages of SQLite in journals: whether they are text and numbers, as rows and indices are, or packed bytes."""

from collections.abc import Iterator

from core.review.forgotten_data import TEXT_IN_BYTES

FILE_HEADER = b"SQLite format 3\x00"  # of 100 bytes, before the first page
MOST_PAGES = 1 << 24  # of a database whose journals are read: 64 GiB
LIST, INNER, INNER_ROWS, ROWS = 0, (2, 5), 5, 13  # kinds of pages by their first byte; a list is of free pages
KINDS = (*INNER, 10, ROWS)
NUMBER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8}  # bytes of a value by its type in a row
# Unexplained bytes that a page may have: FEW, or so many for each explained one, as deleted rows leave some.
FEW, REMAINS = 64, 2


def is_page(page: bytes) -> bool:
    """Whether enough of a page is text, zeros, and numbers where rows have them; packed bytes are none of these."""
    return _is_plain(page, page) or _is_plain(_without_remains(page), page)


def _is_plain(content: bytes, page: bytes) -> bool:
    text = content.decode("utf-8", "replace")
    plain = sum(map(len, TEXT_IN_BYTES.findall(text)))
    others = len(text) - text.count("\0") - plain
    return others <= FEW or others <= REMAINS * (plain + _numbers(page))


def number(content: bytes, start: int, size: int = 4) -> int:
    """A number as SQLite's files have it."""
    return int.from_bytes(content[start : start + size], "big")


def _without_remains(page: bytes) -> bytes:
    """A page of rows or of an index in which zeros replace what SQLite left when it deleted from it.

    Where cells were deleted in turn, the list of cells goes on with the last one, again and again, or with equal steps.
    """
    start, first, end = _list_of_cells(page)
    if page[start] not in KINDS:
        return page
    left, before, step = bytearray(page), number(page, end - 2, 2), 0
    while end < (one := number(page, end, 2)) < len(page):
        if one - before in (0, step):
            left[end : end + 2] = bytes(2)
        before, step, end = one, one - before, end + 2
    for place in _old_headers(page, start, first, end):
        left[place : place + 4] = bytes(4)
    return bytes(left)


def _old_headers(page: bytes, start: int, first: int, end: int) -> Iterator[int]:
    """Where free blocks of a page begin, or began: two numbers, of the next block, and of bytes up to a known place.

    Such a place is a cell, another such block, or the end of the page. Packed bytes hardly ever are such numbers.
    """
    count = number(page, start + 3, 2)
    ends = {len(page), *(number(page, place, 2) for place in (start + 5, *range(first, first + 2 * count, 2)))}
    for place in range(len(page) - 4, end - 1, -1):
        following, behind = number(page, place, 2), place + number(page, place + 2, 2)
        if place + 4 <= behind <= len(page) and (not following or behind < following < len(page)):
            if behind in ends:
                yield place
            ends.add(place)  # also of a block whose end was overwritten


def _list_of_cells(page: bytes) -> tuple[int, int, int]:
    """Where the header of a page begins, and the list of its cells begins and ends."""
    start = 100 if page.startswith(FILE_HEADER) else 0
    first = start + (12 if page[start] in INNER else 8)
    return start, first, first + 2 * number(page, start + 3, 2)


def _numbers(page: bytes) -> int:
    """How many bytes of a page are its own numbers, or those of its rows; 0 for bytes that are no page."""
    start, first, end = _list_of_cells(page)
    kind = page[start]
    if kind == LIST:
        return _numbers_of_list(page)
    cells = {number(page, place, 2) for place in range(first, end, 2)}
    if kind not in KINDS or end > len(page) or len(cells) < (end - first) // 2:
        return 0
    try:
        return end + sum(_numbers_of_cell(page, cell, kind) for cell in cells)
    except IndexError:
        return 0


def _numbers_of_list(page: bytes) -> int:
    """Like `_numbers`, of a list of free pages, in which old numbers remain behind those that it counts."""
    count, used = number(page, 4), len(page.rstrip(b"\0")) // 4 + 1
    others = [number(page, 4 * place) for place in range(used) if place != 1]
    return 4 * used if count <= len(page) // 4 - 2 and max(others) < MOST_PAGES else 0


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
