"""What the pages say, by name. All English is in english.ftl; a translator adds one file beside it (Project Fluent)."""

from functools import cache
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax.ast import Junk

ENGLISH = Path(__file__).parent / "english.ftl"


def t(name: str, /, **values: str | int | float) -> str:
    """The text called `name` with its values filled in, which must be escaped where the text is shown as Markdown.

    Raises KeyError for a name that is not in english.ftl, ValueError for a value that is missing.
    """
    pattern = _bundle().get_message(name).value
    assert pattern is not None
    found, errors = _bundle().format_pattern(pattern, values)
    if errors:
        raise ValueError(f"Text {name!r}: {errors[0]}.")
    return str(found)


@cache
def _bundle() -> FluentBundle:
    bundle = FluentBundle(["en"], use_isolating=False)
    resource = FluentResource(ENGLISH.read_text(encoding="utf-8"))
    if junk := next((entry for entry in resource.body if isinstance(entry, Junk)), None):
        raise ValueError(f"{ENGLISH.name} cannot be read here: {(junk.content or '')[:80]!r}.")
    bundle.add_resource(resource)
    return bundle
