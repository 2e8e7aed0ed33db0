"""File names and paths of a workspace."""

import os
import re
from pathlib import Path

ADAPTER_CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"  # as PEFT calls them


def is_inside_workspace(path: Path, root: Path) -> bool:
    """Whether a path lies under `root` (itself resolved) and neither is nor contains a symbolic link, at any depth."""
    return path.resolve().is_relative_to(root) and not path.is_symlink() and not (path.is_dir() and _linked(path))


def _linked(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(entry.is_symlink() or (entry.is_dir() and _linked(Path(entry.path))) for entry in entries)


def is_id(name: str) -> bool:
    """Whether a request's or a run's id is one: it becomes part of a path."""
    return re.fullmatch(r"\w[\w-]*", name) is not None
