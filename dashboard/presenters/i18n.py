"""What the pages say, by name. All English is in locale/en.ftl; a translator adds one file beside it (Project Fluent)."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from fluent.runtime import FluentBundle, FluentResource, resolver
from fluent.syntax.ast import Junk

ENGLISH = Path(__file__).parents[1] / "locale/en.ftl"
LONGEST = 10**6  # characters of a value; cutting escaped text would set it free, and the library refuses above 2,500
Key = TypeVar("Key")
Value = TypeVar("Value", str, tuple[str, str])


def t(name: str, /, **values: str | int | float) -> str:
    """The text called `name` with its values filled in, which must be escaped where the text is shown as Markdown.

    Raises KeyError for a name that is not in locale/en.ftl, ValueError for a value that is missing.
    """
    pattern = _bundle().get_message(name).value
    if pattern is None:
        raise KeyError(name)
    found, errors = _bundle().format_pattern(pattern, values)
    if errors:
        raise ValueError(f"Text {name!r}: {errors[0]}.")
    return str(found)


class Texts(Mapping[Key, Value]):
    """Texts by key, given as names (one or a pair a key), each read when it is asked for: no import freezes a language."""

    def __init__(self, names: dict[Key, Value]) -> None:
        self._names: dict[Key, Value] = names

    def __getitem__(self, key: Key) -> Value:
        names = self._names[key]
        return cast(Value, t(names) if isinstance(names, str) else (t(names[0]), t(names[1])))

    def __iter__(self) -> Iterator[Key]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def _bundle() -> FluentBundle:
    resolver.MAX_PART_LENGTH = LONGEST
    bundle = FluentBundle(["en"], use_isolating=False)
    resource = FluentResource(ENGLISH.read_text(encoding="utf-8"))
    if junk := next((entry for entry in resource.body if isinstance(entry, Junk)), None):
        raise ValueError(f"{ENGLISH.name} cannot be read here: {(junk.content or '')[:80]!r}.")
    bundle.add_resource(resource)
    return bundle
