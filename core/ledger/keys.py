"""Keys of a ledger: an Ed25519 key that signs, and a secret that makes pseudonyms.

Both stay outside the workspace. A page that launches a run reads the secret, and none reads the key that signs. They
lie in the folder CURE_LENS_KEYS, else in the user's config folder, readable only by their owner. Only the public key is
handed on.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # it has no __all__

from core.errors import LedgerError, WorkspaceError
from core.ledger.key_folder import check_key, key_root, remember_key, write_secret
from core.utils.atomic_io import write_bytes
from core.utils.regular_files import regular_file

ID_LENGTH = 16  # characters of a key's id that name its folder


@dataclass(frozen=True)
class Keys:
    """The private keys of one ledger.

    Attributes:
        signer: Signs entries, Ed25519.
        secret: Key of the pseudonyms, 32 bytes.
    """

    signer: CryptoSigner
    secret: bytes

    def pseudonym(self, *parts: str) -> str:
        """HMAC-SHA256 of the parts, in hex: equal for equal parts, and useless without the secret.

        A plain hash of a short id could be reversed by trying all ids.
        """
        return pseudonym(self.secret, *parts)


def pseudonym(secret: bytes, *parts: str) -> str:
    """HMAC-SHA256 of the parts under a secret, in hex."""
    text = "".join(f"{len(part)}:{part}" for part in parts)  # lengths keep different lists of parts apart
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def make_keys(public: Path) -> Keys:
    """Generate keys, store them with this user, and write the public key to `public`.

    Raises:
        LedgerError: `public` exists, or existed before.
        WorkspaceError: A file cannot be written.
    """
    if public.exists():
        raise LedgerError(f"{public} exists already: a new key could not check what the old key signed.")
    check_key(public)
    keys = Keys(CryptoSigner(Ed25519PrivateKey.generate()), secrets.token_bytes(32))
    keep_keys(keys)
    remember_key(public, keys.signer.public_key.keyid)
    write_bytes(public, public_pem(keys))
    return keys


def demo_keys() -> Keys:
    """The keys of the demo world. They are public knowledge, so their signatures prove only that signing works."""
    seeds = (hashlib.sha256(f"CURE Lens, demo world, {name}".encode()).digest() for name in ("signing", "pseudonyms"))
    return Keys(CryptoSigner(Ed25519PrivateKey.from_private_bytes(next(seeds))), next(seeds))


def keep_keys(keys: Keys) -> None:
    """Store keys with this user, unless they are there. Raises WorkspaceError."""
    folder = folder_of(keys.signer.public_key)
    for name, content in (("signing.pem", keys.signer.private_bytes), ("pseudonyms.key", keys.secret)):
        if not (folder / name).exists():
            write_secret(folder / name, content)


def public_pem(keys: Keys) -> bytes:
    """The public key in PEM."""
    private = load_pem_private_key(keys.signer.private_bytes, None)
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def keys_of(public: Path) -> Keys:
    """The private keys that belong to a workspace's public key, which is remembered when it is used first.

    Raises:
        LedgerError: This user does not have them on this machine, others can read them, or another key signed here.
    """
    own = read_public(public)  # once: the file may be exchanged
    check_key(public, own.keyid)
    if (keys := kept_keys(own.keyid)) is None:
        raise _absent(public, own)
    remember_key(public, own.keyid)
    return keys


def kept_keys(keyid: str) -> Keys | None:
    """The private keys of this id; None where this user lacks them. Raises LedgerError where others can read them."""
    folder = key_root() / keyid[:ID_LENGTH]
    try:
        private = load_pem_private_key(_secret(folder / "signing.pem"), None)
        return Keys(CryptoSigner(private), _secret(folder / "pseudonyms.key"))
    except (WorkspaceError, ValueError):
        return None


def secret_of(public: Path) -> bytes:
    """The secret of the pseudonyms and marks alone: a page that launches a run needs no key that signs.

    Raises:
        LedgerError: As `keys_of`.
    """
    own = read_public(public)
    check_key(public, own.keyid)
    try:
        return _secret(folder_of(own) / "pseudonyms.key")
    except WorkspaceError as error:
        raise _absent(public, own) from error


def _absent(public: Path, own: SSlibKey) -> LedgerError:
    return LedgerError(
        f"The keys that belong to {public} are not in {folder_of(own)}: sign where they are, or set CURE_LENS_KEYS."
    )


def _secret(path: Path) -> bytes:
    """Read a private key that nobody else can read."""
    with regular_file(path) as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise LedgerError(
                f"{path} can be read by others: run chmod 600 {path}, and make new keys if somebody may have read it."
            )
        return file.read()


def read_public(path: Path) -> SSlibKey:
    """Read an Ed25519 public key in PEM.

    Raises:
        LedgerError: The file is anything else.
    """
    try:  # a FIFO, whose reading would wait for ever, is no key either
        content = path.read_bytes() if path.is_file() else b""
    except OSError:
        content = b""
    return parse_public(content, path)


def parse_public(pem: bytes, origin: object) -> SSlibKey:
    """The Ed25519 public key of a text in PEM, which comes from `origin`. Raises LedgerError where it is none."""
    try:
        found = load_pem_public_key(pem)
    except ValueError as error:
        raise LedgerError(
            f"{origin} is not a public key in PEM: name the ledger.pub that belongs to the ledger."
        ) from error
    if not isinstance(found, Ed25519PublicKey):
        raise LedgerError(f"{origin} is not an Ed25519 key: name the ledger.pub that belongs to the ledger.")
    return SSlibKey.from_crypto(found)


def folder_of(public: SSlibKey) -> Path:
    """The folder of the private keys that belong to a public key."""
    return key_root() / public.keyid[:ID_LENGTH]
