"""Search of JSON values and table columns for forgotten data."""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import product, starmap
from typing import Any

from core.review.file_parts import ColumnBatch, JsonReader, NotReadError
from core.review.forgotten_data import ZERO_FRACTION, ForgottenData
from core.review.key_names import ITEMS, OWN_ID, OWN_NUMBERS, USERS, base_name

ENCODED, BASE64 = ("payload", "sig"), re.compile(r"[\w+/-]{40,}=*")  # keys of a signed ledger entry (DSSE)
LEVELS = 8  # keys above an item, and users beside it, that may be whose row it is
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
        if not place and len(value) == 2 and all(isinstance(one, str) for one in value):
            alone = value[: 2 - _is_number(value[1])]
            return forgotten.is_row(*value) or any(value_shows(one, forgotten) for one in alone)
        return any(value_shows(one, forgotten, place, above) for one in value)
    return _single_shows(value, forgotten, place)


def _single_shows(value: Any, forgotten: ForgottenData, place: str) -> bool:
    """What `value_shows` says of a value that is no list and no object."""
    if place in (*USERS, *ENCODED) and any(map(forgotten.is_forgotten_user, _spellings(value))):
        return True
    if not isinstance(value, str) or _is_skipped(place, value):
        return False
    return forgotten.is_forgotten_user(value) or forgotten.shows(value)


def _object_shows(value: dict[str, Any], forgotten: ForgottenData, place: str, above: Sequence[str]) -> bool:
    users, items = (_of(value, names, place) for names in (USERS, ITEMS))
    owners = users or above
    if len(owners) * len(items) > MOST_PAIRS:
        raise NotReadError("an object with very many users and items")
    if any(starmap(forgotten.is_row, product(owners, items))):
        return True
    if any(forgotten.is_row(name, one) for name, entry in value.items() for one in _listed(entry)):
        return True
    if any(value_shows(name, forgotten, place) for name in value):
        return True
    near = owners[: LEVELS - 1] if len(owners) <= LEVELS else ()  # whoever is one of many owns nothing further below
    for name, entry in value.items():
        if value_shows(entry, forgotten, _place(name, place), (name, *near)):
            return True
    return value_shows(_payload(value.get("payload")), forgotten)


def _batch_shows(columns: Mapping[str, list[Any]], forgotten: ForgottenData) -> bool:
    """What `value_shows` says of any of the rows; only a row's user and item have to be looked at together."""
    users, items, encoded = ([one for one in columns if base_name(one) in keys] for keys in (USERS, ITEMS, ENCODED))
    for pair in product(users, items):
        rows = {*zip(*(columns[name] for name in pair), strict=True)}
        if any(forgotten.is_row(*ids) for row in rows for ids in product(*map(_spellings, row))):
            return True
    return any(
        value_shows({name: value}, forgotten)
        for name, values in columns.items()
        for value in {None, *(one for one in values if name in (*users, *encoded) or isinstance(one, str))}
    )


def _is_skipped(place: str, value: str) -> bool:
    """Whether a value is no text: an item's number, or a signature or statement in base64, whose letters are chance."""
    return BASE64.fullmatch(value) is not None if place in ENCODED else place in ITEMS and _is_number(value)


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


def _listed(entry: Any) -> Iterator[str]:
    """What a key maps a user to: items in a list, as the keys of an object, or a single one; a number is a count."""
    if isinstance(entry, dict | list | str):
        yield from (text for one in _as_list(entry) for text in _spellings(one))


def _spellings(value: Any) -> set[str]:
    """An id as text; 4711.0 also as 4711, because columns with missing values store whole numbers as decimals."""
    text = str(value) if isinstance(value, str | int | float | Decimal) else ""
    return {text, ZERO_FRACTION.sub("", text)} - {""}


def _as_list(value: Any) -> list[Any]:
    """The ids of a value: of a list's entries, at any depth, and of an object, whose keys may be ids too."""
    if isinstance(value, list):
        return [one for entry in value for one in _as_list(entry)]
    return [value.get("id"), *value] if isinstance(value, dict) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal()


def _payload(value: Any) -> Any:
    """The statement inside a ledger entry, which is base64, without our own numbers; its text if it is no JSON."""
    try:
        content = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (ValueError, binascii.Error):
        return None
    text = content.decode(json.detect_encoding(content), "replace")
    statement = JsonReader().read(text)
    entry: Any = statement.get("predicate") if isinstance(statement, dict) else None
    for name in OWN_NUMBERS if isinstance(entry, dict) else ():
        if str(entry.get(name)).isdecimal():
            del entry[name]
    return statement or text
