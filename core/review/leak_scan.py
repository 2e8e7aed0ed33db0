"""Search of a workspace's files for forgotten data: user ids, rows, titles, and copies of destroyed weights.

The id of a forgotten user is searched as a word in every file and in every file name. Of single interactions, whose
user stays, the row (user and item together) is searched. The catalogue lists all titles, so a title there is no leak;
in any other file the title of a forgotten row is one.
"""

import base64
import binascii
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, product, starmap
from pathlib import Path
from typing import Any

from core.data.interaction_store import InteractionStore
from core.errors import WorkspaceError
from core.review.file_contents import ColumnBatch, content_of
from core.types import Interaction, Item, Request
from core.utils.hashing import sha256_of_file
from core.workspace.layout import WorkspaceLayout

# File names of a base model: their words and numbers belong to the language, not to a user.
BASE_FILE = re.compile(
    r"([\w-]*config|tokenizer|vocab|added_tokens|special_tokens_map|model[\w.-]*)\.(json|safetensors)|merges.txt"
)
MIN_TITLE_LENGTH = 8  # letters; a shorter title inside a text may be a coincidence
WORD = re.compile(r"[\w-]+")
PIECE = re.compile(r"[_.-]")  # splits file names only: in data, the id "anna" is not part of the id "anna-maria"
TOKEN = re.compile(r"[^\s\x00-\x1f\ufffd,;:|\"'`()\[\]{}<>=/\\]+")  # an e-mail address is one
# Numbers are everywhere, so a bare number counts as a user only after the word "user", and as a row only beside an
# item.
USER_NUMBER = re.compile(r"(?i)\busers?\W{1,4}([\w-]+)")
CELL = re.compile(r"::|[,;\t|]")
NUMBERS = re.compile(r"[\d.+\s-]+")  # a row that consists of numbers only
USER_KEYS = ("user", "users", "uid", "subjects", "members", "crowd", "holdout")
ENCODED, BASE64 = ("payload", "sig"), re.compile(r"[\w+/-]{40,}=*")  # keys of a signed ledger entry (DSSE)
ITEMS = ("item", "items", "iid", "movie", "movies", "product", "products")


@dataclass(frozen=True)
class ForgottenData:
    """Tests for forgotten data.

    Attributes:
        is_forgotten_user: Whether a word is the id of a forgotten user.
        is_row: Whether a user and an item are a forgotten row.
        titles: Titles of forgotten rows; empty where they are no longer known.
        phrases: Titles that are long enough to be searched inside a text, in lower case.
    """

    is_forgotten_user: Callable[[str], bool]
    is_row: Callable[[str, str], bool]
    titles: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()

    def shows(self, text: str) -> bool:
        """Whether a text names a forgotten user, row or title."""
        if text in self.titles or any(map(self.is_forgotten_user, _words(text))):
            return True
        if any(self.is_row(*pair) for line in text.split("\n") for pair in _pairs(line)):
            return True
        folded = html.unescape(text).casefold() if len(text) >= MIN_TITLE_LENGTH else ""
        return any(phrase in folded for phrase in self.phrases)


def _words(text: str) -> Iterator[str]:
    """Words that may be a user's id. A word with dots is also split at them."""
    yield from USER_NUMBER.findall(text)
    words = (*WORD.findall(text), *(token.rstrip(".!?") for token in TOKEN.findall(text)))
    yield from (word for word in words if not word.isdecimal())


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """Cells of a line that may be a user and an item: neighbours, or the first and the last cell."""
    cells = [cell.strip(" \"'") for cell in (line.split() if NUMBERS.fullmatch(line) else CELL.split(line))]
    ends = cells[:1] + cells[-1:]
    return chain(pairwise(cells), pairwise(ends), pairwise(ends[::-1]))


def forgotten_data_of(request: Request, rows: Iterable[Interaction], items: Mapping[str, Item]) -> ForgottenData:
    """Tests for the data of a request that is still known, with its rows and titles."""
    users, pairs = frozenset(request.users), {(one.user, one.item) for one in rows}
    titles = frozenset(items[item].title for _, item in pairs if item in items)
    return ForgottenData(users.__contains__, lambda user, item: (user, item) in pairs, titles, _phrases(titles))


def data_of_everybody(interactions: InteractionStore, items: Mapping[str, Item]) -> ForgottenData:
    """Tests for the data of all users with an interaction."""
    titles = frozenset(items[item].title for item in interactions.items() if item in items)
    return ForgottenData(frozenset(interactions.users()).__contains__, interactions.holds, titles, _phrases(titles))


def _phrases(titles: Iterable[str]) -> tuple[str, ...]:
    return tuple(title.casefold() for title in titles if len(title) >= MIN_TITLE_LENGTH)


def find_leaks(root: Path, forgotten: ForgottenData, skip: Sequence[str] = ()) -> list[str]:
    """The files of a workspace that still show forgotten data. Sealed copies are encrypted and not searched.

    Args:
        root: The workspace folder.
        forgotten: The tests for forgotten data.
        skip: Names of files that are not searched, or prefixes of such names.

    Returns:
        File names relative to `root`.

    Raises:
        WorkspaceError: A file or folder cannot be read.
    """
    catalogue = WorkspaceLayout(root).items
    searched = (
        name
        for name in names(root)
        if root / name != catalogue and not _is_of_base_model(root, name) and not name.startswith(tuple(skip))
    )
    return [name for name in searched if not _is_sealed(root, name) and _shows(root, name, forgotten)]


def _is_of_base_model(root: Path, name: str) -> bool:
    path = root / name
    return path.parent == WorkspaceLayout(root).base and BASE_FILE.fullmatch(path.name) is not None


def _is_sealed(root: Path, name: str) -> bool:
    return (root / name).is_relative_to(WorkspaceLayout(root).sealed)


def names(root: Path) -> Iterator[str]:
    """Every file below `root`, relative to it."""

    def refuse(error: OSError) -> None:
        raise _unread(error.filename) from error

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders.sort()
        yield from (str((Path(folder) / name).relative_to(root)) for name in sorted(files))


def _shows(root: Path, name: str, forgotten: ForgottenData) -> bool:
    path = Path(name)
    pieces = (piece for part in path.parts for piece in PIECE.split(part) if not piece.isdecimal())
    if any(map(forgotten.is_forgotten_user, (path.stem, *pieces))):
        return True
    if any(map(forgotten.shows, (*path.parts, path.stem))):
        return True
    return _test_file(root, name, lambda path: _content_shows(path, forgotten))


def _content_shows(path: Path, forgotten: ForgottenData) -> bool:
    values, text = content_of(path)
    return forgotten.shows(text) or any(_within(value, forgotten) for value in values)


def _test_file(root: Path, name: str, test: Callable[[Path], bool]) -> bool:
    try:
        return test(root / name)
    except FileNotFoundError:  # removed meanwhile, or a link to nowhere
        return False
    except (OSError, RecursionError) as error:  # JSON that is nested too deeply
        raise _unread(name) from error


def _unread(name: str) -> WorkspaceError:
    return WorkspaceError(f"{name} cannot be read, so its content is unknown: remove it.")


def _within(value: Any, forgotten: ForgottenData) -> bool:
    if isinstance(value, ColumnBatch):
        return _batch_shows(value.columns, forgotten)
    if isinstance(value, dict):
        users, items = (_of(value, names) for names in ((*USER_KEYS, *ENCODED), ITEMS))
        if any(map(forgotten.is_forgotten_user, users)) or any(starmap(forgotten.is_row, product(users, items))):
            return True
        rest = [one for name, one in value.items() if not _is_skipped(name, one)]
        return any(_within(one, forgotten) for one in (*value, *rest, _payload(value.get("payload"))))
    if isinstance(value, list):
        if len(value) == 2 and all(isinstance(one, str) for one in value):
            return forgotten.is_row(*value) or any(_within(one, forgotten) for one in value[: 2 - _is_number(value[1])])
        return any(_within(one, forgotten) for one in value)
    return isinstance(value, str) and (forgotten.is_forgotten_user(value) or forgotten.shows(value))


def _batch_shows(columns: Mapping[str, list[Any]], forgotten: ForgottenData) -> bool:
    """What `_within` says of any of the rows; only a row's user and item have to be looked at together."""
    users, items = ([one for one in columns if _base_name(one) in keys] for keys in ((*USER_KEYS, *ENCODED), ITEMS))
    for pair in product(users, items):
        rows = {*zip(*(columns[name] for name in pair), strict=True)}
        if any(forgotten.is_row(str(user), str(item)) for user, item in rows if None not in (user, item)):
            return True
    return any(
        _within({name: value}, forgotten)
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
    return [str(one) for one in ids if isinstance(one, int | str)]


def _base_name(name: str) -> str:
    """One name for "userId", "user_id" and "User"."""
    letters = "".join(filter(str.isalpha, name.casefold()))
    return letters if letters in ("uid", "iid") else letters.removesuffix("id")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isdecimal()


def _payload(value: Any) -> Any:
    """The statement inside a ledger entry, which is base64."""
    try:
        return json.loads(base64.b64decode(value, validate=True)) if isinstance(value, str) else None
    except (ValueError, binascii.Error):
        return None


def find_weight_copies(root: Path, destroyed: Mapping[str, int]) -> list[str]:
    """The files of a workspace that are exact copies of destroyed weights, under any name.

    Copies that were changed, packed or encrypted are not found.

    Args:
        root: The workspace folder.
        destroyed: Sizes in bytes of the destroyed files, by their SHA-256.

    Returns:
        File names relative to `root`.

    Raises:
        WorkspaceError: A file cannot be read.
    """

    def is_copy(path: Path) -> bool:
        return path.stat().st_size in destroyed.values() and sha256_of_file(path) in destroyed

    return [name for name in names(root) if not _is_sealed(root, name) and _test_file(root, name, is_copy)]
