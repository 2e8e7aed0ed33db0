"""The key of a workspace cannot be exchanged or taken away by whoever can only write in it."""

import shutil
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import LedgerError
from core.ledger import beginning, chain, keys
from core.ledger.keys import demo_keys, keep_keys, keys_of, make_keys, public_pem
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


class Killed(BaseException):
    """As by SIGKILL."""


STEPS = {
    "private keys": (keys, "remember_key"),
    "place": (keys, "write_bytes"),
    "public key": (beginning, "begin"),
    "half an entry": (chain, "_write"),
}


def init(workspace):
    return CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)])


def killed_before(workspace, monkeypatch, module, name):
    def killed(*_words):
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(module, name, killed)
        init(workspace)


@pytest.mark.parametrize("done", STEPS)
def test_init_that_was_killed_can_be_repeated(workspace, tmp_path, monkeypatch, done):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    killed_before(workspace, monkeypatch, *STEPS[done])
    if done == "half an entry":
        workspace.layout.ledger.write_bytes(b'{"payload": "')
    assert init(workspace).exit_code == 0
    assert open_ledger(Workspace(workspace.root)).statements()[0].kind == "ledger"
    assert init(workspace).exit_code != 0  # it is done


def test_init_begins_no_ledger_again_whose_entries_were_taken_away(signed):
    signed.layout.ledger.unlink()
    assert isinstance(init(signed).exception, LedgerError) and not signed.layout.ledger.exists()


def test_init_does_not_go_on_with_a_key_that_somebody_put_there(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    killed_before(workspace, monkeypatch, beginning, "begin")
    make_keys(tmp_path / "ledger.pub")
    shutil.copyfile(tmp_path / "ledger.pub", workspace.layout.ledger_key)
    assert isinstance(init(workspace).exception, LedgerError) and not workspace.layout.ledger.exists()


def test_init_does_not_go_on_with_the_public_key_of_the_demo(workspace, tmp_path, monkeypatch):
    """Everybody can sign with it; this account used it here, since its public key lay there."""
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    keep_keys(demo_keys())
    workspace.layout.ledger_key.write_bytes(public_pem(demo_keys()))
    keys_of(workspace.layout.ledger_key)
    assert isinstance(init(workspace).exception, LedgerError) and not workspace.layout.ledger.exists()
