"""What a request takes out of the data, and whether a file still shows it.

A person's id is looked for as a word in every file and in its name, of single interactions, whose person stays, the row itself.
Titles stand in the catalogue for everybody, so there they tell nothing; elsewhere the title of a forgotten row is a trace.
"""

import base64
import binascii
import html
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, pairwise, product, starmap
from pathlib import Path
from typing import Any

from core.errors import WorkspaceError
from core.types import Interaction, Item, Request
from core.utils.hashing import sha256_of_file

CATALOGUE = "data/items.jsonl"  # holds titles for everybody, and nobody's rows
# Of a base model: its words and numbers are of everybody's language.
BASE = re.compile(
    r"base/([\w-]*config|tokenizer|vocab|added_tokens|special_tokens_map|model[\w.-]*)\.(json|safetensors)|base/merges.txt"
)
ENOUGH = 8  # letters from which a title inside of a text is no coincidence
# How gzip, zip, bzip2, xz, zstd, 7z, zlib and git, parquet and feather begin.
PACKED = (
    b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"x\x01", b"x\x9c", b"x\xda", b"PACK",
    b"PAR1", b"ARROW1",
)  # fmt: skip
WIDE = (b"\xff\xfe", b"\xfe\xff")  # how a text in UTF-16 begins
HEADER = 8  # bytes that tell how long the text before the weights is in a safetensors file
WORD = re.compile(r"[\w-]+")
PIECE = re.compile(r"[_.-]")  # of a file's name alone: in data, the id "anna" is no part of the id "anna-maria"
TOKEN = re.compile(r"[^\s\x00-\x1f\ufffd,;:|\"'`()\[\]{}<>=/\\]+")  # an e-mail address is one
# A bare number is a person only where it says so, and beside an item a row: numbers are everywhere, and items have some too.
SAID = re.compile(r"(?i)\busers?\W{1,4}([\w-]+)")
CELL = re.compile(r"::|[,;\t|]")
NUMBERS = re.compile(r"[\d.+\s-]+")  # a row of numbers alone, and no sentence that has some
SQLITE = b"SQLite format 3\x00"
PEOPLE = ("user", "users", "uid", "subjects", "members", "crowd", "holdout")
ITEMS = ("item", "items", "iid", "movie", "movies", "product", "products")


@dataclass(frozen=True)
class Forgotten:
    """How to tell what was forgotten. titles: empty where nobody knows them any more. phrases: those that are no coincidence
    inside of a text, in small letters."""

    is_person: Callable[[str], bool]
    is_row: Callable[[str, str], bool]
    titles: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()

    def shows(self, text: str) -> bool:
        """Whether a text names something forgotten."""
        if text in self.titles or any(map(self.is_person, _words(text))):
            return True
        if any(self.is_row(*pair) for line in text.split("\n") for pair in _pairs(line)):
            return True
        folded = html.unescape(text).casefold() if len(text) >= ENOUGH else ""
        return any(phrase in folded for phrase in self.phrases)


def _words(text: str) -> Iterator[str]:
    """What may be somebody's id; a word with dots in it also in its pieces."""
    yield from SAID.findall(text)
    found = (*WORD.findall(text), *(token.rstrip(".!?") for token in TOKEN.findall(text)))
    yield from (word for word in found if not word.isdecimal())


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """What may be a person and an item in one line: neighbours, or its two ends. A rating beside an item is neither."""
    cells = [cell.strip(" \"'") for cell in (line.split() if NUMBERS.fullmatch(line) else CELL.split(line))]
    ends = cells[:1] + cells[-1:]
    return chain(pairwise(cells), pairwise(ends), pairwise(ends[::-1]))


def rows_of(interactions: Iterable[Interaction], request: Request) -> list[Interaction]:
    """The interactions that a request takes out."""
    users, pairs = set(request.users), set(request.interactions)
    return [one for one in interactions if one.user in users or (one.user, one.item) in pairs]


def known(request: Request, rows: Iterable[Interaction], items: Mapping[str, Item]) -> Forgotten:
    """For whoever still has the request and its rows."""
    users, pairs = frozenset(request.users), {(one.user, one.item) for one in rows}
    titles = frozenset(items[item].title for _, item in pairs if item in items)
    phrases = tuple(title.casefold() for title in titles if len(title) >= ENOUGH)
    return Forgotten(users.__contains__, lambda user, item: (user, item) in pairs, titles, phrases)


def traces(root: Path, forgotten: Forgotten, but: Sequence[str] = ()) -> list[str]:
    """The files of a workspace that still show something, by name, but for some. Sealed ones are noise and not looked at.

    Raises WorkspaceError for a file or folder that cannot be read.
    """
    looked = (name for name in names(root) if name != CATALOGUE and not BASE.fullmatch(name))
    return [
        name for name in looked if not (sealed(name) or name.startswith(tuple(but))) and _shows(root, name, forgotten)
    ]


def sealed(name: str) -> bool:
    """Whether a file of a workspace is a sealed copy: nothing can be told of it."""
    return name.startswith("sealed/")


def names(root: Path) -> Iterator[str]:
    """Every file below `root`, relative to it."""

    def refuse(error: OSError) -> None:
        raise _unread(error.filename) from error

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders.sort()
        yield from (str((Path(folder) / name).relative_to(root)) for name in sorted(files))


def _shows(root: Path, name: str, forgotten: Forgotten) -> bool:
    path = Path(name)
    pieces = (piece for part in path.parts for piece in PIECE.split(part) if not piece.isdecimal())
    if any(map(forgotten.is_person, (path.stem, *pieces))) or any(map(forgotten.shows, (*path.parts, path.stem))):
        return True
    return looked_into(root, name, lambda path: _content_shows(path, forgotten))


def _content_shows(path: Path, forgotten: Forgotten) -> bool:
    values, text = _said(path)
    return forgotten.shows(text) or any(_within(value, forgotten) for value in values)


def looked_into(root: Path, name: str, look: Callable[[Path], bool]) -> bool:
    """What `look` says of a file. Raises WorkspaceError where it cannot be read."""
    try:
        return look(root / name)
    except FileNotFoundError:  # gone meanwhile, or a link that leads nowhere
        return False
    except (OSError, RecursionError) as error:  # JSON may be nested more deeply than anything of ours
        raise _unread(name) from error


def _unread(name: str) -> WorkspaceError:
    return WorkspaceError(f"{name} cannot be read, so nobody knows what is in it: take it away.")


def _said(path: Path) -> tuple[list[Any], str]:
    """What a file says: JSON as its values, also a line at a time, and the rest; of weights their header."""
    if path.suffix == ".safetensors":
        with path.open("rb") as file:
            size = int.from_bytes(file.read(HEADER), "little")
            return [], file.read(min(size, path.stat().st_size)).decode("utf-8", "replace")
    content = path.read_bytes()
    text = _decoded(content)
    if content.startswith(SQLITE):
        return list(_table_rows(path)), text
    if whole := _json(text):
        return [whole], ""
    lines = text.split("\n")  # other ends of lines may be in a title
    found = [_json(line) for line in lines]
    return list(filter(None, found)), "\n".join(line for line, one in zip(lines, found, strict=True) if not one)


def _table_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Raises OSError for what only begins like a database."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.row_factory = sqlite3.Row
            for (table,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
                yield from map(dict, database.execute('SELECT * FROM "{}"'.format(table.replace('"', '""'))))
    except sqlite3.Error as error:
        raise OSError("damaged") from error


def _decoded(content: bytes) -> str:
    """Raises OSError for what is packed: nobody can look into all that may be in there."""
    if content.startswith(PACKED):
        raise OSError("packed")
    return content.decode("utf-16" if content.startswith(WIDE) else "utf-8", "replace")


def _json(text: str) -> Any:
    """None for what is no object and no list."""
    try:
        return json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except ValueError:
        return None


def _within(value: Any, forgotten: Forgotten) -> bool:
    if isinstance(value, dict):
        people, items = (_of(value, names) for names in (PEOPLE, ITEMS))
        if any(map(forgotten.is_person, people)) or any(starmap(forgotten.is_row, product(people, items))):
            return True
        told = [one for name, one in value.items() if not (_plain(name) in ITEMS and _is_number(one))]
        return any(_within(one, forgotten) for one in (*value, *told, _payload(value.get("payload"))))
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(one, str) for one in value):
            return forgotten.is_row(*value) or any(_within(one, forgotten) for one in value[: 2 - _is_number(value[1])])
        return any(_within(one, forgotten) for one in value)
    return isinstance(value, str) and (forgotten.is_person(value) or forgotten.shows(value))


def _of(value: dict[str, Any], names: Sequence[str]) -> list[str]:
    """The ids under some names, however they are spelt."""
    found = (one for name, told in value.items() if _plain(name) in names for one in _several(told))
    return [str(one) for one in found if isinstance(one, int | str)]


def _plain(name: str) -> str:
    """One name for "userId", "user_id" and "User"."""
    letters = "".join(filter(str.isalpha, name.casefold()))
    return letters if letters in ("uid", "iid") else letters.removesuffix("id")


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal()


def _payload(value: Any) -> Any:
    """What an entry of the ledger says."""
    try:
        return json.loads(base64.b64decode(value, validate=True)) if isinstance(value, str) else None
    except (ValueError, binascii.Error):
        return None


def copies(root: Path, gone: Mapping[str, int]) -> list[str]:
    """The files of a workspace that hold destroyed weights to the byte. gone: their sizes in bytes by their SHA-256.

    A copy that was changed, packed or encrypted is not found. Raises WorkspaceError for what cannot be read.
    """

    def holds(path: Path) -> bool:
        return path.stat().st_size in gone.values() and sha256_of_file(path) in gone

    return [name for name in names(root) if not sealed(name) and looked_into(root, name, holds)]
