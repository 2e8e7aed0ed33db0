"""Free disk space of a workspace."""

import shutil

from core.workspace.workspace import Workspace

MIN_FREE_BYTES = 2_000_000_000  # with less, a run may fail


def free_bytes(workspace: Workspace) -> int:
    """Free bytes on the disk that holds the workspace."""
    return shutil.disk_usage(workspace.root).free
