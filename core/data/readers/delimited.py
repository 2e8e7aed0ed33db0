"""Delimited text: comma, semicolon, tab, pipe or two colons between the cells."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import TextIO

from core.data.readers.table import MOST_NAMES, Columns, Rows, Table, check_columns
from core.data.readers.text_files import check_text, lines_of, open_text
from core.errors import DataError

DELIMITERS = (",", ";", "\t", "|", "::")
QUOTING = (",", ";")  # with these, a quoted cell may hold the delimiter and line breaks
MAX_CELL = 1 << 24  # characters
COLUMN_NAME = re.compile(  # in the common data sets
    r"(?i)(user|reviewer|customer|person|item|movie|film|book|song|track|artist|product|parent)?[_ ]?"
    r"(id|name|asin|isbn|title|genres?|rating|score|overall|liked?|weight|plays?|date|time|timestamp|unixreviewtime)|user|item"
)
EXCEL = re.compile(r'(?i)"?sep=(.)"?\s*')


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes:
        delimiter: What stands between the cells.
        escape: Character before a quote mark inside a cell.
        skipped: Lines before the table.
    """

    delimiter: str
    escape: str | None = None
    skipped: int = 0


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

    Raises:
        DataError: Two columns have the same name, or a row cannot be read.
    """
    notes = check_text(path)
    told = _delimiter_of_excel(path)
    dialect = Dialect(delimiter or told or _delimiter(path), escape, skipped=int(bool(told)))
    with open_text(path) as file:
        _, cells = next(_lines(path, file, dialect), (0, []))
    columns = tuple(names) or tuple(one.strip() for one in cells)
    if not header and not names:
        _check_no_header(path, cells)
        columns = tuple(map(str, range(1, len(cells) + 1)))
    check_columns(path, columns)
    return Table(_rows(path, dialect, columns, header), columns, notes)


def _check_no_header(path: Path, cells: Sequence[str]) -> None:
    """Refuse a header if --columns gives numbers: it would be read as a person's row."""
    if len(cells) > 1 and all(COLUMN_NAME.fullmatch(cell.strip()) for cell in cells):
        raise DataError(
            f"{path} has a header line ({', '.join(cells)[:MOST_NAMES]}), but --columns gives numbers: give names "
            "instead, or remove the line."
        )


def _delimiter(path: Path) -> str:
    """The delimiter that the first line with text holds most often outside quote marks."""
    with open_text(path) as file:
        first = next((line for line in lines_of(path, file) if line.strip()), "")
    return max(DELIMITERS, key=re.sub(r'"[^"]*"', "", first).count)


def _delimiter_of_excel(path: Path) -> str:
    """The delimiter that the first line says in Excel's form, "sep=;"; "" where it is an ordinary line."""
    with open_text(path) as file:
        said = EXCEL.fullmatch(next(lines_of(path, file), ""))
    return said[1] if said else ""


def _rows(path: Path, dialect: Dialect, columns: tuple[str, ...], header: bool) -> Rows:
    mend = "put quote marks around cells that hold" if dialect.delimiter in QUOTING else "use another delimiter than"
    with open_text(path) as file:
        for index, (number, cells) in enumerate(_lines(path, file, dialect)):
            if index == 0 and header:
                continue
            if len(cells) > len(columns):
                raise DataError(
                    f"{path} line {number} has {len(cells)} cells, more than the {len(columns)} columns: {mend} "
                    f"{dialect.delimiter!r}."
                )
            yield f"{path} line {number}", dict(zip_longest(columns, cells, fillvalue=""))


def _lines(path: Path, file: TextIO, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Number of the line on which a row begins, and its cells; empty lines are left out."""
    text_lines = islice(lines_of(path, file), dialect.skipped, None)
    if dialect.delimiter not in QUOTING:
        for number, line in enumerate(text_lines, dialect.skipped + 1):
            if text := line.rstrip("\r\n"):
                yield number, [_unquoted(one) for one in text.split(dialect.delimiter)]
        return
    csv.field_size_limit(MAX_CELL)
    lines = csv.reader(
        text_lines, delimiter=dialect.delimiter, escapechar=dialect.escape, skipinitialspace=True, strict=True
    )
    start = dialect.skipped + 1
    try:
        for cells in lines:
            if any(cells):
                yield start, cells
            start = dialect.skipped + lines.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path} line {start} has a quote mark that is not closed as it should be ({error}): write a quote mark "
            "inside a cell twice, and quote marks around the cell."
        ) from None


def _unquoted(text: str) -> str:
    """A cell that quote marks enclose, without them."""
    enclosed = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if enclosed else text
