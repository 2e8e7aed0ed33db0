"""Transitional names."""

from pathlib import Path

from core.runs.handle import RunHandle as RunFolder
from core.runs.handle import open_run as run_folder
from core.runs.handle import runs
from core.runs.handle import store_of as _store_of
from core.runs.store import Store
from core.workspace import Workspace

__all__ = ["RunFolder", "run_folder", "runs", "store_of"]


def store_of(root: Path) -> Store:
    """Transitional."""
    return _store_of(Workspace(root))
