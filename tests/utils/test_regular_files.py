"""Only regular files are read: nothing that stands in place of one is waited for."""

import os
import signal

import pytest

from core.errors import LedgerError, ModelError, WorkspaceError
from core.ledger.keys import kept_keys, make_keys, secret_of
from core.models.hub import fingerprint, resolve
from core.review.vault_keys import owner_of
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_file


@pytest.fixture(autouse=True)
def limit():
    """A read that waits ends the test process."""
    signal.alarm(60)
    yield
    signal.alarm(0)


PLACED = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "linked pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
}


@pytest.mark.parametrize("kind", PLACED)
@pytest.mark.parametrize("read", [sha256_of_file, read_file, lambda path: fingerprint(path.parent)])
def test_what_is_no_file_is_told(tmp_path, kind, read):
    PLACED[kind](tmp_path / "config.json")
    with pytest.raises(WorkspaceError, match="config.json is no file: remove it"):
        read(tmp_path / "config.json")


def test_links_are_followed(tmp_path):
    """A model in the hub's cache consists of links."""
    (tmp_path / "blob").write_bytes(b"{}")
    (tmp_path / "config.json").symlink_to("blob")
    assert read_file(tmp_path / "config.json") == b"{}"
    assert resolve(str(tmp_path)) == tmp_path and fingerprint(tmp_path).startswith("sha256:")


@pytest.mark.parametrize("name", ["merges.txt", "additional_chat_templates/one.jinja"])
@pytest.mark.parametrize("kind", [kind for kind in PLACED if kind != "folder"])
def test_base_model_with_a_pipe_is_refused_before_a_library_reads_it(tmp_path, name, kind):
    (tmp_path / "additional_chat_templates").mkdir()
    PLACED[kind](tmp_path / name)
    with pytest.raises(ModelError, match="is no file, and reading it could last for ever: remove it"):
        resolve(str(tmp_path))


def test_pipe_in_place_of_a_key_is_no_key(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    keys = make_keys(tmp_path / "ledger.pub")
    (path,) = (tmp_path / "keys").glob("*/pseudonyms.key")
    path.unlink()
    os.mkfifo(path, 0o600)
    assert kept_keys(keys.signer.public_key.keyid) is None and owner_of(path) is None
    with pytest.raises(LedgerError, match="are not in"):
        secret_of(tmp_path / "ledger.pub")
