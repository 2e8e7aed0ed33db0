"""The keys of a ledger: one signs, one makes pseudonyms. Both stay outside of the workspace, and no page ever reads them.

They lie in CURE_LENS_KEYS, else in ~/.config/cure-lens/keys, readable by their owner alone. Only the public key is handed on.
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
from securesystemslib.signer import CryptoSigner, SSlibKey

from core.errors import RecordError
from core.utils.atomic_io import disk_error, write_bytes

PRIVATE = 0o600


@dataclass(frozen=True)
class Keys:
    """signer: Ed25519. secret: of the pseudonyms, 32 bytes."""

    signer: CryptoSigner
    secret: bytes

    def pseudonym(self, *parts: str) -> str:
        """An HMAC-SHA256 of what names somebody, in hex: the same for the same person and of no use without the secret. A plain
        hash of a short id is undone by trying all ids."""
        text = "".join(f"{len(part)}:{part}" for part in parts)  # so that no two lists of parts read alike
        return hmac.new(self.secret, text.encode(), hashlib.sha256).hexdigest()


def make_keys(public: Path) -> Keys:
    """New keys; the public one is written to `public`. Raises RecordError where there is one already, WorkspaceError."""
    if public.exists():
        raise RecordError(f"{public} is there already: whoever changed a ledger's key would orphan all it has signed.")
    keys = Keys(CryptoSigner(Ed25519PrivateKey.generate()), secrets.token_bytes(32))
    keep_keys(keys)
    write_bytes(public, public_pem(keys))
    return keys


def demo_keys() -> Keys:
    """The keys of the demo world, known to everybody who reads this line: what they sign proves nothing but that signing works."""
    seeds = (hashlib.sha256(f"CURE Lens, demo world, {name}".encode()).digest() for name in ("signing", "pseudonyms"))
    return Keys(CryptoSigner(Ed25519PrivateKey.from_private_bytes(next(seeds))), next(seeds))


def keep_keys(keys: Keys) -> None:
    """Put keys where this user's lie, unless they are there. Raises WorkspaceError."""
    folder = folder_of(keys.signer.public_key)  # type: ignore[arg-type]
    for name, content in (("signing.pem", keys.signer.private_bytes), ("pseudonyms.key", keys.secret)):
        if not (folder / name).exists():
            hide(folder / name, content)


def public_pem(keys: Keys) -> bytes:
    """The public key, to be handed on."""
    private = load_pem_private_key(keys.signer.private_bytes, None)
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def keys_of(public: Path) -> Keys:
    """The keys that belong to a public one. Raises RecordError where they are not with this user on this machine."""
    folder = folder_of(read_public(public))
    try:
        private = load_pem_private_key((folder / "signing.pem").read_bytes(), None)
        return Keys(CryptoSigner(private), (folder / "pseudonyms.key").read_bytes())  # type: ignore[arg-type]
    except (OSError, ValueError) as error:
        raise RecordError(
            f"The keys that belong to {public} are not in {folder}: sign where they are, or set CURE_LENS_KEYS."
        ) from error


def read_public(path: Path) -> SSlibKey:
    """An Ed25519 public key in PEM. Raises RecordError for anything else."""
    try:
        found = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RecordError(
            f"{path} is not a public key in PEM: name the ledger.pub that belongs to the ledger."
        ) from error
    if not isinstance(found, Ed25519PublicKey):
        raise RecordError(f"{path} is not an Ed25519 key: name the ledger.pub that belongs to the ledger.")
    return SSlibKey.from_crypto(found)


def folder_of(public: SSlibKey) -> Path:
    """Where the secrets that belong to a public key lie."""
    root = os.environ.get("CURE_LENS_KEYS")
    return (Path(root) if root else Path.home() / ".config/cure-lens/keys") / public.keyid[:16]


def hide(path: Path, content: bytes) -> None:
    """Write what nobody else may read, not even for the moment in which it is written."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
            file.write(content)
            os.fsync(file.fileno())
    except OSError as error:
        raise disk_error(path, error) from error
