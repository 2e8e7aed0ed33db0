"""Who may read what: keys and runs belong to their owner alone."""

import os
import stat
from pathlib import Path

import pytest

from core.cli import demo as demo_command
from core.cli.diagnostics import Finding, examine
from core.errors import LedgerError
from core.ledger.keys import keys_of, make_keys
from core.runs.submit import create_run
from tests.conftest import tiny_workspace


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def careless():
    """A umask that would let everybody read and write."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_keys_are_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    make_keys(tmp_path / "ledger.pub")
    places, folder = sorted((tmp_path / "keys").iterdir(), key=lambda path: path.name == "workspaces")[::-1]
    assert mode(folder) == mode(places) == 0o700 and {mode(path) for path in places.iterdir()} == {0o600}
    assert {path.name: mode(path) for path in folder.iterdir()} == {"signing.pem": 0o600, "pseudonyms.key": 0o600}
    assert mode(tmp_path / "ledger.pub") == 0o644


def test_a_run_is_its_owners_alone(workspace) -> None:
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu")
    assert mode(run.path) == 0o700


def test_a_prepared_workspace_and_a_demo_copy_are_their_owners_alone(tmp_path, monkeypatch) -> None:
    assert mode(tiny_workspace(tmp_path / "tiny").root) == 0o700
    monkeypatch.setattr(demo_command, "_dashboard", lambda folder, port: None)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    demo_command.demo(folder=tmp_path / "demo")
    assert mode(tmp_path / "demo") == 0o700


@pytest.mark.parametrize("name", ["signing.pem", "pseudonyms.key"])
def test_keys_that_others_can_read_sign_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    make_keys(tmp_path / "ledger.pub")
    (file,) = (tmp_path / "keys").glob(f"*/{name}")
    keys_of(tmp_path / "ledger.pub")
    file.chmod(0o640)
    with pytest.raises(LedgerError, match=f"{name} can be read by others: run chmod 600"):
        keys_of(tmp_path / "ledger.pub")


def test_doctor_names_a_workspace_that_all_users_can_open(workspace) -> None:
    def finding() -> Finding:
        return next(one for one in examine(workspace.root) if one.name == "permissions")

    workspace.root.chmod(0o750)
    assert finding().ok
    workspace.root.chmod(0o755)
    assert not finding().ok and f"chmod 700 {workspace.root}" in finding().fix
