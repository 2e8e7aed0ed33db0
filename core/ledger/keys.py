"""Keys of a ledger: an Ed25519 key that signs, and a secret that makes pseudonyms.

Both stay outside the workspace and are never read by a page. They lie in the folder CURE_LENS_KEYS, else in the user's
config folder, readable only by their owner. Only the public key is handed on.
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
from platformdirs import user_config_path
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]  # it has no __all__

from core.errors import LedgerError
from core.utils.atomic_io import disk_error, write_bytes

PRIVATE = 0o600


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
        text = "".join(f"{len(part)}:{part}" for part in parts)  # lengths keep different lists of parts apart
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()


def make_keys(public: Path) -> Keys:
    """Generate keys, store them with this user, and write the public key to `public`.

    Raises:
        LedgerError: `public` exists.
        WorkspaceError: A file cannot be written.
    """
    if public.exists():
        raise LedgerError(f"{public} exists already: a new key could not check what the old key signed.")
    keys = Keys(CryptoSigner(Ed25519PrivateKey.generate()), secrets.token_bytes(32))
    keep_keys(keys)
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
    """The private keys that belong to a public key.

    Raises:
        LedgerError: This user does not have them on this machine, or others can read them.
    """
    folder = folder_of(read_public(public))
    try:
        private = load_pem_private_key(_secret(folder / "signing.pem"), None)
        return Keys(CryptoSigner(private), _secret(folder / "pseudonyms.key"))
    except (OSError, ValueError) as error:
        raise LedgerError(
            f"The keys that belong to {public} are not in {folder}: sign where they are, or set CURE_LENS_KEYS."
        ) from error


def _secret(path: Path) -> bytes:
    """Read a private key that nobody else can read."""
    if path.stat().st_mode & 0o077:
        raise LedgerError(
            f"{path} can be read by others: run chmod 600 {path}, and make new keys if somebody may have read it."
        )
    return path.read_bytes()


def read_public(path: Path) -> SSlibKey:
    """Read an Ed25519 public key in PEM.

    Raises:
        LedgerError: The file is anything else.
    """
    try:
        found = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LedgerError(
            f"{path} is not a public key in PEM: name the ledger.pub that belongs to the ledger."
        ) from error
    if not isinstance(found, Ed25519PublicKey):
        raise LedgerError(f"{path} is not an Ed25519 key: name the ledger.pub that belongs to the ledger.")
    return SSlibKey.from_crypto(found)


def folder_of(public: SSlibKey) -> Path:
    """The folder of the private keys that belong to a public key."""
    return _key_root() / public.keyid[:16]


def _key_root() -> Path:
    """CURE_LENS_KEYS, else the folder of version 0.1.0 where it exists, else the user's config folder."""
    if root := os.environ.get("CURE_LENS_KEYS"):
        return Path(root)
    legacy = Path.home() / ".config/cure-lens/keys"
    return legacy if legacy.is_dir() else user_config_path("cure-lens") / "keys"


def write_secret(path: Path, content: bytes) -> None:
    """Write a new file that is readable only by its owner from the moment it is created.

    Raises:
        WorkspaceError: The file exists or cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
    except OSError as error:
        raise disk_error(path, error) from error
