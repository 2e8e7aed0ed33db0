"""Ids of requests and runs, which become parts of paths: only plain words, and the same in a file as in its name."""

import re
from pathlib import Path

from core.errors import DamagedError

LONGEST = 100  # bytes of an id; file systems take names of 255, and some of ours are longer than the id in them


def is_id(name: str) -> bool:
    """Whether a name is a valid id of a request or a run. Ids become part of a path."""
    return re.fullmatch(r"\w[\w-]*", name) is not None and len(name.encode()) <= LONGEST


def as_id(name: str) -> str:
    """A valid id, which is to become part of a path.

    Raises:
        DamagedError: It is not valid, so that it may lead out of the workspace.
    """
    if not is_id(name):
        raise DamagedError(
            f"Id {name[:LONGEST]!r} is no plain word of at most {LONGEST} bytes, so a file of the workspace was "
            "changed: restore the file that holds it."
        )
    return name


def require_own_name(found: str, path: Path, name: str) -> None:
    """Require that a file of a request or a run holds the id that its path has.

    Args:
        found: The id in the file.
        path: The file.
        name: The id in its path.

    Raises:
        DamagedError: They differ.
    """
    if found != name:
        raise DamagedError(f"{path} holds the id {found!r}, not that of its path: restore it, or remove it.")
