"""Ids of users and items: as text, with no two of different users or items that are written alike."""

import unicodedata
from collections.abc import Iterable, Mapping

from core.data.readers.table import Row, cell
from core.data.rounded_numbers import EXACT, is_rounded
from core.errors import DataError


def id_of(where: str, row: Row, column: str, fix: str) -> str:
    """One id as text; see `cell`.

    Raises:
        DataError: There is none, or it is a number without its last digits, so that several users may have it.
    """
    value, text = row.get(column), cell(where, row, column, fix)
    if is_rounded(text) or (isinstance(value, float) and not abs(value) < EXACT):
        raise DataError(
            f"{where} has {text!r} in column {column!r}, a number without its last digits, so that several ids may "
            "have become one: write the column as text, with all digits."
        )
    return text


def check_ids(ids: Mapping[str, Iterable[str]]) -> None:
    """Refuse ids of which two are the same in another spelling.

    Args:
        ids: The ids of users and of items, by the name of the column.

    Raises:
        DataError: There are such ids: numbers with and without ".0", as pandas makes them of integers with gaps, or
            words that differ in invisible characters or in the way an accent is stored.
    """
    for name, own in ids.items():
        known = set(own)
        if double := next((one for one in sorted(known) if one.endswith(".0") and one[:-2] in known), None):
            raise DataError(
                f"The {name} ids {double[:-2]!r} and {double!r} are one number in two spellings: write each id in one "
                "way."
            )
        if alike := _alike(known):
            first, second = map(ascii, alike)
            raise DataError(f"The {name} ids {first} and {second} look the same: write each id in one way.")


def _alike(ids: set[str]) -> tuple[str, str] | None:
    """Two ids that nobody can tell apart by their looks."""
    seen: dict[str, str] = {}
    for one in sorted(one for one in ids if not one.isascii()):
        look = "".join(char for char in unicodedata.normalize("NFC", one) if unicodedata.category(char) != "Cf")
        other = look if look in ids else seen.setdefault(look, one)
        if other != one:
            return other, one
    return None
