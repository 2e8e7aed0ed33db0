"""The first entry of a ledger, and what lies in a workspace before it: nothing, or the keys of a killed `init`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.errors import LedgerError
from core.ledger.chain import append
from core.ledger.kept_head import is_demo, kept_head
from core.ledger.key_folder import check_key, known_key
from core.ledger.keys import Keys, kept_keys, public_pem, read_public
from core.utils.atomic_io import write_bytes

BEGINNING = "ledger"  # kind of the first entry


def begin(path: Path, workspace: str, settings: Mapping[str, Any], keys: Keys) -> None:
    """Write the first entry. It holds the settings: an `init` that is killed after it leaves none that nobody signed.

    Args:
        path: The ledger file.
        workspace: The name of the workspace.
        settings: Its settings.
        keys: The keys that sign.

    Raises:
        LedgerError: There are entries of another key.
        WorkspaceError: The file cannot be written.
    """
    about = {"workspace": workspace, "settings": settings}
    append(path, BEGINNING, {"key": keys.signer.public_key.keyid}, about, keys)


def require_none(path: Path) -> None:
    """Require that no ledger lies there, before keys are made for it. Raises LedgerError."""
    if path.exists() and path.stat().st_size:
        raise LedgerError(f"{path} is there already, and nobody here signed it: move it away, then repeat the command.")


def unused_keys(path: Path, public: Path) -> Keys | None:
    """The keys of a workspace that were made and have signed nothing, as the first entry was never written.

    Args:
        path: The ledger file.
        public: The public key, which is written again.

    Returns:
        None where there are none, or where the key has signed: it has a kept head, or is the demo's.

    Raises:
        LedgerError: Another public key lies there.
        WorkspaceError: The public key cannot be written.
    """
    has_entry = path.is_file() and b"\n" in path.read_bytes()
    keys = None if has_entry else kept_keys(known_key(public))
    if keys is None or is_demo(keys.signer.public_key) or kept_head(keys.signer.public_key):
        return None
    if public.exists():
        check_key(public, read_public(public).keyid)
    write_bytes(public, public_pem(keys))
    return keys
