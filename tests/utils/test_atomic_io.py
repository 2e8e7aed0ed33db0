"""Atomic writes: a write that fails or is interrupted leaves the old file."""

import errno
import os

import pytest

from core.errors import WorkspaceError
from core.utils.atomic_io import write_text


@pytest.mark.parametrize("place", ["fsync", "replace", "fdopen"])
@pytest.mark.parametrize("old", [None, "old\n"])
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, monkeypatch, place, old):
    path = tmp_path / "new" / "file.json"
    if old:
        write_text(path, old)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, place, full)
    with pytest.raises(WorkspaceError, match=r"^The disk that holds \S+ is full: free some space and try again\.$"):
        write_text(path, "half of it")
    monkeypatch.undo()
    assert [file.name for file in path.parent.iterdir()] == (["file.json"] if old else [])
    assert not old or path.read_text() == old


def test_any_other_refusal_names_the_file(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"x\.json cannot be written \(.+\): check the folder"):
        write_text(tmp_path / "file" / "x.json", "text")


def test_an_interrupted_write_leaves_nothing_beside_the_old_file(tmp_path, monkeypatch):
    write_text(tmp_path / "a", "old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "a", "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a", "old")]
