"""What is about to be destroyed, encrypted: with its key it can all be put back, without it nobody can read it.

AES-256-GCM, in parts of PART bytes; the name of a file and the place of a part are authenticated with it, so nothing can be
exchanged or cut off. The key lies with the ledger's keys, outside of the workspace: whoever copies the workspace, and whoever
reads it from a backup once the key is gone, has noise.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import RecordError
from core.files import disk_error, write_bytes
from core.records.keys import folder_of, hide, read_public

PART = 1 << 26
NONCE, TAG = 12, 16
INDEX = "index"


class Vault:
    """The sealed files of one case. path: its folder; there as a whole or not at all."""

    def __init__(self, path: Path, public: Path) -> None:
        self.path = path
        self._key_file = folder_of(read_public(public)) / f"{path.name}.key"

    @property
    def sealed(self) -> bool:
        """Whether everything is in it."""
        return self.path.is_dir()

    @property
    def readable(self) -> bool:
        """Whether it can still be opened."""
        return self.sealed and self._key_file.is_file()

    def seal(self, root: Path, files: Sequence[Path]) -> None:
        """Take copies of files under `root`, unless they are in it already. Raises WorkspaceError, RecordError."""
        if self.sealed:
            return
        part = self.path.with_name(f".{self.path.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        self._key_file.unlink(missing_ok=True)
        hide(self._key_file, AESGCM.generate_key(256))
        try:
            part.mkdir(parents=True)
            names = [str(path.relative_to(root)) for path in files]
            for number, (name, path) in enumerate(zip(names, files, strict=True)):
                with path.open("rb") as plain:
                    _written(part / str(number), self._encrypted(name, plain))
            _written(part / INDEX, self._encrypted(INDEX, BytesIO(json.dumps(names).encode())))
            part.rename(self.path)
        except OSError as error:
            raise disk_error(self.path, error) from error

    def names(self) -> list[str]:
        """What is in it, relative to the workspace. Raises RecordError where it cannot be opened."""
        return json.loads(self._decrypted(INDEX, self.path / INDEX))

    def read(self, name: str) -> bytes:
        """One file. Raises RecordError."""
        return self._decrypted(name, self.path / str(self.names().index(name)))

    def restore(self, root: Path) -> None:
        """Put everything back where it was. Raises RecordError, WorkspaceError."""
        for number, name in enumerate(self.names()):
            write_bytes(root / name, self._decrypted(name, self.path / str(number)))

    def destroy(self) -> None:
        """First the key, which is all it takes, then the rest; nothing happens where both are gone."""
        if self._key_file.is_file():
            with self._key_file.open("r+b") as file:
                file.write(bytes(self._key_file.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            self._key_file.unlink()
        shutil.rmtree(self.path, ignore_errors=True)

    def _encrypted(self, name: str, plain: BinaryIO) -> Iterator[bytes]:
        """In whole parts and a shorter last one, which may be empty."""
        cipher, number, last = self._cipher(), 0, False
        while not last:
            part, nonce = plain.read(PART), os.urandom(NONCE)
            last = len(part) < PART
            yield nonce + cipher.encrypt(nonce, part, _place(name, number, last))
            number += 1

    def _decrypted(self, name: str, path: Path) -> bytes:
        found: list[bytes] = []
        cipher, last = self._cipher(), False
        try:
            with path.open("rb") as file:
                while not last:
                    block = file.read(NONCE + PART + TAG)
                    last = len(block) < NONCE + PART + TAG
                    found.append(cipher.decrypt(block[:NONCE], block[NONCE:], _place(name, len(found), last)))
        except (OSError, InvalidTag, ValueError) as error:
            raise RecordError(f"{path} was changed or is not there: it cannot be opened with its key.") from error
        return b"".join(found)

    def _cipher(self) -> AESGCM:
        try:
            return AESGCM(self._key_file.read_bytes())
        except (OSError, ValueError) as error:
            raise RecordError(
                f"The key of {self.path} is not there: it was destroyed, or is another user's."
            ) from error


def _place(name: str, number: int, last: bool) -> bytes:
    return f"{number}:{last}:{name}".encode()


def _written(target: Path, pieces: Iterable[bytes]) -> None:
    with target.open("wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
