"""Copies of weights that were destroyed, under whatever name: their digests stay in the ledger, so that they can be told."""

from collections.abc import Mapping
from pathlib import Path

from core.files import digest
from core.review.forgotten import looked_into, names, sealed


def copies(root: Path, gone: Mapping[str, int]) -> list[str]:
    """The files of a workspace that hold destroyed weights to the byte. gone: their sizes in bytes by their SHA-256.

    A copy that was changed, packed or encrypted is not found. Raises WorkspaceError for what cannot be read.
    """

    def holds(path: Path) -> bool:
        return path.stat().st_size in gone.values() and digest(path) in gone

    return [name for name in names(root) if not sealed(name) and looked_into(root, name, holds)]
