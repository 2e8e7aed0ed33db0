"""Sealing: what comes back is what went in, nobody reads it without the key, and nothing in it can be exchanged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import RecordError
from core.ledger.keys import make_keys
from core.review import vault as vaults
from core.review.vault import Vault


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(vaults, "PART", 16)
    make_keys(tmp_path / "ledger.pub")
    root = tmp_path / "root"
    (root / "deep").mkdir(parents=True)
    (root / "secret.txt").write_text("u254 likes The Bell of Valdoria, twice over and more")
    (root / "deep/even.bin").write_bytes(bytes(range(32)))
    (root / "empty").write_bytes(b"")
    return root, Vault(tmp_path / "sealed/req-1", tmp_path / "ledger.pub"), tmp_path


def files(root):
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_what_was_sealed_comes_back_to_the_bit(place):
    root, vault, _ = place
    before = {path: path.read_bytes() for path in files(root)}
    vault.seal(root, files(root))
    assert vault.sealed and vault.read("deep/even.bin") == bytes(range(32))
    for path in before:
        path.unlink()
    vault.restore(root)
    assert {path: path.read_bytes() for path in files(root)} == before


def test_nothing_of_it_can_be_read_in_the_folder(place):
    root, vault, _ = place
    vault.seal(root, files(root))
    held = b"".join(path.read_bytes() for path in files(vault.path)) + "".join(map(str, files(vault.path))).encode()
    for word in (b"u254", b"Valdoria", b"secret.txt", bytes(range(16))):
        assert word not in held


def test_without_its_key_it_is_noise(place):
    root, vault, _ = place
    vault.seal(root, files(root))
    key, copy = vault._key_file(vault.path), {path: path.read_bytes() for path in files(vault.path)}
    assert key.stat().st_mode & 0o777 == 0o600
    vault.destroy()
    assert not vault.sealed and not key.exists()
    vault.path.mkdir(parents=True)
    for path, content in copy.items():  # from a backup
        path.write_bytes(content)
    with pytest.raises(RecordError, match="destroyed, or is another user's"):
        vault.names()
    vault.destroy()
    vault.destroy()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_changed_byte_or_a_shorter_file_is_noticed(tmp_path_factory, data):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("vault")
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        patch.setattr(vaults, "PART", 16)
        make_keys(folder / "ledger.pub")
        (folder / "a").write_bytes(data.draw(st.binary(max_size=70)))
        vault = Vault(folder / "sealed", folder / "ledger.pub")
        vault.seal(folder, [folder / "a"])
        held = (vault.path / "0").read_bytes()
        at = data.draw(st.integers(0, len(held) - 1))
        cut = data.draw(st.booleans())
        (vault.path / "0").write_bytes(held[:at] if cut else held[:at] + bytes([held[at] ^ 1]) + held[at + 1 :])
        with pytest.raises(RecordError, match="was changed"):
            vault.read("a")


def test_files_cannot_change_places(place):
    root, vault, _ = place
    vault.seal(root, files(root))
    first, second = vault.path / "0", vault.path / "1"
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)
    with pytest.raises(RecordError, match="was changed"):
        vault.restore(root)


def test_sealing_that_broke_off_is_begun_anew_and_a_whole_one_is_left_alone(place):
    root, vault, folder = place
    part = folder / "sealed/.req-1.part"
    part.mkdir(parents=True)
    (part / "0").write_bytes(b"half")
    vault.seal(root, files(root))
    held = (vault.path / "0").read_bytes()
    vault.seal(root, files(root))
    assert (vault.path / "0").read_bytes() == held and not part.exists()
