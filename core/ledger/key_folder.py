"""The folder of this account's ledger keys, and which key signs in which workspace.

Whoever can write a workspace can take its `ledger.pub` away, or put that of another workspace of this account in its
place. The folder of the keys remembers the key of each workspace by its path.
"""

import os
from contextlib import suppress
from pathlib import Path

from core.errors import LedgerError
from core.utils.atomic_io import disk_error
from core.utils.hashing import short_digest

PLACES = "workspaces"
PRIVATE = 0o600


def key_root() -> Path:
    """CURE_LENS_KEYS, else the folder of version 0.1.0 where it exists, else the user's config folder."""
    if root := os.environ.get("CURE_LENS_KEYS"):
        return Path(root).resolve()
    if (legacy := Path.home() / ".config/cure-lens/keys").is_dir():
        return legacy.resolve()
    from platformdirs import user_config_path  # not there on machines that only compute

    return (user_config_path("cure-lens") / "keys").resolve()


def check_key(public: Path, keyid: str = "") -> None:
    """Check that a workspace has the public key with which this account signed in it before, if it did.

    Args:
        public: Where the public key lies.
        keyid: The id of the key there; "" where there is none.

    Raises:
        LedgerError: It is another one, or it is gone.
    """
    if (known := known_key(public)) not in ("", keyid):
        found = "is another key than the one" if keyid else "is gone, although there is a key"
        raise LedgerError(
            f"{public} {found} with which this account signs here ({known[:8]}): put the right file back or, if "
            f"another workspace was moved to this place, delete {_place(public)}."
        )


def known_key(public: Path) -> str:
    """The id of the key with which this account signs in a workspace; "" where it never did."""
    try:
        place = _place(public)
    except ImportError:  # without platformdirs, nothing was signed on this machine
        return ""
    return place.read_text(encoding="utf-8").split("\n")[0] if place.is_file() else ""


def remember_key(public: Path, keyid: str) -> None:
    """Remember the key of a workspace, unless it is known. Raises WorkspaceError."""
    if not (place := _place(public)).is_file():
        write_secret(place, f"{keyid}\n{public.parent}\n".encode())


def forget_key(public: Path) -> None:
    """Forget the key of a workspace whose place a new one takes."""
    with suppress(ImportError):
        _place(public).unlink(missing_ok=True)


def _place(public: Path) -> Path:
    return key_root() / PLACES / short_digest(str(public.parent.resolve()))


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
