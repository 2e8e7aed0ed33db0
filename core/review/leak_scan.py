"""Search of a workspace's files for forgotten data: user ids, rows, titles, and copies of destroyed weights.

The id of a forgotten user is searched as a word in every file and in every file name. Of single interactions, whose
user stays, the row (user and item together) is searched. The catalogue lists all titles, so a title there is no leak;
elsewhere the title of a forgotten row is one. A file ends as one of three: it shows forgotten data, it is
clean, or it could not be read, and then nobody knows. No link is followed, and nothing outside the workspace is opened.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from core.review.common_words import searches_of, split_words
from core.review.file_contents import open_regular, parts_of
from core.review.file_parts import NotReadError, Part, Text
from core.review.forgotten_data import ForgottenData
from core.review.value_search import value_shows
from core.workspace.layout import WorkspaceLayout

PIECE = re.compile(r"[_.-]")  # splits file names only: in data, the id "anna" is not part of the id "anna-maria"
UNREAD = (NotReadError, OSError, RecursionError, MemoryError)
PASSES = 3  # over a workspace whose files come and go


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
    instead: Mapping[str, Callable[[], Iterable[Part]]] = MappingProxyType({}),
) -> Findings:
    """Search every file of a workspace.

    Args:
        root: The workspace folder.
        forgotten: The tests for forgotten data.
        encrypted: Names of the files that a vault wrote, of which only the names of the folders are searched.
        instead: Gives the parts that are searched in place of a file's own, by its name.
    """
    return _search(root, lambda name: _shows(root, name, forgotten, name in encrypted, instead.get(name)))


def _search(root: Path, shows: Callable[[str], bool]) -> Findings:
    """What `shows` says of each entry of a workspace, listed again where one came or went meanwhile.

    A file that was moved is neither read at its old place nor, if that was read before, at its new one.
    """
    for _ in range(PASSES):
        listed = [*entries(root)]
        found, unread, moved = [], {}, set[str]()
        for name in listed:
            try:
                found += [_shown(name)] * shows(name)
            except FileNotFoundError:
                moved.add(name)
            except UNREAD as error:
                unread[_shown(name)] = _reason(error)
        moved.update({*entries(root)}.difference(listed))
        if not moved:
            break
    return Findings(tuple(found), {**unread, **dict.fromkeys(map(_shown, sorted(moved)), "came or went meanwhile")})


def _shown(name: str) -> str:
    """A name as it can be printed: it may be no UTF-8."""
    return name.encode(errors="surrogateescape").decode(errors="replace")


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


def _shows(
    root: Path, name: str, forgotten: ForgottenData, is_encrypted: bool, instead: Callable[[], Iterable[Part]] | None
) -> bool:
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
    searches, parts = searches_of(path, layout, forgotten), parts_of(path) if instead is None else instead()
    return any(any(map(_part_shows, split_words(path, layout, part), searches)) for part in parts)


def _name_shows(path: Path, forgotten: ForgottenData) -> bool:
    pieces = [piece for part in path.parts for piece in PIECE.split(part) if not piece.isdecimal()]
    stems = [Path(part).stem for part in path.parts]
    return any(map(forgotten.is_forgotten_user, (*stems, *pieces))) or any(
        map(forgotten.shows, (*path.parts, path.stem, "\t".join(stems), "\t".join(pieces)))
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


def find_weight_copies(root: Path, destroyed: Mapping[str, int]) -> Findings:
    """The files of a workspace that are exact copies of destroyed weights, under any name.

    Copies that were changed, packed or encrypted are not found.

    Args:
        root: The workspace folder.
        destroyed: Sizes in bytes of the destroyed files, by their SHA-256.
    """

    def is_copy(name: str) -> bool:
        found = (root / name).lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size not in destroyed.values():
            return False
        with open_regular(root / name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() in destroyed

    return _search(root, is_copy)
