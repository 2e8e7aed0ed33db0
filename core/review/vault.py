"""Encrypted copies of everything that a deletion removes: readable and restorable only with their key.

AES-256-GCM in parts of PART bytes. The name of the file and the position of the part are authenticated, so nothing can
be exchanged or cut off. The key lies with the ledger's keys, outside the workspace: a copy or a backup of the
workspace is unreadable once the key is destroyed.
"""

import json
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import LedgerError, WorkspaceError
from core.ledger.key_folder import write_secret
from core.ledger.keys import folder_of, read_public
from core.review.vault_keys import KEY_BYTES, is_elsewhere, owner_of
from core.utils.atomic_io import (
    disk_error,
    folder_at,
    make_private_folder,
    move,
    remove_folder,
    replacement,
    staging,
    write_bytes,
)
from core.utils.no_links import open_to_read
from core.utils.serialization import parse_json, to_json
from core.workspace.layout import WorkspaceLayout

PART = 1 << 26
NONCE, TAG = 12, 16
INDEX, KEY = "index", "key"


@dataclass(frozen=True, slots=True)
class Index:
    """The table of contents of a vault.

    Attributes:
        files: File names relative to the workspace, in the order of their numbers in the vault.
        modes: Permission bits of the files and of their folders, by name.
    """

    files: tuple[str, ...]
    modes: dict[str, int]


class Vault:
    """The encrypted copies of one case.

    The vault's folder exists completely or not at all. The file of the key names the vault's place: by it the key is
    found, whatever the folder holds or says. The folder names the key as well, for a workspace that was moved and for
    vaults of earlier versions. A copy of a vault does not get the key while the vault that the key names is there.
    Key and index are read once; decryption notices what was changed since.
    """

    def __init__(self, path: Path, public: Path) -> None:
        self.path, self._staging = path, staging(path)
        self._keys, self._place = folder_of(read_public(public)), str(path.absolute())

    @property
    def sealed(self) -> bool:
        """Whether the vault is complete."""
        return self.path.is_dir()

    @property
    def has_key(self) -> bool:
        """Whether the key of the copies is there: the last step of a deletion destroys it."""
        return bool(self._key_files())

    def check_not_lost(self) -> None:
        """Check that no copies are missing whose key is there: they may be the only whole state.

        Raises:
            LedgerError: They are, or the key cannot be told from another vault's.
        """
        if keys := self._keys_of_lost_copies():
            raise LedgerError(
                f"{self.path} is not there, but the key of its copies is: put the copies back, or end their deletion "
                f"where they lie now, or give them up and delete the key file {keys[0]}."
            )

    def seal(self, root: Path, files: Sequence[Path]) -> None:
        """Encrypt copies of files under `root`, unless that is done.

        Raises:
            WorkspaceError: A file cannot be read or written.
            LedgerError: The public key cannot be read, or earlier copies are missing and their key is there.
        """
        if self.sealed:
            return
        try:
            cipher = self._begin()
            index = _index(root, files)
            for number, name in enumerate(index.files):
                with open_to_read(root / name) as content:
                    _write(self._staging / str(number), _encrypted(cipher, name, content))
            contents = BytesIO(json.dumps(to_json(index)).encode())
            _write(self._staging / INDEX, _encrypted(cipher, INDEX, contents))
            move(self._staging, self.path)
        except OSError as error:
            raise disk_error(self.path, error) from error

    def names(self) -> tuple[str, ...]:
        """The names of all files, relative to the workspace.

        Raises:
            LedgerError: The vault cannot be decrypted.
        """
        return self._index.files

    def read(self, name: str) -> bytes:
        """Decrypt one file. Raises LedgerError."""
        names = self.names()
        if name not in names:
            raise LedgerError(f"{name} was not sealed: it did not exist then.")
        return self._decrypted(name, self.path / str(names.index(name)))

    def restore(self, root: Path) -> None:
        """Restore every file with its permission bits. Raises LedgerError, WorkspaceError."""
        index = self._index
        try:
            for name in sorted(set(index.modes) - set(index.files)):  # outer folders first
                with folder_at(root / name, make=True) as folder:
                    os.fchmod(folder, index.modes[name])
            for number, name in enumerate(index.files):
                write_bytes(root / name, self._decrypted(name, self.path / str(number)), index.modes[name])
        except OSError as error:
            raise disk_error(root / name, error) from error

    def destroy(self) -> None:
        """Destroy the key, which makes the copies unreadable, then remove the copies. May be repeated.

        Raises:
            LedgerError: The key is not found, so that it cannot be destroyed.
        """
        keys = self._key_files()
        if self.sealed and not keys and self._named_key(self.path) is None:
            raise self._unnamed()
        for read_once in ("_cipher", "_index"):
            self.__dict__.pop(read_once, None)
        for key in keys:
            _overwrite(key)
            key.unlink()
        for folder in (self.path, self._staging):
            with suppress(WorkspaceError):  # unreadable by now
                remove_folder(folder)

    def discard(self) -> None:
        """Destroy what a sealing or a rollback left, and no key of copies that lie elsewhere. Raises LedgerError."""
        if not self._keys_of_lost_copies():
            self.destroy()

    def _begin(self) -> AESGCM:
        """A new folder and a new key, after removing what an earlier attempt left."""
        self.check_not_lost()
        self.destroy()
        make_private_folder(self._staging)
        name, key = secrets.token_hex(16), AESGCM.generate_key(8 * KEY_BYTES)
        _write(self._staging / KEY, [name.encode()])
        write_secret(self._keys / f"{name}.key", key + self._place.encode())
        return AESGCM(key)

    def _key_files(self) -> list[Path]:
        """The files of keys that name this vault's place, then those that its folders name.

        Raises:
            LedgerError: A folder names the key of another vault, and no key names this one's place.
        """
        found = [path for path in sorted(self._keys.glob("*.key")) if owner_of(path) == self._place]
        named = map(self._named_key, (self.path, self._staging))
        return found or [path for path in named if path and self._is_own(path)]

    def _keys_of_lost_copies(self) -> list[Path]:
        """Keys without their copies: a sealing that was cut off has a folder that names its key."""
        return [] if self.sealed else [key for key in self._key_files() if key != self._named_key(self._staging)]

    def _named_key(self, folder: Path) -> Path | None:
        """The file of the key that a vault folder names; None where it names no valid one."""
        path = folder / KEY
        name = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return self._keys / f"{name}.key" if re.fullmatch("[0-9a-f]{32}", name) else None

    @cached_property
    def _index(self) -> Index:
        return parse_json(self._decrypted(INDEX, self.path / INDEX), Index, self.path / INDEX)

    def own_files(self) -> Iterator[Path]:
        """The files that this vault wrote and nobody changed: they decrypt with its key."""
        if not (self.path / INDEX).is_file():  # a FIFO is not opened
            return
        with suppress(LedgerError):
            for number, name in enumerate(self.names()):
                if self._opens(name, self.path / str(number)):
                    yield self.path / str(number)
            yield from (self.path / INDEX, self.path / KEY)

    def _opens(self, name: str, path: Path) -> bool:
        with suppress(LedgerError):
            return path.is_file() and not path.is_symlink() and all(True for _ in self._parts(name, path))
        return False

    def _decrypted(self, name: str, path: Path) -> bytes:
        return b"".join(self._parts(name, path))

    def _parts(self, name: str, path: Path) -> Iterator[bytes]:
        cipher, number, last = self._cipher, 0, False
        try:
            with open_to_read(path) as file:
                while not last:
                    block = file.read(NONCE + PART + TAG)
                    last = len(block) < NONCE + PART + TAG
                    yield cipher.decrypt(block[:NONCE], block[NONCE:], _place(name, number, last))
                    number += 1
        except (OSError, InvalidTag, ValueError) as error:
            raise LedgerError(f"{path} was changed or is not there: it cannot be opened with its key.") from error

    @cached_property
    def _cipher(self) -> AESGCM:
        try:
            keys = self._key_files()
            return AESGCM(keys[0].read_bytes()[:KEY_BYTES] if keys else b"")
        except (OSError, ValueError) as error:
            raise LedgerError(
                f"The key of {self.path} is not there: it was destroyed, or is another user's."
            ) from error

    def _is_own(self, key: Path) -> bool:
        """Whether a file holds the key of a vault of this name; earlier versions named none.

        Raises:
            LedgerError: It names another vault, or this one is a copy of the one that it names.
        """
        if (owner := owner_of(key)) is not None and Path(owner).name not in ("", self.path.name):
            raise self._unnamed()
        if owner and is_elsewhere(Path(owner), self.path):
            raise LedgerError(
                f"{self.path} is a copy of {owner}, whose key it would share: end the deletion there, or remove this "
                "copy."
            )
        return owner is not None

    def _unnamed(self) -> LedgerError:
        return LedgerError(
            f"{self.path / KEY} was changed and does not name the key of its copies, which could not be destroyed: put "
            "the file back from a backup."
        )


def encrypted_files(layout: WorkspaceLayout) -> frozenset[str]:
    """Names of all files of a workspace that a vault wrote; no search can read them, and none has to."""
    vaults = (Vault(path, layout.ledger_key) for path in layout.vaults())
    return frozenset(layout.name(path) for vault in vaults for path in vault.own_files())


def _encrypted(cipher: AESGCM, name: str, content: BinaryIO) -> Iterator[bytes]:
    """Full parts and a shorter last one, which may be empty."""
    number, last = 0, False
    while not last:
        part, nonce = content.read(PART), os.urandom(NONCE)
        last = len(part) < PART
        yield nonce + cipher.encrypt(nonce, part, _place(name, number, last))
        number += 1


def _index(root: Path, files: Sequence[Path]) -> Index:
    """The index of files and of every folder between them and `root`."""
    names = tuple(str(path.relative_to(root)) for path in files)
    folders = {str(folder) for name in names for folder in Path(name).parents if folder != Path()}
    return Index(names, {name: stat.S_IMODE((root / name).lstat().st_mode) for name in (*folders, *names)})


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def _place(name: str, number: int, last: bool) -> bytes:
    return f"{number}:{last}:{name}".encode()


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    with replacement(target) as file:
        file.writelines(pieces)
