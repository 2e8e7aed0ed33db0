"""An earlier copy of a workspace is noticed, although its ledger is whole, and goes on only by a signed entry."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import LedgerError
from core.ledger import chain
from core.ledger.beginning import begin
from core.ledger.chain import accept, append, entries, head_of, verify
from core.ledger.kept_head import LOCK, kept_head, key_lock
from core.ledger.keys import demo_keys, folder_of, keep_keys, make_keys
from core.ledger.statement import Statement, kind_word


@pytest.fixture
def keys(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    return make_keys(tmp_path / "ledger.pub")


@pytest.fixture
def earlier(tmp_path, keys):
    """A ledger of which an earlier copy was put back."""
    path = tmp_path / "ledger.jsonl"
    begin(path, "test", {}, keys)
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


def test_earlier_copy_gets_no_head(earlier, keys):
    with pytest.raises(LedgerError, match="an earlier copy of the workspace was put back"):
        head_of(earlier, keys)


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
    assert (last.kind, last.content["entries"], last.subjects["ledger"]) == (
        "restored",
        head.entries,
        head.last,
    )
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


def checks_of_signatures(monkeypatch):
    found, verify_envelope = [], Envelope.verify
    monkeypatch.setattr(Envelope, "verify", lambda *given: found.append(1) or verify_envelope(*given))
    return found


def test_entries_under_the_kept_digest_are_not_checked_again(earlier, keys, monkeypatch):
    accept(earlier, keys)
    line = earlier.read_bytes().splitlines()[-1] + b"\n"
    checked = checks_of_signatures(monkeypatch)
    assert len(entries(earlier, keys.signer.public_key)) == 3 and not checked
    with earlier.open("ab") as file:
        file.write(line)  # it follows no entry of its digest
    with pytest.raises(LedgerError, match="Entry 4 does not follow the entry before it"):
        entries(earlier, keys.signer.public_key)
    assert len(checked) == 1  # only the entry after the digest
    assert len(verify(earlier, keys.signer.public_key).flaws) == 1 and len(checked) == 5


@pytest.mark.parametrize("place", [0, 1, 2])
def test_changed_entry_is_noticed_wherever_it_stands(earlier, keys, place):
    accept(earlier, keys)
    lines = earlier.read_bytes().splitlines(keepends=True)
    lines[place] = lines[place].replace(b'"sig":"', b'"sig":"0', 1)
    earlier.write_bytes(b"".join(lines))
    with pytest.raises(LedgerError, match=rf"Entry {place + 1} |has another entry"):
        entries(earlier, keys.signer.public_key)


def test_head_of_an_earlier_version_vouches_for_nothing(earlier, keys, monkeypatch):
    accept(earlier, keys)
    file = folder_of(keys.signer.public_key) / "head"
    file.write_text(" ".join(file.read_text().split()[:2]))
    checked = checks_of_signatures(monkeypatch)
    assert len(entries(earlier, keys.signer.public_key)) == 3 and len(checked) == 3


def test_words_choose_the_entries_that_hold_all_of_them(tmp_path, keys):
    path = tmp_path / "ledger.jsonl"
    for kind, run in product(("run", "verification"), ("run-1", "run-12", "run-2")):
        append(path, kind, {}, {"run": run, "title": "Zoë"}, keys)
    every = entries(path, keys.signer.public_key)
    for words in ((), ("run-1",), (kind_word("run"),), (kind_word("verification"), "run-12"), ("Zoë",), ("run-3",)):
        found = entries(path, keys.signer.public_key, *words)
        assert found == tuple(one for one in every if all(word in text_of(one) for word in words))


def text_of(statement):
    return json.dumps([kind_word(statement.kind), dict(statement.content)], ensure_ascii=False)


def test_damaged_head_is_named(earlier, keys):
    (folder_of(keys.signer.public_key) / "head").write_text("three")
    with pytest.raises(LedgerError, match="head is damaged"):
        entries(earlier, keys.signer.public_key)


def test_entry_that_waited_notices_that_the_one_before_it_was_taken_away(tmp_path, keys):
    """Somebody puts back the file as it was when the entry began to wait."""
    path, key = tmp_path / "ledger.jsonl", keys.signer.public_key
    begin(path, "test", {}, keys)
    copy = path.read_bytes()
    with ThreadPoolExecutor() as pool:
        with key_lock(key):
            waiting = pool.submit(append, path, "run", {}, {"run": "two"}, keys)
            wait_for_waiter(folder_of(key) / LOCK)
            chain._append(path, Statement("run", {}, {"run": "one"}), keys, kept_head(key))
            path.write_bytes(copy)
        with pytest.raises(LedgerError, match="an earlier copy of the workspace was put back"):
            waiting.result()


def wait_for_waiter(lock):
    """Until somebody waits for a lock."""
    inode = f":{lock.stat().st_ino} "
    deadline = time.monotonic() + 20
    while not any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines()):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_every_demo_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path))
    keep_keys(demo_keys())
    for name in ("a", "b"):
        begin(tmp_path / name, "demo", {}, demo_keys())
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
