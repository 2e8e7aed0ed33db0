"""Dataclasses to JSON files and back, with validation.

The types of the fields decide how a value is read:

1. Primitives are strict: `"5"` is not a number and `true` is not 1. A whole number is accepted for a `float`.
2. JSON has no NaN and no infinity: both are written as `null`, and `null` is read as NaN where a `float` is expected.
3. A tuple is a list in JSON, an enum is its value, and a field may have another name in files (`core.types.aliases`).
4. A missing field takes its default. An unknown field, which a newer version wrote, is ignored.

A value that does not fit raises one DamagedError that names the file, the field and the expected type. The message
names the type of a wrong value and not the value, which may be personal data; only an unknown enum value is quoted.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, overload

from core.errors import DamagedError, WorkspaceError
from core.utils.atomic_io import write_bytes, write_text
from core.utils.json_converter import structure, unstructure
from core.utils.regular_files import regular_file

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """Convert a value to JSON types: dataclasses and dicts become dicts, tuples become lists, NaN and infinity None."""
    return unstructure(value)


@overload
def from_json(kind: type[T], value: Any, origin: object = None) -> T: ...
@overload
def from_json(kind: Any, value: Any, origin: object = None) -> Any: ...
def from_json(kind: Any, value: Any, origin: object = None) -> Any:
    """Convert JSON types to the annotated type `kind`: the inverse of `to_json`.

    Args:
        kind: The type.
        value: The JSON types.
        origin: Where the value comes from, for the error message: a file, or an entry of a file.

    Raises:
        DamagedError: A value has the wrong type, or a field without a default is missing.
    """
    try:
        return structure(kind, value)
    except ValueError as error:
        raise _damaged(origin or f"A stored {getattr(kind, '__name__', 'value')}", error) from None


@overload
def parse_json(text: str | bytes, kind: type[T], origin: object) -> T: ...
@overload
def parse_json(text: str | bytes, kind: Any, origin: object) -> Any: ...
def parse_json(text: str | bytes, kind: Any, origin: object) -> Any:
    """The value of a JSON text.

    Args:
        text: The text, in UTF-8.
        kind: The type of the value; None returns plain JSON types without validation.
        origin: Where the text comes from, as in `from_json`.

    Raises:
        DamagedError: The text is not JSON, or does not fit `kind`.
    """
    try:
        # Not all that a database calls text is text.
        value = json.loads(text.decode("utf-8") if isinstance(text, bytes) else structure(str, text))
        return value if kind is None else structure(kind, value)
    except (ValueError, RecursionError) as error:
        raise _damaged(origin, error) from None


def sorted_json(value: Any) -> str:
    """A value as JSON whose keys are sorted, so that equal values give equal texts, for digests and marks."""
    return json.dumps(to_json(value), sort_keys=True)


def _damaged(origin: object, error: Exception) -> DamagedError:
    return DamagedError(f"{origin} is damaged ({error}): restore it or create it again.")


def write_json(path: Path, value: Any) -> bytes:
    """Write `value` (dataclass, dict, list) as indented JSON; return what was written, for its digest."""
    content = (json.dumps(to_json(value), indent=1, ensure_ascii=False) + "\n").encode("utf-8")
    write_bytes(path, content)
    return content


@overload
def read_json(path: Path, kind: type[T]) -> T: ...
@overload
def read_json(path: Path, kind: Any = None) -> Any: ...
def read_json(path: Path, kind: Any = None) -> Any:
    """Read a JSON file.

    Args:
        path: The file.
        kind: The type of its content; None returns plain JSON types without validation.

    Raises:
        WorkspaceError: The file is missing.
        DamagedError: The file cannot be read, is not JSON, or does not fit `kind`.
    """
    return parse_json(read_file(path), kind, path)


def read_file(path: Path) -> bytes:
    """The content of a regular file. Raises WorkspaceError."""
    with regular_file(path) as file:
        return file.read()


def read_json_lines(path: Path, kind: type[T]) -> list[T]:
    """Read a file with one JSON object of type `kind` a line; empty lines are skipped.

    Raises:
        WorkspaceError: The file is missing.
        DamagedError: A line is not JSON or does not fit `kind`.
    """
    if not path.is_file():
        raise WorkspaceError(f"{path} is not there: run `prepare` again.")
    with path.open("rb") as lines:
        return parse_json_lines(str(path), lines, kind)


def parse_json_lines(name: str, lines: Iterable[bytes], kind: type[T]) -> list[T]:
    """The values of JSON lines; empty lines are skipped.

    Args:
        name: Name of the lines' file, for the error message.
        lines: The lines, in UTF-8.
        kind: The type of a value.

    Raises:
        DamagedError: A line is not JSON or does not fit `kind`.
    """
    values: list[T] = []
    number = 0
    try:
        for line in lines:
            number += 1
            if text := line.decode("utf-8").strip():
                values.append(structure(kind, json.loads(text)))
    except (ValueError, RecursionError) as error:
        flaw = f"line {number}: {error}"
        raise DamagedError(f"{name} is damaged ({flaw}): restore it or run `prepare` again.") from None
    return values


def write_json_lines(path: Path, values: Iterable[Any]) -> None:
    """Write one JSON object a line."""
    write_text(path, "".join(json.dumps(to_json(value), ensure_ascii=False) + "\n" for value in values))
