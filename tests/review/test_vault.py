"""Vault: sealed files are restored exactly, unreadable without the key, and protected against changes."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import LedgerError, WorkspaceError
from core.ledger.keys import make_keys
from core.review import vault as vaults
from core.review.vault import Vault
from core.utils.atomic_io import staging


@pytest.fixture
def sealed_case(tmp_path, monkeypatch):
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


def test_sealed_files_are_restored_bit_for_bit(sealed_case):
    root, vault, _ = sealed_case
    before = {path: path.read_bytes() for path in files(root)}
    vault.seal(root, files(root))
    assert vault.sealed and vault.read("deep/even.bin") == bytes(range(32))
    for path in before:
        path.unlink()
    vault.restore(root)
    assert {path: path.read_bytes() for path in files(root)} == before


def test_sealed_folder_holds_no_readable_text_or_name(sealed_case):
    root, vault, _ = sealed_case
    vault.seal(root, files(root))
    content = b"".join(path.read_bytes() for path in files(vault.path)) + "".join(map(str, files(vault.path))).encode()
    for word in (b"u254", b"Valdoria", b"secret.txt", bytes(range(16))):
        assert word not in content


def test_sealed_files_are_unreadable_without_the_key(sealed_case):
    root, vault, _ = sealed_case
    vault.seal(root, files(root))
    key, copy = vault._named_key(vault.path), {path: path.read_bytes() for path in files(vault.path)}
    assert key.stat().st_mode & 0o777 == 0o600
    vault.destroy()
    assert not vault.sealed and not key.exists()
    vault.path.mkdir(parents=True)
    for path, content in copy.items():  # from a backup
        path.write_bytes(content)
    with pytest.raises(LedgerError, match="destroyed, or is another user's"):
        vault.names()
    vault.destroy()
    vault.destroy()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_changed_byte_or_cut_file_is_detected(tmp_path_factory, data):
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("vault")
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        patch.setattr(vaults, "PART", 16)
        make_keys(folder / "ledger.pub")
        (folder / "a").write_bytes(data.draw(st.binary(max_size=70)))
        vault = Vault(folder / "sealed", folder / "ledger.pub")
        vault.seal(folder, [folder / "a"])
        content = (vault.path / "0").read_bytes()
        at = data.draw(st.integers(0, len(content) - 1))
        cut = data.draw(st.booleans())
        (vault.path / "0").write_bytes(
            content[:at] if cut else content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        )
        with pytest.raises(LedgerError, match="was changed"):
            vault.read("a")


def test_swapped_files_are_detected(sealed_case):
    root, vault, _ = sealed_case
    vault.seal(root, files(root))
    first, second = vault.path / "0", vault.path / "1"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(LedgerError, match="was changed"):
        vault.restore(root)


def test_interrupted_sealing_restarts_and_finished_one_is_kept(sealed_case):
    root, vault, folder = sealed_case
    part = folder / "sealed/.req-1.part"
    part.mkdir(parents=True)
    (part / "0").write_bytes(b"half")
    vault.seal(root, files(root))
    content = (vault.path / "0").read_bytes()
    vault.seal(root, files(root))
    assert (vault.path / "0").read_bytes() == content and not part.exists()


def test_key_of_another_vault_is_neither_used_nor_destroyed(sealed_case):
    root, vault, folder = sealed_case
    other = Vault(folder / "sealed/req-2", folder / "ledger.pub")
    for one in (vault, other):
        one.seal(root, files(root))
    (vault.path / "key").write_bytes((other.path / "key").read_bytes())
    assert len(vault.names()) == 3  # its own key names its place
    moved = Vault(vault.path.rename(folder / "moved"), folder / "ledger.pub")
    for act in (moved.names, moved.destroy):
        with pytest.raises(LedgerError, match="does not name the key of its copies"):
            act()
    assert len(other.names()) == 3


@pytest.mark.parametrize("named", ["", "f" * 32])
def test_key_is_found_by_the_place_of_the_vault(sealed_case, named):
    root, vault, _ = sealed_case
    vault.seal(root, files(root))
    key = vault._named_key(vault.path)
    (vault.path / "key").write_text(named)
    assert vault.has_key and len(vault.names()) == 3
    vault.destroy()
    assert not vault.has_key and not vault.sealed and not key.exists()


def test_moved_vault_is_opened_by_the_key_that_it_names(sealed_case):
    root, vault, folder = sealed_case
    vault.seal(root, files(root))
    (folder / "elsewhere").mkdir()
    moved = Vault(vault.path.rename(folder / "elsewhere" / vault.path.name), folder / "ledger.pub")
    assert len(moved.names()) == 3
    moved.destroy()
    assert not vault.has_key


def test_moved_vault_whose_key_is_not_named_is_not_called_destroyed(sealed_case):
    root, vault, folder = sealed_case
    vault.seal(root, files(root))
    (vault.path / "key").unlink()
    moved = Vault(vault.path.rename(folder / "moved"), folder / "ledger.pub")
    with pytest.raises(LedgerError, match="could not be destroyed"):
        moved.destroy()
    assert moved.sealed


@pytest.mark.parametrize("exchanged", ["secret.txt", "deep"])
def test_nothing_is_sealed_through_a_link(sealed_case, exchanged):
    root, vault, folder = sealed_case
    found = files(root)
    shutil.move(root / exchanged, folder / "elsewhere")
    (root / exchanged).symlink_to(folder / "elsewhere")
    with pytest.raises(WorkspaceError):
        vault.seal(root, found)
    assert not vault.sealed


def test_nothing_is_restored_through_a_link(sealed_case):
    root, vault, folder = sealed_case
    vault.seal(root, files(root))
    for name in ("deep", "secret.txt"):
        shutil.move(root / name, folder / name)
        (root / name).symlink_to(folder / name)
    (folder / "deep/even.bin").write_bytes(b"of somebody else")
    with pytest.raises(WorkspaceError, match="deep"):
        vault.restore(root)
    (root / "deep").unlink()
    (folder / "secret.txt").chmod(0o600)
    vault.restore(root)
    assert (folder / "deep/even.bin").read_bytes() == b"of somebody else"
    assert not (root / "secret.txt").is_symlink() and (folder / "secret.txt").stat().st_mode & 0o777 == 0o600


def test_key_without_its_copies_is_neither_replaced_nor_destroyed(sealed_case):
    root, vault, folder = sealed_case
    vault.seal(root, files(root))
    away = vault.path.rename(folder / "away")
    for _ in ("no folder", "an empty one of a sealing"):
        for act in (vault.check_not_lost, lambda: vault.seal(root, files(root))):
            with pytest.raises(LedgerError, match=f"put the copies back, .* {vault._named_key(away)}"):
                act()
        vault.discard()
        assert vault.has_key
        staging(vault.path).mkdir(exist_ok=True)
    away.rename(vault.path)
    vault.check_not_lost()
    assert len(vault.names()) == 3
    vault.discard()
    assert not vault.has_key and not vault.sealed


@pytest.mark.parametrize("cut_off", [False, True])
def test_copy_of_a_vault_does_not_reach_its_key(sealed_case, cut_off):
    root, vault, folder = sealed_case
    vault.seal(root, files(root))
    if cut_off:
        vault.path.rename(staging(vault.path))
    shutil.copytree(folder / "sealed", folder / "copy")
    copy = Vault(folder / "copy/req-1", folder / "ledger.pub")
    for act in (copy.discard, copy.destroy, copy.check_not_lost if cut_off else copy.names):
        with pytest.raises(LedgerError, match="is a copy of .*/sealed/req-1"):
            act()
    assert vault.has_key


def test_moved_vault_with_a_link_at_its_old_place_has_its_key(sealed_case):
    root, vault, folder = sealed_case
    vault.seal(root, files(root))
    (folder / "sealed").rename(folder / "moved")
    (folder / "sealed").symlink_to(folder / "moved")
    assert len(Vault(folder / "moved/req-1", folder / "ledger.pub").names()) == 3


def test_key_and_index_are_read_once(sealed_case, monkeypatch):
    root, vault, _ = sealed_case
    vault.seal(root, files(root))
    read, owner_of, parse_json = [], vaults.owner_of, vaults.parse_json
    monkeypatch.setattr(vaults, "owner_of", lambda key: read.append(key) or owner_of(key))
    monkeypatch.setattr(vaults, "parse_json", lambda *given: read.append(given[-1]) or parse_json(*given))
    for name in vault.names():
        vault.read(name)
    assert len(read) == len(set(read)) and vault.path / vaults.INDEX in read
    vault.destroy()
    with pytest.raises(LedgerError):
        vault.names()
