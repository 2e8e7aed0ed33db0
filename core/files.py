"""Frozen dataclasses to JSON files and back; every write is whole or not there at all."""

import dataclasses
import errno
import hashlib
import json
import math
import os
import re
import tempfile
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.errors import WorkspaceError


def plain(value: Any) -> Any:
    """`value` as JSON types: dataclasses become objects, tuples lists, NaN null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def revive(kind: Any, value: Any) -> Any:
    """The inverse of `plain` for the annotated type `kind`; unknown fields of a newer writer are ignored."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else revive(next(a for a in args if a is not type(None)), value)
    if origin is tuple:
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        return tuple(revive(k, v) for k, v in zip(kinds, value, strict=True))
    if origin is dict:
        return {key: revive(args[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(
            **{f.name: revive(hints[f.name], value[f.name]) for f in dataclasses.fields(kind) if f.name in value}
        )  # type: ignore[operator]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if kind is float:
        return math.nan if value is None else float(value)
    return value


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write by write-then-rename, so that a reader sees the old file or the new one, never half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)  # noqa: PTH101 - mkstemp gives a name
            os.replace(name, path)  # noqa: PTH105
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise disk_error(path, error) from error


def private(folder: Path) -> None:
    """Make a folder that nobody but its owner can look into: what is in it names people. Raises WorkspaceError."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise disk_error(folder, error) from error


def stays(path: Path, root: Path) -> bool:
    """Whether a path is under `root` (itself resolved) whatever links lead there, and holds no symbolic link, at any depth."""
    return path.resolve().is_relative_to(root) and not path.is_symlink() and not (path.is_dir() and _linked(path))


def _linked(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(entry.is_symlink() or (entry.is_dir() and _linked(Path(entry.path))) for entry in entries)


def is_id(name: str) -> bool:
    """Whether a request's or a run's id is one: it becomes part of a path."""
    return re.fullmatch(r"\w[\w-]*", name) is not None


def digest(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def agree(files: Mapping[str, Path], said: Mapping[str, str]) -> bool:
    """Whether files are there with the SHA-256 that is said of them by name, as far as one is said."""
    return all(path.is_file() and digest(path) == said[name] for name, path in files.items() if name in said)


def disk_error(path: Path, error: OSError) -> WorkspaceError:
    """An operating system's refusal as one sentence that says what to do."""
    if error.errno == errno.ENOSPC:
        return WorkspaceError(f"The disk that holds {path.parent} is full: free some space and try again.")
    return WorkspaceError(
        f"{path} cannot be written ({error.strerror or error}): check the folder and its permissions."
    )


def write_json(path: Path, value: Any) -> None:
    """Write `value` (dataclass, dict, list) as readable JSON."""
    write_text(path, json.dumps(plain(value), indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path, kind: Any = None) -> Any:
    """Read what `write_json` wrote, as `kind` where one is given."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return value if kind is None else revive(kind, value)
    except FileNotFoundError:
        raise WorkspaceError(f"{path} is not there: check the id and the workspace folder.") from None
    except (ValueError, TypeError) as error:
        raise WorkspaceError(f"{path} is damaged ({error}): restore it or make it anew.") from None
