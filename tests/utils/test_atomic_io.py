"""Atomic writes: a failed or interrupted write keeps the old file."""

import errno
import os

import pytest

from core.errors import WorkspaceError
from core.utils.atomic_io import remove_folder, write_text


@pytest.mark.parametrize("function", ["fsync", "replace", "fdopen"])
@pytest.mark.parametrize("old", [None, "old\n"])
def test_full_disk_is_reported_and_keeps_the_old_file(tmp_path, monkeypatch, function, old):
    path = tmp_path / "new" / "file.json"
    if old:
        write_text(path, old)

    def raise_disk_full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, function, raise_disk_full)
    with pytest.raises(WorkspaceError, match=r"^The disk that holds \S+ is full: free some space and try again\.$"):
        write_text(path, "half of it")
    monkeypatch.undo()
    assert [file.name for file in path.parent.iterdir()] == (["file.json"] if old else [])
    assert not old or path.read_text() == old


def test_other_write_error_names_the_file(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"x\.json cannot be written \(.+\): check the folder"):
        write_text(tmp_path / "file" / "x.json", "text")


def test_interrupted_write_leaves_only_the_old_file(tmp_path, monkeypatch):
    write_text(tmp_path / "a", "old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "a", "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a", "old")]


def test_what_can_be_removed_of_a_folder_is_removed(tmp_path, monkeypatch):
    for name in ("a", "stays", "z"):
        (tmp_path / "old" / name).mkdir(parents=True)
        (tmp_path / "old" / name / name).write_text(name)
    real = os.unlink

    def unlink(name, *, dir_fd=None):
        if name == "stays":
            raise PermissionError(errno.EACCES, "not yours")
        real(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(WorkspaceError, match="not yours"):
        remove_folder(tmp_path / "old")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["stays"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0, 0o644)])
def test_the_umask_decides_who_may_read_what_is_written(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
