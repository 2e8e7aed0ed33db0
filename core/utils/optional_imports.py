"""Libraries that only some users want: imported where they are used, and missed in one sentence."""

from importlib import import_module
from typing import Any

from core.errors import RunError


def library(name: str, extra: str, otherwise: str = "") -> Any:
    """An optional library. Raises RunError where it is not installed, with what to do: install it with our `extra`, or else."""
    try:
        return import_module(name)
    except ImportError:
        raise RunError(f"{name} is not installed: pip install 'cure-lens[{extra}]'{otherwise}.") from None
