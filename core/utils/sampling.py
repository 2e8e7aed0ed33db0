"""Deterministic subsets of a list."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly_spaced(values: Sequence[T], count: int) -> list[T]:
    """Return at most `count` values, at evenly spaced positions and in their order."""
    if len(values) <= count:
        return list(values)
    return [values[i * len(values) // count] for i in range(count)]
