"""Dataclasses with arrays to JSON values and back, to the bit.

An array is an object of its dtype, its shape such as "37x2", and its values in row-major order. Numbers that JSON lacks
are the words "nan", "inf" and "-inf". The types of the fields decide how a value is read.
"""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

WORDS = ("nan", "inf", "-inf")  # as `float` reads them


def to_plain(value: Any) -> Any:
    """Convert dataclasses, arrays, mappings, sets and tuples to JSON values."""
    if isinstance(value, np.ndarray):
        kind = "str" if value.dtype.kind == "U" else value.dtype.str
        return {"dtype": kind, "shape": "x".join(map(str, value.shape)), "values": to_plain(value.ravel().tolist())}
    if is_dataclass(value):
        return {one.name: to_plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(one) for key, one in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [to_plain(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def from_plain(kind: Any, value: Any) -> Any:
    """Convert JSON values to a type: the inverse of `to_plain`.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: The values do not fit.
    """
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return _of_union(inner, value)
    if origin in (tuple, frozenset):
        return origin(from_plain(inner[0], one) for one in value)
    if issubclass(origin, Mapping):
        return {inner[0](key): from_plain(inner[1], one) for key, one in value.items()}
    return _of_class(origin, value)


def _of_class(kind: Any, value: Any) -> Any:
    if kind is np.ndarray:
        return np.array(value["values"], value["dtype"]).reshape([int(one) for one in value["shape"].split("x")])
    if is_dataclass(kind):
        hints, make = get_type_hints(kind), cast(Any, kind)
        return make(**{one.name: from_plain(hints[one.name], value[one.name]) for one in fields(kind)})
    if kind is float or issubclass(kind, Enum):
        return kind(value)
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is not {kind.__name__}")
    return value


def _of_union(kinds: tuple[Any, ...], value: Any) -> Any:
    """A value of `X | None`, or of several primitives, whose JSON types tell them apart."""
    if value is None and NoneType in kinds:
        return None
    first = kinds[0]
    if is_dataclass(first) or first is float:
        return from_plain(first, value)
    return float(value) if value in WORDS and float in kinds else value
