"""Texts of the pages, by name.

English is in `locale/en.ftl` (Project Fluent). A translator writes one file with any of these messages and of
those in `core/report/locale/en.ftl`; see `core.report.localization`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from core.report.localization import locale

ENGLISH = Path(__file__).parents[1] / "locale/en.ftl"
Key = TypeVar("Key")
Value = TypeVar("Value", str, tuple[str, str])


def t(name: str, /, **values: str | int | float) -> str:
    """Return the text called `name` with its values filled in.

    Values must be escaped where the text is shown as Markdown.

    Raises:
        KeyError: The name is not in locale/en.ftl.
        ValueError: A value is missing.
    """
    return locale(ENGLISH).text(name, **values)


class Texts(Mapping[Key, Value]):
    """Texts by key, given as names (one or a pair for each key).

    Each text is looked up when it is read, so that an import does not fix the language.
    """

    def __init__(self, names: dict[Key, Value]) -> None:
        """Keep the names.

        Args:
            names: Name of the text, or a pair of names, for each key.
        """
        self._names: dict[Key, Value] = names

    def __getitem__(self, key: Key) -> Value:
        """Return the text or the pair of texts."""
        names = self._names[key]
        return t(names) if isinstance(names, str) else (t(names[0]), t(names[1]))

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the keys."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._names)
