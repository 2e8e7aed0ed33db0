"""Files of vaults' keys: whose they are."""

from contextlib import suppress
from pathlib import Path

from core.utils.atomic_io import staging

KEY_BYTES = 32  # of AES-256; the name of the vault follows


def owner_of(key: Path) -> str | None:
    """The vault that a key's file names; None where it is gone, no file, or overwritten by a killed destruction."""
    content = b""
    with suppress(FileNotFoundError):
        content = key.read_bytes() if key.is_file() else b""
    return content[KEY_BYTES:].decode("utf-8", "replace") if content.strip(b"\0") else None


def is_elsewhere(owner: Path, path: Path) -> bool:
    """Whether the vault `owner` is there, in another folder than `path`; links count as the folder they lead to."""
    there = any(one.is_dir() for one in (owner, staging(owner)))
    return owner.is_absolute() and there and not owner.parent.samefile(path.parent)
