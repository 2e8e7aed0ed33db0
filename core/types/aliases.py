"""Fields whose name in files differs from their name in code, so that files of older versions stay readable."""

from dataclasses import Field
from typing import Any

STORED_AS = "stored_as"


def stored_as(name: str) -> dict[str, str]:
    """Metadata of a dataclass field that is called `name` in JSON, in SQLite columns and in hashed text."""
    return {STORED_AS: name}


def stored_name(one: "Field[Any]") -> str:
    """The name of a dataclass field in files."""
    return str(one.metadata.get(STORED_AS, one.name))
