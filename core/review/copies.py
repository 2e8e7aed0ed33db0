"""Copies of weights that were destroyed, under whatever name: their digests stay in the ledger, so that they can be told."""

from collections.abc import Mapping
from pathlib import Path

from core.errors import WorkspaceError
from core.files import digest
from core.review.forgotten import names, sealed


def copies(root: Path, gone: Mapping[str, int]) -> list[str]:
    """The files of a workspace that hold destroyed weights to the byte. gone: their sizes in bytes by their SHA-256.

    A copy that was changed, packed or encrypted is not found. Raises WorkspaceError for what cannot be read.
    """
    return [name for name in names(root) if not sealed(name) and _holds(root, name, gone)]


def _holds(root: Path, name: str, gone: Mapping[str, int]) -> bool:
    try:
        return (root / name).stat().st_size in gone.values() and digest(root / name) in gone
    except FileNotFoundError:  # gone meanwhile, or a link that leads nowhere
        return False
    except OSError as error:
        raise WorkspaceError(f"{name} cannot be read, so nobody knows what is in it: take it away.") from error
