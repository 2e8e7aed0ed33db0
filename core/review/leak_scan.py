"""Search of a workspace's files for forgotten data: user ids, rows, titles, and copies of destroyed weights.

The id of a forgotten user is searched as a word in every file and in every file name. Of single interactions, whose
user stays, the row (user and item together) is searched. The catalogue lists all titles, so a title there is no leak;
in any other file the title of a forgotten row is one. A file ends as one of three: it shows forgotten data, it is
clean, or it could not be read, and then nobody knows. No link is followed, and nothing outside the workspace is opened.
"""

import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core.review.file_contents import parts_of
from core.review.file_parts import NotReadError, Part, Text
from core.review.forgotten_data import ForgottenData
from core.review.value_search import value_shows
from core.utils.hashing import sha256_of_file
from core.workspace.layout import WorkspaceLayout

# File names of a base model: most of their words and numbers belong to the language, not to a user.
BASE_FILE = re.compile(
    r"([\w-]*config|tokenizer|vocab|added_tokens|special_tokens_map|model[\w.-]*)\.(json|safetensors)"
    r"|(vocab|merges)\.txt|[\w.-]+\.model|chat_template\.jinja"
)
PIECE = re.compile(r"[_.-]")  # splits file names only: in data, the id "anna" is not part of the id "anna-maria"
# Shortest ids that are searched where most words are nobody's. A vocabulary has "user1" and "sha256"; an address or
# an id of a database in it is no chance. Titles have fewer such words.
LENGTH_IN_CATALOGUE, LENGTH_IN_BASE = 4, 8
UNREAD = (NotReadError, OSError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Findings:
    """What a search found.

    Attributes:
        shows: Names of the files that show forgotten data, relative to the workspace.
        unread: Why files could not be searched, in some words, by their names.
    """

    shows: tuple[str, ...]
    unread: dict[str, str]

    @property
    def problems(self) -> str:
        """What to remove before the workspace is clean, in a sentence for each kind; "" where it is."""
        unread = ", ".join(f"{name} ({why})" for name, why in self.unread.items())
        shown = f"Forgotten data is still in {', '.join(self.shows)}: remove it." if self.shows else ""
        unknown = f"Not searched, so nobody knows what they hold: {unread}. Move them out of the workspace."
        return " ".join(filter(None, (shown, unread and unknown)))


def find_leaks(
    root: Path,
    forgotten: ForgottenData,
    encrypted: Collection[str] = (),
    instead: Mapping[str, Iterable[Part]] = MappingProxyType({}),
) -> Findings:
    """Search every file of a workspace.

    Args:
        root: The workspace folder.
        forgotten: The tests for forgotten data.
        encrypted: Names of the files that a vault wrote, of which only the names of the folders are searched.
        instead: Parts that are searched in place of a file's own, by its name.
    """
    shows, unread = [], {}
    for name in entries(root):
        shown = name.encode(errors="surrogateescape").decode(errors="replace")  # the name may be no UTF-8
        try:
            if _shows(root, name, forgotten, name in encrypted, instead.get(name)):
                shows.append(shown)
        except FileNotFoundError:  # removed meanwhile
            continue
        except UNREAD as error:
            unread[shown] = _reason(error)
    return Findings(tuple(shows), unread)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError):
        return error.strerror or "damaged"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error) or "too large"


def entries(root: Path) -> Iterator[str]:
    """Files, links (not what they lead to) and anything else below `root`, relative to it; also folders without any."""
    left = [root]
    while left:  # no recursion: folders may be nested deeper than Python's stack
        path, own = left.pop(), []
        with suppress(OSError):  # `_shows` names a folder that cannot be opened
            own = sorted(path.iterdir(), reverse=True) if path == root or _is_folder(path) else []
        left += own
        if not own:
            yield str(path.relative_to(root))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _shows(root: Path, name: str, forgotten: ForgottenData, is_encrypted: bool, instead: Iterable[Part] | None) -> bool:
    path, layout = root / name, WorkspaceLayout(root)
    named = Path(name).parent if is_encrypted else Path(name)  # a vault numbers its files, and a number may be an id
    if _name_shows(named, forgotten):
        return True
    kind = path.lstat().st_mode
    if stat.S_ISDIR(kind):
        os.scandir(path).close()  # raises where it cannot be opened
        return False
    if stat.S_ISLNK(kind):
        return _link_shows(root, path, forgotten)
    if not stat.S_ISREG(kind):
        raise NotReadError("no regular file")
    if is_encrypted:
        return False
    is_of_base = path.parent == layout.base and BASE_FILE.fullmatch(path.name) is not None
    if is_of_base:
        forgotten = forgotten.only_long_ids(LENGTH_IN_BASE)
    if path == layout.items:
        forgotten = forgotten.only_long_ids(LENGTH_IN_CATALOGUE)
    parts = parts_of(path) if instead is None else instead
    return any(_part_shows(_without_own_id(part) if path == layout.items else part, forgotten) for part in parts)


def _name_shows(path: Path, forgotten: ForgottenData) -> bool:
    pieces = (piece for part in path.parts for piece in PIECE.split(part) if not piece.isdecimal())
    return any(map(forgotten.is_forgotten_user, (path.stem, *pieces))) or any(
        map(forgotten.shows, (*path.parts, path.stem))
    )


def _link_shows(root: Path, path: Path, forgotten: ForgottenData) -> bool:
    """Whether a link names forgotten data; what it leads to inside the workspace is searched at its own place."""
    if forgotten.shows(os.readlink(path)):  # noqa: PTH115 - the text as it stands
        return True
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # links in a circle
        inside = False
    if not inside:
        raise NotReadError("a link that leads out of the workspace")
    return False


def _part_shows(part: Part, forgotten: ForgottenData) -> bool:
    if isinstance(part, bytes):
        return forgotten.shows_bytes(part)
    if not isinstance(part, Text):
        return value_shows(part, forgotten)
    if part.ends_guess and not forgotten.only_ascii:
        raise NotReadError("text that is no UTF-8, in an encoding that nobody names")
    return forgotten.shows(part.text)


def _without_own_id(part: Any) -> Any:
    """An item without its id, which may be spelled as a user's."""
    return {name: value for name, value in part.items() if name != "id"} if isinstance(part, dict) else part


def find_weight_copies(root: Path, destroyed: Mapping[str, int]) -> list[str]:
    """The files of a workspace that are exact copies of destroyed weights, under any name.

    Copies that were changed, packed or encrypted are not found.

    Args:
        root: The workspace folder.
        destroyed: Sizes in bytes of the destroyed files, by their SHA-256.

    Returns:
        File names relative to `root`.
    """

    def is_copy(path: Path) -> bool:
        found = path.lstat()
        known = stat.S_ISREG(found.st_mode) and found.st_size in destroyed.values()
        return known and sha256_of_file(path) in destroyed

    copies = []
    for name in entries(root):
        with suppress(OSError):  # `find_leaks` names what cannot be read
            copies += [name] * is_copy(root / name)
    return copies
