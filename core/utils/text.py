"""Text without invisible characters, for terminals, pages and reports."""

import json
import re
import unicodedata

JOINERS = "\u200c\u200d"  # invisible, but part of emoji and of several alphabets
# Invisible characters that are printable by the rules of Unicode: joiners, fillers and variation selectors.
JOINERS_AND_SELECTORS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200c\u200d\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def escaped(text: str) -> str:
    """Return `text` with invisible characters as JSON escapes; a backslash in it must be escaped already."""
    hidden = (not char.isprintable() or JOINERS_AND_SELECTORS.match(char) for char in text)
    return "".join(json.dumps(char)[1:-1] if is_hidden else char for char, is_hidden in zip(text, hidden, strict=True))


def visible(text: str) -> str:
    """Return `text` without invisible and direction-changing characters; other unprintable characters become spaces."""
    return "".join(
        char if char.isprintable() or char in JOINERS else "" if unicodedata.category(char) == "Cf" else " "
        for char in text
    )


def one_line(text: str) -> str:
    """Return what is visible of `text` in one line, with single blanks."""
    return " ".join(visible(text).split())
