"""What a request takes out of the data, and whether a file still shows it.

A person's id is looked for as a word in every file, of single interactions, whose person stays, the row itself. Titles stand in
the catalogue for everybody, so there they tell nothing; elsewhere the title of a forgotten row is a trace.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.records.keys import Keys
from core.types import Interaction, Item, Request

CATALOGUE = ("data/items.jsonl", "base/")  # hold titles for everybody, and nobody's rows
ENOUGH = 8  # letters from which a title inside of a text is no coincidence
HEADER = 8  # bytes that tell how long the text before the weights is in a safetensors file
# A bare number is a person only where it says so: numbers are everywhere.
WORD = re.compile(r"(?<=user )[\w-]+|(?<=User )[\w-]+|(?<=user ')[\w-]+|[\w-]*[^\W\d][\w-]*")


@dataclass(frozen=True)
class Forgotten:
    """How to tell what was forgotten. titles: empty where nobody knows them any more."""

    is_person: Callable[[str], bool]
    is_row: Callable[[str, str], bool]
    titles: frozenset[str] = frozenset()

    def shows(self, text: str) -> bool:
        """Whether a text is, or names, something forgotten."""
        if text in self.titles or self.is_person(text) or any(map(self.is_person, WORD.findall(text))):
            return True
        return any(title in text for title in self.titles if len(title) >= ENOUGH)


def rows_of(interactions: Iterable[Interaction], request: Request) -> list[Interaction]:
    """The interactions that a request takes out."""
    users, pairs = set(request.users), set(request.interactions)
    return [one for one in interactions if one.user in users or (one.user, one.item) in pairs]


def known(request: Request, rows: Iterable[Interaction], items: Mapping[str, Item]) -> Forgotten:
    """For whoever still has the request and its rows."""
    users, pairs = frozenset(request.users), {(one.user, one.item) for one in rows}
    titles = frozenset(items[item].title for _, item in pairs if item in items)
    return Forgotten(users.__contains__, lambda user, item: (user, item) in pairs, titles)


def by_pseudonym(keys: Keys, people: frozenset[str], rows: frozenset[str]) -> Forgotten:
    """For whoever has nothing but the ledger and the key of its pseudonyms."""
    person = lru_cache(1 << 20)(lambda word: keys.pseudonym("user", word) in people)
    return Forgotten(person, lambda user, item: keys.pseudonym("row", user, item) in rows)


def traces(root: Path, forgotten: Forgotten, but: Sequence[str] = ()) -> list[str]:
    """The files of a workspace that still show something, by name, but for some. Sealed ones are noise and not looked at."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    names = ((path, str(path.relative_to(root))) for path in files)
    return [
        name for path, name in names if not name.startswith((*CATALOGUE, "sealed/", *but)) and _shows(path, forgotten)
    ]


def _shows(path: Path, forgotten: Forgotten) -> bool:
    if forgotten.shows(path.stem):
        return True
    return any(_within(value, forgotten) for value in _values(path))


def _values(path: Path) -> Iterator[Any]:
    """What a file says: JSON as its values, weights by their header, anything else as text."""
    if path.suffix == ".safetensors":
        with path.open("rb") as file:
            yield file.read(int.from_bytes(file.read(HEADER), "little")).decode("utf-8", "replace")
        return
    text = path.read_bytes().decode("utf-8", "replace")
    if path.suffix not in (".json", ".jsonl"):
        yield text
        return
    for part in [text] if path.suffix == ".json" else text.splitlines():
        try:
            yield json.loads(part)
        except ValueError:
            yield part


def _within(value: Any, forgotten: Forgotten) -> bool:
    if isinstance(value, dict):
        row = value.get("user"), value.get("item")
        if all(isinstance(one, str) for one in row) and forgotten.is_row(*row):  # type: ignore[arg-type]
            return True
        opened = _payload(value.get("payload"))
        return any(_within(one, forgotten) for pair in value.items() for one in pair) or _within(opened, forgotten)
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(one, str) for one in value) and forgotten.is_row(*value):
            return True
        return any(_within(one, forgotten) for one in value)
    return isinstance(value, str) and forgotten.shows(value)


def _payload(value: Any) -> Any:
    """What an entry of the ledger says."""
    try:
        return json.loads(base64.b64decode(value, validate=True)) if isinstance(value, str) else None
    except (ValueError, binascii.Error):
        return None
