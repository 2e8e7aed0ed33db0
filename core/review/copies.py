"""Copies of weights that were destroyed, under whatever name: their digests stay in the ledger, so that they can be told."""

from collections.abc import Mapping
from pathlib import Path

from core.files import digest
from core.review.forgotten import names, sealed


def copies(root: Path, gone: Mapping[str, int]) -> list[str]:
    """The files of a workspace that hold destroyed weights to the byte. gone: their sizes in bytes by their SHA-256.

    A copy that was changed, packed or encrypted is not found. Raises WorkspaceError for a folder that cannot be read.
    """
    sizes = set(gone.values())
    near = (name for name in names(root) if not sealed(name) and (root / name).stat().st_size in sizes)
    return [name for name in near if digest(root / name) in gone]
