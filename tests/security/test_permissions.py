"""Who may read what: keys and runs belong to their owner alone."""

import os
import stat
from pathlib import Path

import pytest

from core.ledger.keys import make_keys
from core.runs.submit import create_run


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
    (folder,) = (tmp_path / "keys").iterdir()
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {"signing.pem": 0o600, "pseudonyms.key": 0o600}
    assert mode(tmp_path / "ledger.pub") == 0o644


def test_a_run_is_its_owners_alone(workspace) -> None:
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu")
    assert mode(run.path) == 0o700
