"""Search of JSON values and table columns for forgotten data."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product, starmap
from typing import Any

from core.review.file_parts import ColumnBatch, JsonReader, NotReadError
from core.review.forgotten_data import NEXT, ZERO_FRACTION, ForgottenData, pairs
from core.review.key_names import ITEMS, OWN_ID, OWN_NUMBERS, USERS, base_name
from core.review.text_readings import forms

ENCODED, SIGNATURE = ("payload", "sig"), 64  # keys of a signed ledger entry (DSSE); bytes of its signature
MOST_OWNERS = 8  # users beside an object or a list to whom all in it may belong
MOST_PAIRS = 1_000_000  # of users and items in one object


def value_shows(value: Any, forgotten: ForgottenData, place: str = "", above: Sequence[str] = ()) -> bool:
    """Whether a JSON value, or some rows of a table, name a forgotten user, row or title.

    Args:
        value: The value.
        forgotten: The tests for forgotten data.
        place: What the nearest key names, as `base_name` spells it: a number is somebody's id only in a user's place.
        above: Keys and users above the value, which may be whose row an item is.

    Raises:
        NotReadError: An object has too many users and items to look at each pair.
    """
    if isinstance(value, ColumnBatch):
        return _batch_shows(value.columns, forgotten)
    if isinstance(value, dict):
        return _object_shows(value, forgotten, place, above)
    if isinstance(value, list):
        return _list_shows(value, forgotten, place, above)
    return _single_shows(value, forgotten, place, above)


def _list_shows(value: list[Any], forgotten: ForgottenData, place: str, above: Sequence[str]) -> bool:
    if not place and len(value) <= NEXT + 1:  # it may be a row; of numbers only [user, item], as others are counts
        cells = [str(one) for one in value if isinstance(one, str | int)]
        rows = (pair for pair in pairs(cells) if [*pair] == value or not all(map(str.isdecimal, pair)))
        if any(starmap(forgotten.is_row, rows)):
            return True
        if len(value) == 2 and isinstance(value[0], str) and _is_number(value[1]):
            return value_shows(value[0], forgotten, place, above) or value_shows(value[1], forgotten, "item", above)
    return any(value_shows(one, forgotten, place, above) for one in value)


def _single_shows(value: Any, forgotten: ForgottenData, place: str, above: Sequence[str]) -> bool:
    """What `value_shows` says of a value that is no list and no object."""
    if place in (*USERS, *ENCODED):
        known = any(map(forgotten.is_forgotten_user, _spellings(value)))
    else:
        owned = product(above, _spellings(value)) if isinstance(value, str) or place in ITEMS else ()
        known = any(starmap(forgotten.is_row, owned))
    if known:
        return True
    if not isinstance(value, str) or (place in ITEMS and _is_number(value)):
        return False
    if place in ENCODED and (content := _decoded(value)):
        if place == "sig" and len(content) == SIGNATURE:
            return False  # its letters are chance
        text = content.decode(json.detect_encoding(content), "replace")
        if inside := _without_own_numbers(JsonReader().read(text)):
            return value_shows(inside, forgotten)
        if value_shows(text, forgotten):
            return True
    return forgotten.is_forgotten_user(value) or forgotten.shows(value)


def _object_shows(value: dict[str, Any], forgotten: ForgottenData, place: str, above: Sequence[str]) -> bool:
    if columns := _columns(value):
        numbers = [*next(iter(value.values()))]  # of the rows, or users
        is_counted = numbers == [*map(str, range(len(numbers)))]
        named = not is_counted and any(map(forgotten.is_forgotten_user, numbers))
        return named or _batch_shows(columns, forgotten)
    users = _of(value, USERS, place)
    owners = users or above
    if len(users) > MOST_OWNERS:  # whoever is one of many owns the items beside them, and nothing further below
        items, owners = _of(value, ITEMS, place), ()
        if len(users) * len(items) > MOST_PAIRS:
            raise NotReadError("an object with very many users and items")
        if any(starmap(forgotten.is_row, product(users, items))):
            return True
    if any(forgotten.is_row(name, one) for name, entry in value.items() for one in _numbers(entry)):
        return True
    if any(value_shows(name, forgotten, place, above) for name in value):
        return True
    for name, entry in value.items():
        own = _place(name, place)
        near = () if _is_number(entry) and own not in ITEMS else owners  # a number beside a user may be a rating
        if value_shows(entry, forgotten, own, (name, *near)):
            return True
    return False


def _batch_shows(columns: Mapping[str, list[Any]], forgotten: ForgottenData) -> bool:
    """What `value_shows` says of any of the rows; only a row's user and item have to be looked at together."""
    users, items, encoded = ([one for one in columns if base_name(one) in keys] for keys in (USERS, ITEMS, ENCODED))
    for pair in product(users, (one for one in columns if one not in users)):
        rows = {*zip(*(columns[name] for name in pair), strict=True)}
        owned = (row for row in rows if pair[1] in items or _is_text(row[1]))
        if any(forgotten.is_row(*ids) for row in owned for ids in product(*map(_spellings, row))):
            return True
    return any(
        value_shows({name: value}, forgotten)
        for name, values in columns.items()
        for value in {None, *(one for one in values if name in (*users, *encoded) or isinstance(one, str))}
    )


def _place(name: str, place: str) -> str:
    """What a key names; {"user": {"id": 4711}} and {"users": {"list": ...}} differ, so only an "id" keeps the place."""
    if name.casefold() in OWN_ID:
        return place
    own = base_name(name)
    return own if own in (*USERS, *ITEMS, *ENCODED) else ""


def _of(value: dict[str, Any], names: Sequence[str], place: str) -> list[str]:
    """The ids under some key names, whatever their spelling."""
    ids = (one for name, entry in value.items() if _place(name, place) in names for one in _as_list(entry))
    return [text for one in ids for text in _spellings(one)]


def _numbers(entry: Any) -> Iterator[str]:
    """Numbers in what a key maps a user to, which may be items; a single number is a count."""
    if isinstance(entry, dict | list):
        yield from (text for one in _as_list(entry) if not isinstance(one, str) for text in _spellings(one))


def _columns(value: dict[str, Any]) -> dict[str, list[Any]]:
    """The columns of a table in which each row has a number, {"user": {"0": "u1"}, "item": {"0": "i3"}}."""
    tables = [one for one in value.values() if isinstance(one, dict)]
    if not tables or len(tables) < len(value) or not any(base_name(one) in USERS for one in value):
        return {}
    numbers, cells = tables[0].keys(), [cell for one in tables for cell in one.values()]
    is_table = all(map(str.isdecimal, numbers)) and all(one.keys() == numbers for one in tables)
    if not cells or not is_table or any(isinstance(one, dict | list) for one in cells):
        return {}
    return {name: [*entry.values()] for name, entry in value.items()}


def _spellings(value: Any) -> set[str]:
    """An id as text; 4711.0 also as 4711, because columns with missing values store whole numbers as decimals."""
    text = str(value) if isinstance(value, str | int | float | Decimal) else ""
    return {*forms(text), ZERO_FRACTION.sub("", text)} - {""}


def _as_list(value: Any) -> list[Any]:
    """The ids of a value: of a list's entries, at any depth, and of an object, whose keys may be ids too."""
    if isinstance(value, list):
        return [one for entry in value for one in _as_list(entry)]
    return [value.get("id"), *value] if isinstance(value, dict) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not value.isdecimal()


def _decoded(value: str) -> bytes:
    """The bytes that a text is in base64; none where it is another text."""
    try:
        return base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _without_own_numbers(statement: Any) -> Any:
    """The statement of a ledger entry without the numbers of ours that stand where a user's could."""
    entry: Any = statement.get("predicate") if isinstance(statement, dict) else None
    parts = [entry, entry.get("settings")] if isinstance(entry, dict) else []  # a first entry holds the settings
    for part, name in product((one for one in parts if isinstance(one, dict)), OWN_NUMBERS):
        if str(part.get(name)).isdecimal():
            del part[name]
    return statement
