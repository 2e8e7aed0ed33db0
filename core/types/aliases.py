"""Field aliases: a dataclass field may have another name in files, so that files of older versions stay readable."""

from dataclasses import Field
from typing import Any

STORED_AS = "stored_as"


def stored_as(name: str) -> dict[str, str]:
    """Metadata for a dataclass field that is stored as `name` in JSON, in SQLite columns and in hashed text."""
    return {STORED_AS: name}


def stored_name(field: "Field[Any]") -> str:
    """Return the name of a dataclass field in files."""
    return str(field.metadata.get(STORED_AS, field.name))
