"""Command `demo`: what it opens is a whole copy of the world that was asked for."""

import shutil

import pytest
from typer.testing import CliRunner

import core.cli.app as cli
from core.cli import demo
from core.demo.build import compare
from core.utils.assets import asset


@pytest.fixture
def opened(monkeypatch):
    """Folders that the dashboard was opened on, in place of serving them."""
    folders = []
    monkeypatch.setattr(demo, "_dashboard", lambda folder, port: folders.append(folder))
    return folders


def files(folder):
    return {str(path.relative_to(folder)): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def test_copy_that_was_interrupted_is_made_again(opened, tmp_path, monkeypatch):
    copytree = shutil.copytree

    def interrupted(source, target):
        copytree(source / "data", target / "data")
        raise KeyboardInterrupt

    folder = tmp_path / "copy"
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shutil, "copytree", interrupted)
        demo.demo(folder=folder)
    assert not opened and not folder.exists()
    demo.demo(folder=folder)
    assert opened == [folder] and compare(files(asset("demo")), files(folder)) == ()
    assert folder.stat().st_mode & 0o077 == 0


def test_another_workspace_is_not_opened_as_a_demo(opened, workspace):
    result = CliRunner().invoke(cli.app, ["demo", "--folder", str(workspace.root)])
    assert result.exit_code and f"{workspace.root} is not a copy of demo world cinema: choose" in str(result.exception)
    assert not opened
