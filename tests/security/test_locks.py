"""Lock files in a place where others write: no link is followed, nothing is emptied, nobody else's folder is used."""

import os
from pathlib import Path

import pytest

from core.errors import WorkspaceError
from core.runs.device_locks import free, take
from core.runs.reference_job import locked_training
from core.workspace.locks import decision_lock, exclusive_model_lock, shared_model_lock


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where the device locks of this user go; it does not exist yet."""
    monkeypatch.setenv("CURE_LENS_LOCKS", str(tmp_path))
    return tmp_path / f"cure-lens-{os.getuid()}"


def test_locks_are_made_for_this_user_alone(folder):
    devices, held = take(("cpu",))
    assert devices == ["cpu"] and free(("cpu",)) == ()
    held.close()
    assert free(("cpu",)) == ("cpu",)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_link_in_place_of_a_lock_is_refused_and_its_target_stays(folder, tmp_path):
    take(("cpu",))[1].close()
    (lock,) = folder.iterdir()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    lock.unlink()
    lock.symlink_to(victim)
    with pytest.raises(WorkspaceError, match=r"cpu\.lock cannot be written"):
        take(("cpu",))
    assert victim.read_text() == "precious"


def test_lock_is_not_emptied(folder):
    take(("cpu",))[1].close()
    (lock,) = folder.iterdir()
    lock.write_text("precious")
    take(("cpu",))[1].close()
    assert lock.read_text() == "precious"


@pytest.mark.parametrize("kind", ["open to others", "a link", "a file", "of somebody else"])
def test_folder_that_others_can_change_is_refused(folder, tmp_path, kind):
    if kind == "a link":
        (tmp_path / "theirs").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "theirs")
    elif kind == "a file":
        folder.write_text("")
    else:
        folder.mkdir(mode=0o700)
    if kind == "open to others":
        folder.chmod(0o770)
    if kind == "of somebody else":
        if os.getuid():
            pytest.skip("only root can give a folder away")
        os.chown(folder, 12345, -1)
    with pytest.raises(WorkspaceError, match=r"only you can open|cannot be written"):
        take(("cpu",))


@pytest.mark.parametrize("lock", [shared_model_lock, exclusive_model_lock, decision_lock, "training"])
def test_links_in_place_of_a_workspace_s_locks_are_refused(workspace, tmp_path, lock):
    request, victim = workspace.requests()[0].id, tmp_path / "victim"
    victim.write_text("precious")
    layout = workspace.layout
    for path in (layout.work_lock, layout.review_lock, layout.training(request).lock):
        path.unlink(missing_ok=True)
        path.symlink_to(victim)
    held = locked_training(workspace, request) if lock == "training" else lock(workspace)
    with pytest.raises(WorkspaceError, match="cannot be written|symbolic link"), held:
        pass
    assert victim.read_text() == "precious"
