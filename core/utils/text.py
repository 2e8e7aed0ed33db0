"""Text without invisible characters, for terminals, pages and reports."""

import unicodedata

JOINERS = "\u200c\u200d"  # invisible, but part of emoji and of several alphabets


def visible(text: str) -> str:
    """Return `text` without invisible and direction-changing characters; other unprintable characters become spaces."""
    return "".join(
        char if char.isprintable() or char in JOINERS else "" if unicodedata.category(char) == "Cf" else " "
        for char in text
    )


def one_line(text: str) -> str:
    """Return what is visible of `text` in one line, with single blanks."""
    return " ".join(visible(text).split())
