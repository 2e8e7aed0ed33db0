"""The key of a workspace cannot be exchanged or taken away by whoever can only write in it."""

import shutil

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import LedgerError
from core.ledger.keys import keys_of, make_keys
from core.runs.ledger import NullLedger, open_ledger
from core.workspace import Workspace


@pytest.fixture
def signed(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    assert CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)]).exit_code == 0
    return workspace


def test_key_of_another_workspace_is_refused(signed, tmp_path):
    make_keys(tmp_path / "ledger.pub")
    shutil.copyfile(tmp_path / "ledger.pub", signed.layout.ledger_key)
    for act in (lambda: keys_of(signed.layout.ledger_key), lambda: open_ledger(signed).run_entry("run-1")):
        with pytest.raises(LedgerError, match="ledger.pub is another key than the one with which this account signs"):
            act()


def test_missing_key_is_not_the_end_of_signing(signed):
    signed.layout.ledger_key.unlink()
    with pytest.raises(LedgerError, match="ledger.pub is gone, although there is a key"):
        open_ledger(signed)
    again = CliRunner().invoke(app, ["ledger", "init", "-w", str(signed.root)])
    assert again.exit_code != 0 and "is gone" in str(again.exception or again.output)


def test_moved_workspace_keeps_its_key_and_its_place_is_free(signed, tmp_path):
    moved = shutil.move(signed.root, tmp_path / "moved")
    assert open_ledger(Workspace(moved)).keys.signer.public_key.keyid
    (tmp_path / "moved/ledger.pub").unlink()
    with pytest.raises(LedgerError, match="is gone"):
        open_ledger(Workspace(moved))


def test_workspace_without_a_ledger_needs_no_key(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    assert isinstance(open_ledger(workspace), NullLedger) and not (tmp_path / "keys").exists()
