"""Signed ledger: valid entries are appended, and every change after signing is reported."""

import errno
import json
import math
import multiprocessing
import os
import resource
import shutil
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from core.errors import LedgerError, WorkspaceError
from core.ledger.chain import append, entries, head_of, verify
from core.ledger.keys import Keys, folder_of, keys_of, make_keys, read_public


@pytest.fixture
def ledger_folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    make_keys(tmp_path / "ledger.pub")
    return tmp_path


@pytest.fixture
def ledger(ledger_folder) -> Path:
    """A ledger of four entries."""
    for number in range(4):
        add(ledger_folder, run=f"run-{number}")
    return ledger_folder / "ledger.jsonl"


def add(ledger_folder: Path, **content) -> None:
    append(ledger_folder / "ledger.jsonl", "run", {"adapter": "0" * 64}, content, keys_of(ledger_folder / "ledger.pub"))


def flaws(ledger: Path, head: Path | None = None, key: Path | None = None) -> tuple[str, ...]:
    return verify(ledger, read_public(key or ledger.with_name("ledger.pub")), head).flaws


def lines(ledger: Path) -> list[bytes]:
    return ledger.read_bytes().splitlines(keepends=True)


def test_appended_entries_are_read(ledger):
    found = entries(ledger, read_public(ledger.with_name("ledger.pub")))
    assert [one.content["run"] for one in found] == [f"run-{number}" for number in range(4)]
    assert [one.content["number"] for one in found] == [1, 2, 3, 4]
    assert not flaws(ledger)


def test_every_flipped_bit_is_detected(ledger):
    whole = ledger.read_bytes()
    for position in range(0, len(whole), 7):  # 7 and 8 are coprime, so all eight bit positions are tested
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        ledger.write_bytes(changed)
        assert flaws(ledger), (position, whole[max(0, position - 20) : position + 20])


def test_changed_entry_is_reported_by_its_number(ledger):
    changed = lines(ledger)
    envelope = json.loads(changed[1])
    envelope["payload"] = envelope["payload"].replace("c", "d", 1)
    changed[1] = json.dumps(envelope, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    ledger.write_bytes(b"".join(changed))
    assert flaws(ledger)[0] == "Entry 2 was changed after it was signed, or another key signed it."


@pytest.mark.parametrize("addition", ["signature", "note"])
def test_unsigned_addition_to_an_entry_is_reported(ledger, addition):
    changed = lines(ledger)
    envelope = json.loads(changed[-1])
    if addition == "signature":
        envelope["signatures"].append({"keyid": "somebody", "sig": "AAAA"})
    else:
        envelope["signatures"][0]["note"] = "approved by the authority"
    changed[-1] = rfc8785.dumps(envelope) + b"\n"
    ledger.write_bytes(b"".join(changed))
    assert flaws(ledger) == ("Entry 4 differs from the text that was signed.",)


def raise_io_error(_: int) -> None:
    raise OSError(errno.EIO, "broken")


def test_entry_without_fsync_is_not_in_the_ledger(ledger, ledger_folder, monkeypatch):
    """The failed entry does not appear later either, because its caller got an error."""
    whole = ledger.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", raise_io_error)
        with pytest.raises(WorkspaceError, match="cannot be written"):
            add(ledger_folder, run="run-4")
    assert ledger.read_bytes() == whole
    add(ledger_folder, run="run-4")
    assert not flaws(ledger) and len(lines(ledger)) == 5


def test_partly_written_entry_is_not_in_the_ledger(ledger, ledger_folder):
    """At the size limit of a file, a write is short and raises no error."""
    whole = ledger.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 50, limit[1]))
    try:
        with pytest.raises(WorkspaceError, match="full: free some space"):
            add(ledger_folder, run="run-4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert ledger.read_bytes() == whole
    add(ledger_folder, run="run-4")
    assert not flaws(ledger) and len(lines(ledger)) == 5


@pytest.mark.parametrize(
    ("order", "number"), [((0, 2, 3), 2), ((1, 2, 3), 1), ((0, 2, 1, 3), 2), ((0, 1, 1, 2, 3), 3), ((3,), 1)]
)
def test_removed_duplicated_or_moved_entry_is_reported(ledger, order, number):
    whole = lines(ledger)
    ledger.write_bytes(b"".join(whole[index] for index in order))
    assert flaws(ledger)[0].startswith(f"Entry {number} does not follow")


def test_only_a_head_shows_that_the_last_entry_was_dropped(ledger, ledger_folder):
    head = ledger_folder / "head.json"
    head.write_bytes(head_of(ledger, keys_of(ledger_folder / "ledger.pub")))
    assert not flaws(ledger, head)
    ledger.write_bytes(b"".join(lines(ledger)[:-1]))
    assert not flaws(ledger) and not verify(ledger, read_public(ledger_folder / "ledger.pub")).head
    (flaw,) = flaws(ledger, head)
    assert "saw 4 entries, and 3 are here: the last ones were dropped" in flaw


def test_ledger_longer_than_its_head_is_valid(ledger, ledger_folder):
    head = ledger_folder / "head.json"
    head.write_bytes(head_of(ledger, keys_of(ledger_folder / "ledger.pub")))
    add(ledger_folder, run="run-4")
    assert not flaws(ledger, head)


def test_chain_rewritten_with_same_key_does_not_match_head(ledger, ledger_folder):
    head = ledger_folder / "head.json"
    head.write_bytes(head_of(ledger, keys_of(ledger_folder / "ledger.pub")))
    ledger.unlink()
    (folder_of(read_public(ledger_folder / "ledger.pub")) / "head").unlink()  # who has the key can remove it too
    for number in range(5):
        add(ledger_folder, run=f"forged-{number}")
    assert not flaws(ledger)
    assert "saw another entry 4: the ledger was rewritten" in flaws(ledger, head)[0]


def test_chain_rewritten_with_another_key_is_reported(ledger, ledger_folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    make_keys(other / "ledger.pub")
    add(other, run="run-0")
    shutil.copyfile(other / "ledger.jsonl", ledger)
    assert flaws(ledger) == ("Entry 1 is signed with another key than the one given.",)
    assert flaws(ledger, key=other / "ledger.pub") == ()


def test_signature_by_another_key_with_forged_key_id_is_reported(ledger, ledger_folder, tmp_path):
    """The attacker does not have the key but uses its id."""
    other = tmp_path / "other"
    other.mkdir()
    make_keys(other / "ledger.pub")
    add(other, run="run-0")
    right, wrong = (read_public(folder / "ledger.pub").keyid for folder in (ledger_folder, other))
    forged = (other / "ledger.jsonl").read_bytes().replace(wrong.encode(), right.encode())
    ledger.write_bytes(forged)
    assert flaws(ledger) == ("Entry 1 was changed after it was signed, or another key signed it.",)


def test_cut_off_line_is_not_an_entry(ledger, ledger_folder):
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + whole[:100])
    assert flaws(ledger) == ("Entry 5 is cut off.",)
    add(ledger_folder, run="run-4")
    assert not flaws(ledger) and ledger.read_bytes().startswith(whole)


def test_entry_or_other_content_is_refused_as_head(ledger, ledger_folder):
    entry = ledger_folder / "entry.json"
    entry.write_bytes(lines(ledger)[-1])
    assert flaws(ledger, entry) == ("The head is another kind of statement.",)
    entry.write_bytes(b"nonsense")
    assert flaws(ledger, entry) == ("The head cannot be read.",)


def test_damaged_ledger_gets_no_head(ledger, ledger_folder):
    ledger.write_bytes(b"".join(lines(ledger)[1:]))
    with pytest.raises(LedgerError, match="no head to sign"):
        head_of(ledger, keys_of(ledger_folder / "ledger.pub"))


def test_nan_and_infinity_are_stored_as_null_with_reason(ledger_folder):
    add(ledger_folder, auc=math.nan, sizes=[1.5, math.inf], whole=2)
    (found,) = entries(ledger_folder / "ledger.jsonl", read_public(ledger_folder / "ledger.pub"))
    assert found.content["auc"] is None and found.content["sizes"] == [1.5, None]
    assert found.content["no_number"]["at"] == ["/auc", "/sizes/1"] and found.content["no_number"]["why"]


def write_many(ledger_folder: Path, name: str) -> None:
    for number in range(20):
        add(ledger_folder, by=name, turn=number)


def test_two_concurrent_writers_keep_one_chain(ledger_folder):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(ledger_folder, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not flaws(ledger_folder / "ledger.jsonl") and len(lines(ledger_folder / "ledger.jsonl")) == 40


def test_private_keys_are_owner_only_and_outside_the_workspace(ledger_folder):
    hidden = [path for path in (ledger_folder / "keys").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in hidden} == {0o600} and len(hidden) == 3
    assert "PRIVATE" not in (ledger_folder / "ledger.pub").read_text()
    with pytest.raises(LedgerError, match="exists already"):
        make_keys(ledger_folder / "ledger.pub")


def test_append_without_keys_is_refused(ledger_folder, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(ledger_folder / "elsewhere"))
    with pytest.raises(LedgerError, match="CURE_LENS_KEYS"):
        add(ledger_folder, run="run-0")


@pytest.mark.parametrize("content", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"])
def test_invalid_public_key_is_refused_in_one_sentence(ledger, tmp_path, content):
    path = tmp_path / "some.pub"
    path.write_text(content)
    with pytest.raises(LedgerError, match="is not a public key"):
        flaws(ledger, key=path)


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_pseudonyms_are_equal_only_for_equal_parts_and_key(one, other):
    keys = Keys(CryptoSigner.generate_ed25519(), b"0" * 32)
    assert (keys.pseudonym(*one) == keys.pseudonym(*other)) == (one == other)
    assert keys.pseudonym(*one) != Keys(keys.signer, b"1" * 32).pseudonym(*one)


def test_nothing_is_appended_through_a_link(ledger_folder):
    (ledger_folder / "elsewhere").write_text("mine")
    (ledger_folder / "ledger.jsonl").symlink_to(ledger_folder / "elsewhere")
    with pytest.raises(WorkspaceError):
        add(ledger_folder, run="run-1")
    assert (ledger_folder / "elsewhere").read_text() == "mine"
