"""Tables of text with a delimiter between the cells: comma, semicolon, tab, pipe or two colons."""

import csv
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from core.data.readers.table import Columns, Rows, Table
from core.data.readers.text_files import open_text
from core.errors import DataError

DELIMITERS = (",", ";", "\t", "|", "::")
QUOTING = (",", ";")  # with other delimiters, a quote mark is a character like any other
MAX_CELL = 1 << 24  # characters


def read_delimited(path: Path, columns: Columns) -> Table:
    """Open a table; where the columns are counted, it has no header."""
    return delimited_table(path, header=not columns.are_numbers)


def delimited_table(
    path: Path, header: bool = True, names: Sequence[str] = (), delimiter: str = "", escape: str | None = None
) -> Table:
    """Open a table.

    Args:
        path: The file.
        header: Whether its first line names the columns.
        names: Names of the columns where they are known; without names and header, they are counted from 1.
        delimiter: What stands between the cells; found by the first line if "".
        escape: Character before a quote mark inside a cell, where it is not written twice.
    """
    with open_text(path) as file:
        first = file.readline()
    delimiter = delimiter or max(DELIMITERS, key=first.count)
    with open_text(path) as file:
        _, cells = next(_lines(path, file, delimiter, escape), (0, []))
    columns = tuple(names) or tuple(one.strip() for one in cells)
    if not header and not names:
        columns = tuple(map(str, range(1, len(cells) + 1)))
    return Table(_rows(path, delimiter, escape, columns, header), columns)


def _rows(path: Path, delimiter: str, escape: str | None, columns: tuple[str, ...], header: bool) -> Rows:
    with open_text(path) as file:
        for index, (number, cells) in enumerate(_lines(path, file, delimiter, escape)):
            if index == 0 and header:
                continue
            if any(cells[len(columns) :]):
                raise DataError(
                    f"{path} line {number} has {len(cells)} cells, more than the {len(columns)} columns: put quote "
                    f"marks around cells that hold {delimiter!r}."
                )
            yield f"{path} line {number}", dict(zip_longest(columns, cells[: len(columns)], fillvalue=""))


def _lines(path: Path, file: TextIO, delimiter: str, escape: str | None) -> Iterator[tuple[int, list[str]]]:
    """Number of the line on which a row begins, and its cells; empty lines are left out."""
    if delimiter not in QUOTING:
        for number, line in enumerate(file, 1):
            if text := line.rstrip("\r\n"):
                yield number, text.split(delimiter)
        return
    csv.field_size_limit(MAX_CELL)
    lines, start = csv.reader(file, delimiter=delimiter, escapechar=escape, strict=True), 1
    try:
        for cells in lines:
            if cells:
                yield start, cells
            start = lines.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path} line {start} has a quote mark that is not closed as it should be ({error}): write a quote mark "
            "inside a cell twice, and quote marks around the cell."
        ) from None
