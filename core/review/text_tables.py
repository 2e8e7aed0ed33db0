"""Columns of users and items in text: a table of which one of the first lines names them."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.review.file_parts import ColumnBatch, NotReadError
from core.review.key_names import ITEMS, USERS, base_name

SEPARATORS = ("\t", ";", "|", ",")
BLANKS = re.compile(" {2,}")  # part the cells where no sign does
FIRST_LINES = 8  # of which one may be the header: notes may stand above it


@dataclass(frozen=True, slots=True)
class Header:
    """The line of a table that names its columns.

    Attributes:
        separator: What stands between its cells.
        names: The columns of users and items by their places, each with its place, so that no two names are the same.
    """

    separator: str
    names: dict[int, str]

    def columns(self, lines: Sequence[str]) -> ColumnBatch:
        """The columns of some lines of the table.

        Raises:
            NotReadError: A cell is too long to read.
        """
        try:
            parts = (part for line in lines for part in line.split("\r"))  # a progress bar has them inside a line
            rows = [*csv.reader(map(_with_one_separator, parts), delimiter=self.separator, skipinitialspace=True)]
        except csv.Error as error:
            raise NotReadError("a table that cannot be parted into cells") from error
        return ColumnBatch({name: [_cell(row, place) for row in rows] for place, name in self.names.items()})


def header_of(text: str) -> Header | None:
    """The header in the first lines of a text; None where none of them names a column of users."""
    return next(filter(None, map(_header, text.split("\n", FIRST_LINES)[:FIRST_LINES])), None)


def _header(line: str) -> Header | None:
    line = _with_one_separator(line)
    for separator in (one for one in SEPARATORS if one in line):
        # A cell with a digit is a value, as in the log line "users: 610, items: 9724".
        cells = ["" if any(map(str.isdigit, cell)) else base_name(cell) for cell in line.split(separator)]
        if any(one in USERS for one in cells):
            return Header(
                separator, {place: f"{place} {one}" for place, one in enumerate(cells) if one in (*USERS, *ITEMS)}
            )
    return None


def _with_one_separator(line: str) -> str:
    line = line.strip(" \r").replace("::", "\t")
    return line if any(one in line for one in SEPARATORS) else BLANKS.sub("\t", line)


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip(" \"'") if place < len(row) else ""
