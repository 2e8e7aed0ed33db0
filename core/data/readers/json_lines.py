"""JSON lines: one object a line; empty lines are left out."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from core.data.readers.table import Columns, Rows, Table
from core.data.readers.text_files import check_text, lines_of, open_text
from core.errors import DataError


def read_json_lines(path: Path, _columns: Columns | None = None) -> Table:
    """Open a JSON-lines file."""
    return Table(_rows(path), notes=check_text(path))


class _DoubleKeyError(Exception):
    """An object names a key twice, so that one value would be dropped without a word."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _DoubleKeyError(next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)  # made once, as `json.loads` would make one for each line


def _rows(path: Path) -> Rows:
    with open_text(path) as file:
        for number, line in enumerate(lines_of(path, file), 1):
            if not line.strip():
                continue
            try:
                row = DECODER.decode(line)
            except _DoubleKeyError as error:
                raise DataError(f"{path} line {number} has the key {str(error)!r} twice: keep one.") from None
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, dict):
                raise DataError(f"{path} line {number} is not a JSON object: write one object a line.")
            yield f"{path} line {number}", row
