"""The cattrs converter behind `core.utils.serialization`: strict hooks for each kind of type, and readable errors.

cattrs generates a function for each dataclass and attaches the path of a field to each error. This module adds:

1. A check of the JSON type before each conversion, because cattrs converts by itself (`int("5")`, `tuple("abc")`).
2. The names of fields in files (`core.types.aliases`).
3. One phrase for the first error, e.g. "field spans[3][0] must be a whole number, not text".
"""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum, IntEnum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from cattrs import BaseValidationError, ClassValidationError, Converter, IterableValidationError
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory, mapping_structure_factory
from cattrs.gen import make_dict_structure_fn, make_hetero_tuple_structure_fn, override

from core.types.aliases import stored_name
from core.types.times import IsoTime

Hook = Callable[[Any, Any], Any]  # (JSON value, type) -> value of that type
Factory = Callable[[Any, Converter], Hook]
Predicate = Callable[[Any], bool]
PHRASES = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    NoneType: "null",
    IsoTime: "a time with a zone",
}


class WrongTypeError(ValueError):
    """A JSON value does not have the expected type; the message reads "a number, not text"."""

    def __init__(self, kind: Any, value: Any) -> None:
        super().__init__(f"{_expected(kind)}, not {_found(kind, value)}")


def structure(kind: Any, value: Any) -> Any:
    """Convert JSON types to the type `kind`.

    Raises:
        ValueError: The value does not fit; the message describes the first error.
    """
    try:
        return _CONVERTER.structure(value, kind)
    except (BaseValidationError, ValueError, TypeError, OverflowError) as error:
        raise ValueError(_describe(error)) from None


def unstructure(value: Any) -> Any:
    """Convert a value to JSON types by its class at run time, so that fields of subclasses are kept."""
    return _CONVERTER.unstructure(value)


def _describe(error: Exception, path: str = "", kind: Any = None) -> str:
    """Describe the first error of a tree; `path` and `kind` are those of the field that the tree belongs to."""
    if isinstance(error, ClassValidationError):
        for inner, field in error.group_exceptions()[0]:
            return _describe(inner, f"{path}.{_stored_names(error.cl)[field.name]}", field.type)
    if isinstance(error, IterableValidationError):
        for inner, entry in error.group_exceptions()[0]:
            return _describe(inner, f"{path}[{entry.index!r}]", entry.type)
    if isinstance(error, BaseValidationError):
        return _describe(error.exceptions[0], path)
    label = f"field {path.removeprefix('.')}" if path else "its content"
    if isinstance(error, KeyError) and kind is not None:
        return f"{label} is missing and must be {_expected(kind)}"
    return f"{label} must be {error}" if isinstance(error, WrongTypeError) else f"{label}: {error}"


def _expected(kind: Any) -> str:
    """Name a type in a message, e.g. "a list of 2 entries"."""
    if _is_union(kind):
        return " or ".join(_expected(arg) for arg in get_args(kind))
    if _is_enum(kind):
        return f"one of {', '.join(str(member.value) for member in kind)}"
    if _is_fixed_tuple(kind):
        return f"a list of {len(get_args(kind))} entries"
    if kind is Any:
        return "any value"
    return "a list" if _is_sequence(kind) else PHRASES.get(kind, "an object")


def _found(kind: Any, value: Any) -> str:
    """Name the type of a JSON value in a message; only where an enum was expected, quote the value."""
    if _is_enum(kind) and isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, list | tuple):
        return f"a list of {len(value)} entries"
    return "a decimal number" if isinstance(value, float) else PHRASES.get(type(value), "an object")


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, UnionType)


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _is_mapping(kind: Any) -> bool:
    return (get_origin(kind) or kind) is dict


def _is_list(kind: Any) -> bool:
    return (get_origin(kind) or kind) is list


def _is_tuple(kind: Any) -> bool:
    return (get_origin(kind) or kind) is tuple


def _is_fixed_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple and Ellipsis not in get_args(kind)


def _is_sequence(kind: Any) -> bool:
    return _is_list(kind) or _is_tuple(kind)


def _is_class_of(*bases: type) -> Predicate:
    """A predicate for the classes of values: whether a class is one of `bases` or a subclass."""
    return lambda kind: isinstance(kind, type) and issubclass(kind, bases)


@cache
def _stored_names(kind: type) -> dict[str, str]:
    """The name in files of each field of a dataclass."""
    return {field.name: stored_name(field) for field in fields(kind)}


def _read_exactly(kind: type) -> Hook:
    """A hook that accepts values of one primitive type; `bool` is a subclass of `int` and is no number here."""

    def hook(value: Any, _: Any) -> Any:
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        raise WrongTypeError(kind, value)

    return hook


def _read_text(value: Any, _: Any) -> str:
    """Read text. JSON can name half of a character (an unpaired surrogate), which UTF-8 cannot store."""
    if not isinstance(value, str):
        raise WrongTypeError(str, value)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("half a character is no text") from None
    return value


def _read_time(value: Any, _: Any) -> str:
    """Read a time with its zone, or "": others cannot be compared with the time now."""
    text = _read_text(value, str)
    with suppress(ValueError):
        if not text or datetime.fromisoformat(text).tzinfo:
            return text
    raise ValueError("it is no time with a zone, such as 2026-01-31T12:00:00+00:00")


def _read_float(value: Any, _: Any) -> float:
    if isinstance(value, float):
        return value
    if value is None:
        return math.nan
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    raise WrongTypeError(float, value)


PRIMITIVES = {str: _read_text, bool: _read_exactly(bool), int: _read_exactly(int), float: _read_float}


def _read_enum(value: Any, kind: type[Enum]) -> Enum:
    try:
        return kind(value)
    except (ValueError, TypeError):
        raise WrongTypeError(kind, value) from None


def _guarded(json_type: type | tuple[type, ...], factory: Factory) -> Factory:
    """A factory whose hooks check the JSON type, and the length of a fixed tuple, before they convert."""

    def guarded_factory(kind: Any, converter: Converter) -> Hook:
        convert = factory(kind, converter)
        length = len(get_args(kind)) if _is_fixed_tuple(kind) else None

        def hook(value: Any, _: Any) -> Any:
            fits = isinstance(value, json_type)
            if not fits or (length is not None and len(value) != length):
                raise WrongTypeError(kind, value)
            return convert(value, kind)

        return hook

    return guarded_factory


def _dataclass_factory(kind: Any, converter: Converter) -> Hook:
    names: dict[str, Any] = {
        name: override(rename=stored) for name, stored in _stored_names(kind).items() if name != stored
    }
    return make_dict_structure_fn(kind, converter, **names)


def _union_factory(kind: Any, converter: Converter) -> Hook:
    """The hook of `X | None`, or of a union of primitives, whose types are tried in their order."""
    kinds = [arg for arg in get_args(kind) if arg is not NoneType]
    hooks = [(arg, converter.get_structure_hook(arg)) for arg in kinds]
    nullable = len(kinds) < len(get_args(kind))

    def hook(value: Any, _: Any) -> Any:
        if value is None and nullable:
            return None
        if len(hooks) == 1:  # keep the path inside of a nested dataclass
            return hooks[0][1](value, hooks[0][0])
        for arg, convert in hooks:
            with suppress(WrongTypeError):
                return convert(value, arg)
        raise WrongTypeError(kind, value)

    return hook


def _write_dataclass(value: Any) -> dict[str, Any]:
    return {stored: unstructure(getattr(value, name)) for name, stored in _stored_names(value.__class__).items()}


def _write_list(values: Any) -> list[Any]:
    return [unstructure(value) for value in values]


def _write_dict(values: Any) -> dict[str, Any]:
    return {str(key): unstructure(value) for key, value in values.items()}


def _make_converter() -> Converter:
    """Register the hooks; of two hooks that match, cattrs takes the later one."""
    converter = Converter(detailed_validation=True)
    for kind, hook in PRIMITIVES.items():
        converter.register_structure_hook(kind, hook)
    for kind in (StrEnum, IntEnum, Enum):  # each by name: a StrEnum is also a `str`, whose hook would be taken
        converter.register_structure_hook(kind, _read_enum)
    factories: tuple[tuple[Predicate, type | tuple[type, ...], Factory], ...] = (
        (_is_list, (list, tuple), list_structure_factory),
        (_is_tuple, (list, tuple), homogenous_tuple_structure_factory),
        (_is_fixed_tuple, (list, tuple), make_hetero_tuple_structure_fn),
        (_is_mapping, dict, mapping_structure_factory),
        (is_dataclass, dict, _dataclass_factory),
    )
    for predicate, json_type, factory in factories:
        converter.register_structure_hook_factory(predicate, _guarded(json_type, factory))
    converter.register_structure_hook_factory(_is_union, _union_factory)
    converter.register_structure_hook_func(lambda kind: kind is IsoTime, _read_time)

    converter.register_unstructure_hook(float, lambda value: value if math.isfinite(value) else None)
    converter.register_unstructure_hook_func(_is_enum, lambda value: value)
    converter.register_unstructure_hook_func(is_dataclass, _write_dataclass)
    converter.register_unstructure_hook_func(_is_class_of(list, tuple), _write_list)
    converter.register_unstructure_hook_func(_is_class_of(dict), _write_dict)
    return converter


_CONVERTER = _make_converter()
