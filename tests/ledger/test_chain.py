"""The ledger: whatever is done to it after it was signed is named, and what belongs there is taken."""

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

from core.errors import RecordError, WorkspaceError
from core.ledger.chain import append, entries, head_of, verify
from core.ledger.keys import Keys, keys_of, make_keys, read_public


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    make_keys(tmp_path / "ledger.pub")
    return tmp_path


@pytest.fixture
def ledger(place) -> Path:
    """Four entries."""
    for number in range(4):
        add(place, run=f"run-{number}")
    return place / "ledger.jsonl"


def add(place: Path, **content) -> None:
    append(place / "ledger.jsonl", "run", {"adapter": "0" * 64}, content, keys_of(place / "ledger.pub"))


def flaws(ledger: Path, head: Path | None = None, key: Path | None = None) -> tuple[str, ...]:
    return verify(ledger, read_public(key or ledger.with_name("ledger.pub")), head).flaws


def lines(ledger: Path) -> list[bytes]:
    return ledger.read_bytes().splitlines(keepends=True)


def test_what_is_appended_is_read(ledger):
    found = entries(ledger, read_public(ledger.with_name("ledger.pub")))
    assert [one.content["run"] for one in found] == [f"run-{number}" for number in range(4)]
    assert [one.content["number"] for one in found] == [1, 2, 3, 4]
    assert not flaws(ledger)


def test_every_flipped_bit_is_named(ledger):
    whole = ledger.read_bytes()
    for place in range(0, len(whole), 7):  # seven and eight share no factor: every bit of a byte has its turn
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        ledger.write_bytes(changed)
        assert flaws(ledger), (place, whole[max(0, place - 20) : place + 20])


def test_a_changed_entry_is_named_by_its_number(ledger):
    changed = lines(ledger)
    envelope = json.loads(changed[1])
    envelope["payload"] = envelope["payload"].replace("c", "d", 1)
    changed[1] = json.dumps(envelope, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    ledger.write_bytes(b"".join(changed))
    assert flaws(ledger)[0] == "Entry 2 was changed after it was signed, or another key signed it."


@pytest.mark.parametrize("more", ["signature", "word"])
def test_what_stands_in_an_entry_and_nobody_signed_is_named(ledger, more):
    changed = lines(ledger)
    envelope = json.loads(changed[-1])
    if more == "signature":
        envelope["signatures"].append({"keyid": "somebody", "sig": "AAAA"})
    else:
        envelope["signatures"][0]["note"] = "approved by the authority"
    changed[-1] = rfc8785.dumps(envelope) + b"\n"
    ledger.write_bytes(b"".join(changed))
    assert flaws(ledger) == ("Entry 4 differs from the text that was signed.",)


def broken(_: int) -> None:
    raise OSError(errno.EIO, "broken")


def test_what_the_disk_does_not_confirm_is_no_entry(ledger, place, monkeypatch):
    """Not later either: whoever asked was told that it is not there."""
    whole = ledger.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(WorkspaceError, match="cannot be written"):
            add(place, run="run-4")
    assert ledger.read_bytes() == whole
    add(place, run="run-4")
    assert not flaws(ledger) and len(lines(ledger)) == 5


def test_what_the_disk_took_half_of_is_no_entry(ledger, place):
    """A file that may not grow further takes some of it, and no error tells."""
    whole = ledger.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 50, limit[1]))
    try:
        with pytest.raises(WorkspaceError, match="full: free some space"):
            add(place, run="run-4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert ledger.read_bytes() == whole
    add(place, run="run-4")
    assert not flaws(ledger) and len(lines(ledger)) == 5


@pytest.mark.parametrize(
    ("order", "number"), [((0, 2, 3), 2), ((1, 2, 3), 1), ((0, 2, 1, 3), 2), ((0, 1, 1, 2, 3), 3), ((3,), 1)]
)
def test_entries_taken_out_put_in_or_moved_are_named(ledger, order, number):
    whole = lines(ledger)
    ledger.write_bytes(b"".join(whole[place] for place in order))
    assert flaws(ledger)[0].startswith(f"Entry {number} does not follow")


def test_only_a_head_tells_that_the_last_entry_was_dropped(ledger, place):
    head = place / "head.json"
    head.write_bytes(head_of(ledger, keys_of(place / "ledger.pub")))
    assert not flaws(ledger, head)
    ledger.write_bytes(b"".join(lines(ledger)[:-1]))
    assert not flaws(ledger) and not verify(ledger, read_public(place / "ledger.pub")).head
    (flaw,) = flaws(ledger, head)
    assert "saw 4 entries, and 3 are here: the last ones were dropped" in flaw


def test_a_ledger_that_grew_since_its_head_is_whole(ledger, place):
    head = place / "head.json"
    head.write_bytes(head_of(ledger, keys_of(place / "ledger.pub")))
    add(place, run="run-4")
    assert not flaws(ledger, head)


def test_a_chain_written_anew_with_the_right_key_does_not_fit_its_head(ledger, place):
    head = place / "head.json"
    head.write_bytes(head_of(ledger, keys_of(place / "ledger.pub")))
    ledger.unlink()
    for number in range(5):
        add(place, run=f"forged-{number}")
    assert not flaws(ledger)
    assert "saw another entry 4: the ledger was rewritten" in flaws(ledger, head)[0]


def test_a_chain_written_anew_with_another_key_is_named(ledger, place, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    make_keys(other / "ledger.pub")
    add(other, run="run-0")
    shutil.copyfile(other / "ledger.jsonl", ledger)
    assert flaws(ledger) == ("Entry 1 is signed with another key than the one given.",)
    assert flaws(ledger, key=other / "ledger.pub") == ()


def test_a_signature_by_another_key_under_the_right_name_is_named(ledger, place, tmp_path):
    """Somebody without the key claims its id."""
    other = tmp_path / "other"
    other.mkdir()
    make_keys(other / "ledger.pub")
    add(other, run="run-0")
    right, wrong = (read_public(folder / "ledger.pub").keyid for folder in (place, other))
    forged = (other / "ledger.jsonl").read_bytes().replace(wrong.encode(), right.encode())
    ledger.write_bytes(forged)
    assert flaws(ledger) == ("Entry 1 was changed after it was signed, or another key signed it.",)


def test_a_half_line_was_never_an_entry(ledger, place):
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + whole[:100])
    assert flaws(ledger) == ("Entry 5 is cut off.",)
    add(place, run="run-4")
    assert not flaws(ledger) and ledger.read_bytes().startswith(whole)


def test_a_head_of_another_ledger_or_an_entry_is_no_head(ledger, place):
    entry = place / "entry.json"
    entry.write_bytes(lines(ledger)[-1])
    assert flaws(ledger, entry) == ("The head is another kind of statement.",)
    entry.write_bytes(b"nonsense")
    assert flaws(ledger, entry) == ("The head cannot be read.",)


def test_a_ledger_that_is_not_whole_gets_no_head(ledger, place):
    ledger.write_bytes(b"".join(lines(ledger)[1:]))
    with pytest.raises(RecordError, match="no head to sign"):
        head_of(ledger, keys_of(place / "ledger.pub"))


def test_what_is_no_number_is_null_with_a_reason(place):
    add(place, auc=math.nan, sizes=[1.5, math.inf], whole=2)
    (found,) = entries(place / "ledger.jsonl", read_public(place / "ledger.pub"))
    assert found.content["auc"] is None and found.content["sizes"] == [1.5, None]
    assert found.content["no_number"]["at"] == ["/auc", "/sizes/1"] and found.content["no_number"]["why"]


def write_many(place: Path, name: str) -> None:
    for number in range(20):
        add(place, by=name, turn=number)


def test_two_writers_never_part_the_chain(place):
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(place, name)) for name in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not flaws(place / "ledger.jsonl") and len(lines(place / "ledger.jsonl")) == 40


def test_keys_are_their_owners_alone_and_never_in_the_workspace(place):
    hidden = [path for path in (place / "keys").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in hidden} == {0o600} and len(hidden) == 2
    assert "PRIVATE" not in (place / "ledger.pub").read_text()
    with pytest.raises(RecordError, match="exists already"):
        make_keys(place / "ledger.pub")


def test_without_the_keys_nothing_is_signed(place, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(place / "elsewhere"))
    with pytest.raises(RecordError, match="CURE_LENS_KEYS"):
        add(place, run="run-0")


@pytest.mark.parametrize("content", ["", "nonsense", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_one_sentence(ledger, tmp_path, content):
    path = tmp_path / "some.pub"
    path.write_text(content)
    with pytest.raises(RecordError, match="is not a public key"):
        flaws(ledger, key=path)


@given(st.lists(st.text(max_size=5), max_size=4), st.lists(st.text(max_size=5), max_size=4))
def test_pseudonyms_are_alike_for_the_same_parts_alone(one, other):
    keys = Keys(CryptoSigner.generate_ed25519(), b"0" * 32)
    assert (keys.pseudonym(*one) == keys.pseudonym(*other)) == (one == other)
    assert keys.pseudonym(*one) != Keys(keys.signer, b"1" * 32).pseudonym(*one)
