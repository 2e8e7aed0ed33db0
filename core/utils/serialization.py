"""Frozen dataclasses to JSON files and back; every write is whole or not there at all."""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.errors import WorkspaceError
from core.types.aliases import stored_name
from core.utils.atomic_io import write_text


def to_json(value: Any) -> Any:
    """`value` as JSON types: dataclasses become objects, tuples lists, NaN null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {stored_name(f): to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_json(kind: Any, value: Any) -> Any:
    """The inverse of `to_json` for the annotated type `kind`; unknown fields of a newer writer are ignored."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else from_json(next(a for a in args if a is not type(None)), value)
    if origin is tuple:
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        return tuple(from_json(k, v) for k, v in zip(kinds, value, strict=True))
    if origin is dict:
        return {key: from_json(args[1], item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(
            **{
                f.name: from_json(hints[f.name], value[stored_name(f)])
                for f in dataclasses.fields(kind)
                if stored_name(f) in value
            }
        )  # type: ignore[operator]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if kind is float:
        return math.nan if value is None else float(value)
    return value


def write_json(path: Path, value: Any) -> None:
    """Write `value` (dataclass, dict, list) as readable JSON."""
    write_text(path, json.dumps(to_json(value), indent=1, ensure_ascii=False) + "\n")


def read_json(path: Path, kind: Any = None) -> Any:
    """Read what `write_json` wrote, as `kind` where one is given."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return value if kind is None else from_json(kind, value)
    except FileNotFoundError:
        raise WorkspaceError(f"{path} is not there: check the id and the workspace folder.") from None
    except (ValueError, TypeError) as error:
        raise WorkspaceError(f"{path} is damaged ({error}): restore it or make it anew.") from None


def read_json_lines(path: Path, kind: type) -> list:
    """Read JSON lines as dataclasses of `kind`."""
    if not path.is_file():
        raise WorkspaceError(f"{path} is not there: run `prepare` again.")
    try:
        with path.open(encoding="utf-8") as lines:
            return [from_json(kind, json.loads(line)) for line in lines if line.strip()]
    except (ValueError, TypeError) as error:
        raise WorkspaceError(f"{path} is damaged ({error}): restore it or run `prepare` again.") from None


def write_json_lines(path: Path, values: Iterable) -> None:
    """Write dataclasses as JSON lines."""
    write_text(path, "".join(json.dumps(to_json(value), ensure_ascii=False) + "\n" for value in values))
