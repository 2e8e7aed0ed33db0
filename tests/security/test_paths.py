"""Ids and links: what is asked for by name lies in the workspace, or is not there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.errors import DamagedError, RequestError, RunError, WorkspaceError
from core.runs.handle import open_run, runs
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import RunState
from core.workspace import Workspace

ROOT = Path(__file__).parents[2]
IDS = ("../../x", "..", ".", "", "/etc/passwd", "a/b", "a\\b", "a\x00b", "~", "-rf", "run-x\n", "%2e%2e%2fx")


@pytest.fixture
def outside(workspace: Workspace, tmp_path: Path) -> Path:
    """A whole run and request elsewhere, with the same names as such things have."""
    made = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu")
    shutil.move(made.path, tmp_path / "x")
    shutil.copy(next((workspace.root / "requests").glob("*.json")), tmp_path / "x.json")
    return tmp_path


@pytest.mark.parametrize("name", [*IDS, "{root}/x"])
def test_an_id_that_is_a_path_is_not_there(workspace: Workspace, outside: Path, name: str) -> None:
    name = name.format(root=outside)
    with pytest.raises(RunError, match="is not in this workspace"):
        open_run(workspace, name)
    with pytest.raises(RequestError, match="is not in this workspace"):
        workspace.request(name)
    assert workspace.reference_folders(name) == ()


def test_a_linked_run_is_not_there(workspace: Workspace, outside: Path) -> None:
    (workspace.root / "runs/run-x").symlink_to(outside / "x")
    assert runs(workspace) == ()
    with pytest.raises(RunError, match="'run-x' is not in this workspace"):
        open_run(workspace, "run-x")


@pytest.mark.parametrize("place", ["report.html", "adapter/adapter_model.safetensors", "checkpoint"])
def test_a_run_with_a_link_inside_is_not_there(workspace: Workspace, outside: Path, place: str) -> None:
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", seed=1)
    assert open_run(workspace, run.id).id == run.id
    (run.path / place).parent.mkdir(exist_ok=True)
    (run.path / place).symlink_to(outside / "x")
    assert runs(workspace) == ()
    with pytest.raises(RunError, match="is not in this workspace"):
        open_run(workspace, run.id)


def test_a_run_with_too_many_nested_folders_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", seed=1)
    monkeypatch.chdir(run.path)
    for _ in range(3000):  # deeper than Python calls, and than a path may be long
        os.mkdir("d")  # noqa: PTH102 - a relative path
        os.chdir("d")
    monkeypatch.undo()
    try:
        assert runs(workspace) == () and "nested folders" in runs(workspace).damaged[0]
    finally:
        subprocess.run(["rm", "-rf", str(run.path / "d")])  # pytest cannot remove it


def test_a_run_with_a_link_inside_does_no_work(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", seed=1)
    run.layout.events.symlink_to(tmp_path / "key")
    assert work(run) is RunState.FAILED and "symbolic link" in run.status.message
    assert run.layout.events.is_symlink()


def test_events_are_neither_read_nor_written_through_a_link(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret\n")
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", seed=1)
    run.layout.events.symlink_to(tmp_path / "key")
    with pytest.raises(DamagedError):
        run.repair_events()
    with pytest.raises(WorkspaceError):
        run.add_event({"kind": "stage"})
    assert run.layout.events.is_symlink() and (tmp_path / "key").read_text() == "secret\n"


def test_a_linked_request_is_not_there(workspace: Workspace, outside: Path) -> None:
    before = workspace.requests()
    (workspace.root / "requests/req-x.json").symlink_to(outside / "x.json")
    assert workspace.requests() == before
    with pytest.raises(RequestError, match="'req-x' is not in this workspace"):
        workspace.request("req-x")


def test_linked_references_are_not_there(workspace: Workspace, outside: Path) -> None:
    (request,) = workspace.requests()
    own = workspace.root / "references" / request.id
    assert len(workspace.reference_folders(request.id)) == 2
    shutil.move(own, outside / "elsewhere")
    own.symlink_to(outside / "elsewhere")
    assert workspace.reference_folders(request.id) == ()


@pytest.mark.parametrize("command", ["report", "cancel", "resume"])
def test_the_command_line_says_so_in_one_sentence(workspace: Workspace, outside: Path, command: str) -> None:
    asked = [sys.executable, "-m", "core", command, "--workspace", str(workspace.root), "--run", "../../x"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("Run '../../x' is not in this workspace")
    assert (outside / "x/spec.json").is_file()
