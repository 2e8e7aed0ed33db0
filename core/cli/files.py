"""Check of `python -m core doctor` on the files of a workspace: which are missing, damaged, linked or unknown."""

import os
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from core.cli.finding import Finding
from core.cli.parts import Part, free_folders, parts, read_by_name
from core.errors import CureLensError
from core.workspace import Workspace

SHOWN = 5  # unknown files that are named


def damaged_files(workspace: Workspace, rejected: Collection[str]) -> Iterator[Finding]:
    """One finding for each file that is missing, damaged, a link or no file, and one for all that nothing here reads.

    Args:
        workspace: The workspace.
        rejected: Ids of the rejected runs, whose adapters are destroyed.
    """
    known: dict[Path, Part] = {}
    for part in parts(workspace, rejected):
        earlier = known.setdefault(part.path, part)
        known[part.path] = replace(earlier, why=earlier.why or part.why)
    free, unknown = free_folders(workspace), []
    for path in _entries(workspace.root):
        part = known.get(path) or Part(path, read_by_name)
        if path.is_symlink():
            yield _finding(workspace, path, f"{path} is a symbolic link: put the file itself in its place.")
        elif path in known and not path.is_file() and not part.folder:
            yield _finding(workspace, path, f"{path} is no file: remove it, and restore the file that was there.")
        elif path in known or (path.is_file() and any(folder in free for folder in path.parents)):
            yield from _read(workspace, part)
        elif path.is_file():
            unknown.append(str(path.relative_to(workspace.root)))
    for path, part in known.items():
        if part.why and not path.exists() and not path.is_symlink():
            yield _finding(workspace, path, f"{path} is not there, although {part.why}: restore it.")
    if unknown:
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        yield Finding("unknown files", True, f"nothing here reads {', '.join(sorted(unknown)[:SHOWN])}{more}")


def _entries(root: Path) -> Iterator[Path]:
    """Every file, folder and link below a folder; links are not followed, and hidden folders not entered."""
    for folder, folders, files in os.walk(root):
        yield from (Path(folder, name) for name in sorted((*folders, *files)))
        folders[:] = [name for name in folders if not name.startswith(".")]


def _read(workspace: Workspace, part: Part) -> Iterator[Finding]:
    try:
        part.read(part.path)
    except CureLensError as error:
        yield _finding(workspace, part.path, str(error))
    except Exception as error:  # a damaged file may break a library in any way
        fault = f"{part.path} cannot be read ({type(error).__name__}): restore it or create it again."
        yield _finding(workspace, part.path, fault)


def _finding(workspace: Workspace, path: Path, fault: str) -> Finding:
    name = path.relative_to(workspace.root) if path.is_relative_to(workspace.root) else path
    return Finding(str(name), False, fault)
