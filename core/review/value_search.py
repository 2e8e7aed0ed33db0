"""Search of JSON values and table columns for forgotten data."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import product, starmap
from typing import Any

from core.review.file_parts import ColumnBatch, JsonReader
from core.review.forgotten_data import ZERO_FRACTION, ForgottenData

USER_KEYS = ("user", "users", "uid", "subjects", "members", "crowd", "holdout")
ENCODED, BASE64 = ("payload", "sig"), re.compile(r"[\w+/-]{40,}=*")  # keys of a signed ledger entry (DSSE)
ITEMS = ("item", "items", "iid", "movie", "movies", "product", "products")


def value_shows(value: Any, forgotten: ForgottenData) -> bool:
    """Whether a JSON value, or some rows of a table, name a forgotten user, row or title."""
    if isinstance(value, ColumnBatch):
        return _batch_shows(value.columns, forgotten)
    if isinstance(value, dict):
        users, items = (_of(value, names) for names in ((*USER_KEYS, *ENCODED), ITEMS))
        if any(map(forgotten.is_forgotten_user, users)) or any(starmap(forgotten.is_row, product(users, items))):
            return True
        rest = [one for name, one in value.items() if not _is_skipped(name, one)]
        return any(value_shows(one, forgotten) for one in (*value, *rest, _payload(value.get("payload"))))
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(one, str) for one in value):
            alone = value[: 2 - _is_number(value[1])]
            return forgotten.is_row(*value) or any(value_shows(one, forgotten) for one in alone)
        return any(value_shows(one, forgotten) for one in value)
    return isinstance(value, str) and (forgotten.is_forgotten_user(value) or forgotten.shows(value))


def _batch_shows(columns: Mapping[str, list[Any]], forgotten: ForgottenData) -> bool:
    """What `value_shows` says of any of the rows; only a row's user and item have to be looked at together."""
    users, items = ([one for one in columns if _base_name(one) in keys] for keys in ((*USER_KEYS, *ENCODED), ITEMS))
    for pair in product(users, items):
        rows = {*zip(*(columns[name] for name in pair), strict=True)}
        if any(forgotten.is_row(*ids) for row in rows for ids in product(*map(_spellings, row))):
            return True
    return any(
        value_shows({name: value}, forgotten)
        for name, values in columns.items()
        for value in {None, *(one for one in values if name in users or isinstance(one, str))}
    )


def _is_skipped(name: str, value: Any) -> bool:
    """Whether a value is no text: an item's number, or a signature or statement in base64, whose letters are chance."""
    if name in ENCODED:
        return isinstance(value, str) and BASE64.fullmatch(value) is not None
    return _base_name(name) in ITEMS and _is_number(value)


def _of(value: dict[str, Any], names: Sequence[str]) -> list[str]:
    """The ids under some key names, whatever their spelling."""
    ids = (one for name, entry in value.items() if _base_name(name) in names for one in _as_list(entry))
    return [text for one in ids for text in _spellings(one)]


def _spellings(value: Any) -> set[str]:
    """An id as text; 4711.0 also as 4711, because columns with missing values store whole numbers as decimals."""
    text = str(value) if isinstance(value, str | int | float | Decimal) else ""
    return {text, ZERO_FRACTION.sub("", text)} - {""}


def _base_name(name: str) -> str:
    """One name for "userId", "user_id" and "User"."""
    letters = "".join(filter(str.isalpha, name.casefold()))
    return letters if letters in ("uid", "iid") else letters.removesuffix("id")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal()


def _payload(value: Any) -> Any:
    """The statement inside a ledger entry, which is base64; its text where it is no JSON value."""
    try:
        content = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (ValueError, binascii.Error):
        return None
    text = content.decode(json.detect_encoding(content), "replace")
    return JsonReader().read(text) or text
