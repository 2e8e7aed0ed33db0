"""Files that come, go or move while a workspace is searched are searched all the same, or named as not searched."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from core.errors import ReviewError
from core.review import execution, leak_scan
from core.review.file_contents import open_regular
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import find_leaks, find_weight_copies
from core.review.ledger_entries import destructions
from core.runs.ledger import open_ledger
from core.types import Request
from core.utils.hashing import sha256_of_file
from core.workspace import Workspace

FORGOTTEN = forgotten_data_of(Request("r", users=("u42",)), (), {})


@pytest.fixture
def before(monkeypatch) -> Callable[[str, Callable[[], object]], None]:
    """Has something done each time when a file of some name is about to be read."""

    def watch(name, act):
        shows = leak_scan._shows

        def watched(root, one, *more):
            if one == name:
                act()
            return shows(root, one, *more)

        monkeypatch.setattr(leak_scan, "_shows", watched)

    return watch


def test_file_that_moves_during_the_search_is_not_called_clean(desk, before):
    desk.approve()
    root, user = desk.workspace.root, desk.workspace.request(desk.request).users[0]
    (root / "zz-notes.txt").write_text(f"user {user}")
    before("zz-notes.txt", lambda: (root / "zz-notes.txt").rename(root / "aa-notes.txt"))
    with suppress(ReviewError):
        execution.execute_decisions(Workspace(root))
    assert not destructions(open_ledger(desk.workspace))


@pytest.mark.parametrize("places", [("z.txt", "a.txt"), ("z/notes.txt", "a/notes.txt")])
def test_file_is_found_where_it_moved_to(tmp_path, before, places):
    """It moves when it is about to be read, or before its folder's turn comes."""
    old, new = (tmp_path / place for place in places)
    for path in (old, new, tmp_path / "m.txt"):
        path.parent.mkdir(exist_ok=True)
    (tmp_path / "m.txt").touch()
    old.write_text("u42")
    before(places[0] if "/" not in places[0] else "m.txt", lambda: old.exists() and old.rename(new))
    assert find_leaks(tmp_path, FORGOTTEN).shows == (places[1],)


def test_file_that_moves_each_time_is_named(tmp_path, before):
    one, other = tmp_path / "a.txt", tmp_path / "b.txt"
    one.write_text("u42")
    before("a.txt", lambda: one.rename(other))
    before("b.txt", lambda: other.rename(one))
    found = find_leaks(tmp_path, FORGOTTEN)
    assert not found.shows and {*found.unread.values()} == {"came or went meanwhile"}
    assert "Not searched" in found.problems


def test_file_that_is_gone_for_good_is_no_problem(tmp_path, before):
    path = tmp_path / "a.txt"
    path.write_text("nothing")
    before("a.txt", path.unlink)
    assert find_leaks(tmp_path, FORGOTTEN).problems == ""


def test_parts_that_are_searched_instead_are_searched_each_time(tmp_path, before):
    (tmp_path / "a.txt").write_text("nothing")
    (tmp_path / "b.sqlite").write_text("nothing")
    before("a.txt", (tmp_path / "a.txt").unlink)
    assert find_leaks(tmp_path, FORGOTTEN, instead={"b.sqlite": lambda: iter([{"note": "u42"}])}).shows == ("b.sqlite",)


def test_copy_of_weights_that_moves_is_found(tmp_path, monkeypatch):
    old, new = tmp_path / "z", tmp_path / "a"
    old.write_bytes(b"weights")
    destroyed = {sha256_of_file(old): 7}

    def moved(path):
        if path == old:
            old.rename(new)
        return open_regular(path)

    monkeypatch.setattr(leak_scan, "open_regular", moved)
    assert find_weight_copies(tmp_path, destroyed).shows == ("a",)
