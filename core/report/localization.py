"""Texts in Project Fluent's format (FTL), with a translation that may replace any of them.

English texts are in `core/report/locale/en.ftl` (checks) and `dashboard/locale/en.ftl` (pages). A translator
writes one file, for example `de.ftl`, with any messages of both. The environment variable
CURE_LENS_TRANSLATION names that file; messages that it lacks stay English.

The library fluent.runtime is imported when the first text is made, so that a machine without it can run
everything except the making of texts.
"""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import RunError

if TYPE_CHECKING:
    from fluent.runtime import FluentBundle

TRANSLATION = "CURE_LENS_TRANSLATION"
LONGEST = 10**6  # characters of a value; the library's own limit of 2,500 would cut escaped text
Value = str | int | float


class Locale:
    """Messages of one or more FTL files; a later file replaces messages of an earlier one."""

    def __init__(self, *files: Path) -> None:
        """Read the files.

        Args:
            *files: FTL files. The name of the last one, without its suffix, is the language ("de.ftl").

        Raises:
            RunError: A file is missing or the library is not installed.
            ValueError: A file is not valid FTL.
        """
        self._bundle = _bundle(files)

    def __contains__(self, name: str) -> bool:
        """Return whether there is a message of this name."""
        return bool(self._bundle.has_message(name))

    def text(self, name: str, /, **values: Value) -> str:
        """Return a message with its values filled in.

        Raises:
            KeyError: There is no message of this name.
            ValueError: A value is missing.
        """
        if name not in self or (pattern := self._bundle.get_message(name).value) is None:
            raise KeyError(name)
        found, errors = self._bundle.format_pattern(pattern, values)
        if errors:
            raise ValueError(f"Text {name!r}: {errors[0]}.")
        return str(found)


def locale(*english: Path) -> Locale:
    """Return the locale of these English files and of the translation that CURE_LENS_TRANSLATION names, if any."""
    translation = os.environ.get(TRANSLATION)
    return _read(*english, *([Path(translation)] if translation else []))


def text_id(*codes: str) -> str:
    """Return the name of a message from codes: "check" and "answer_mass" give "check-answer-mass"."""
    return "-".join(word for code in codes for word in code.split("_") if word)


def can_make_texts() -> bool:
    """Return whether fluent.runtime is installed."""
    try:
        return find_spec("fluent.runtime") is not None
    except ModuleNotFoundError:  # the parent package is missing
        return False


@cache
def _read(*files: Path) -> Locale:
    return Locale(*files)


def _bundle(files: tuple[Path, ...]) -> "FluentBundle":
    try:
        from fluent.runtime import FluentBundle, FluentResource, resolver  # may be missing, see above
        from fluent.runtime.types import fluent_number  # fluent.runtime is missing on machines that only train
        from fluent.syntax.ast import Junk  # as above
    except ImportError:
        raise RunError(
            "fluent.runtime is not installed, which makes texts: run `pip install fluent.runtime`."
        ) from None
    resolver.MAX_PART_LENGTH = LONGEST

    def number(value: Any, **options: Any) -> Any:
        """NUMBER of Fluent, which also accepts a text in place of a number that could not be measured."""
        return value if isinstance(value, str) else fluent_number(value, **options)

    bundle = FluentBundle([files[-1].stem, "en"], functions={"NUMBER": number}, use_isolating=False)
    for file in files:
        resource = FluentResource(_content(file))
        if junk := next((entry for entry in resource.body if isinstance(entry, Junk)), None):
            raise ValueError(f"{file.name} is not valid FTL near {(junk.content or '')[:80]!r}.")
        bundle.add_resource(resource, allow_overrides=True)
    return bundle


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise RunError(f"{file} cannot be read ({error.strerror}): correct {TRANSLATION} or unset it.") from None
