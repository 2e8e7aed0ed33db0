"""Imports of optional libraries, with an error message that names the extra to install."""

from importlib import import_module
from typing import Any

from core.errors import RunError
from core.utils.commands import install_line


def library(name: str, extra: str, otherwise: str = "") -> Any:
    """Import an optional library.

    Args:
        name: Name of the module.
        extra: Extra of this package that installs it.
        otherwise: An alternative, appended to the error message.

    Raises:
        RunError: The library is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise RunError(f"{name} is not installed: {install_line(extra)}{otherwise}.") from None
