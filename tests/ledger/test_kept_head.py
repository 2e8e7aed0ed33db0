"""An earlier copy of a workspace is noticed, although its ledger is whole, and goes on only by a signed entry."""

import shutil

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import LedgerError
from core.ledger.chain import accept, append, begin, entries, verify
from core.ledger.kept_head import kept_head
from core.ledger.keys import demo_keys, folder_of, keep_keys, make_keys


@pytest.fixture
def keys(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    return make_keys(tmp_path / "ledger.pub")


@pytest.fixture
def earlier(tmp_path, keys):
    """A ledger of which an earlier copy was put back."""
    path = tmp_path / "ledger.jsonl"
    begin(path, "test", keys)
    append(path, "run", {}, {"run": "one"}, keys)
    copy = path.read_bytes()
    append(path, "run", {}, {"run": "two"}, keys)
    assert len(entries(path, keys.signer.public_key)) == 3
    path.write_bytes(copy)
    return path


def test_earlier_copy_is_neither_read_nor_continued(earlier, keys):
    assert verify(earlier, keys.signer.public_key).flaws == ()  # it is whole
    with pytest.raises(LedgerError, match=r"has 2 entries of 3 that this account signed.* run .*ledger accept"):
        entries(earlier, keys.signer.public_key)
    with pytest.raises(LedgerError, match="an earlier copy of the workspace was put back"):
        append(earlier, "run", {}, {"run": "other"}, keys)
    assert len(earlier.read_bytes().splitlines()) == 2


def test_another_history_is_noticed(earlier, keys, monkeypatch, tmp_path):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "copy"))  # as on a machine that has the keys, not the head
    keep_keys(keys)
    for run in ("x", "y"):
        append(earlier, "run", {}, {"run": run}, keys)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    with pytest.raises(LedgerError, match="has another entry 3 than the one that this account signed"):
        entries(earlier, keys.signer.public_key)


def test_earlier_copy_that_is_accepted_tells_what_is_lost(earlier, keys):
    head = kept_head(keys.signer.public_key)
    accept(earlier, keys)
    *_, last = entries(earlier, keys.signer.public_key)
    assert (last.kind, last.content["entries"], last.subjects["ledger"]) == ("restored", *head)
    append(earlier, "run", {}, {"run": "three"}, keys)
    with pytest.raises(LedgerError, match="is not accepted: no later state of it is known"):
        accept(earlier, keys)


def test_cut_off_line_is_no_earlier_copy(earlier, keys, tmp_path):
    accept(earlier, keys)
    with earlier.open("ab") as file:
        file.write(b'{"half')
    assert len(entries(earlier, keys.signer.public_key)) == 3
    append(earlier, "run", {}, {"run": "three"}, keys)
    assert len(entries(earlier, keys.signer.public_key)) == 4


def test_damaged_head_is_named(earlier, keys):
    (folder_of(keys.signer.public_key) / "head").write_text("three")
    with pytest.raises(LedgerError, match="head is damaged"):
        entries(earlier, keys.signer.public_key)


def test_every_demo_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path))
    for name in ("a", "b"):
        begin(tmp_path / name, "demo", demo_keys())
    append(tmp_path / "a", "run", {}, {"run": "one"}, demo_keys())
    assert len(entries(tmp_path / "b", demo_keys().signer.public_key)) == 1


def test_workspace_that_was_put_back_is_named_by_every_command(prepared, tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    root = shutil.copytree(prepared, tmp_path / "workspace")
    invoke = CliRunner().invoke
    assert invoke(app, ["ledger", "init", "-w", str(root)]).exit_code == 0
    older = shutil.copytree(root, tmp_path / "older")
    request = next((root / "requests").glob("*.json")).stem
    assert (
        invoke(app, ["reference", "-w", str(root), "--request", request, "--seeds", "1", "--device", "cpu"]).exit_code
        == 0
    )
    shutil.rmtree(root)
    shutil.copytree(older, root)
    for command in (["doctor", "-w"], ["verify-destruction", "-w"], ["ledger", "show", "-w"]):
        found = invoke(app, [*command, str(root)])
        text = " ".join((found.output + str(found.exception or "")).split())
        assert found.exit_code and "an earlier copy of the workspace was put back" in text, command
    assert invoke(app, ["ledger", "accept", "-w", str(root)]).exit_code == 0
    assert invoke(app, ["ledger", "show", "-w", str(root)]).exit_code == 0
