"""Ways to read a text: as it stands, and without what programs put around its characters."""

import html
import quopri
import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))")
QUERY = re.compile(r"=[^\s\"'<>]+")  # fields of a form in an address: a plus is a blank there
LONG_CODE = re.compile(r"&#0*(\d*)")  # Python reads no number of over 4300 digits; one of eight is no character
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # and other orders to a terminal


def readings(text: str) -> Iterator[str]:
    """A text as it stands, and without the escapes of JSON, HTML, addresses, CSV, SQL, mail and terminals."""
    yield from forms(text)
    if "\\" in text:
        pairs = ESCAPE.sub(_unescaped, text)  # of surrogates, where a character has two escapes
        yield pairs.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if "&" in text:
        yield html.unescape(LONG_CODE.sub(lambda found: f"&#{found[1][:8]}", text))
    if "%" in text:
        yield unquote(text)
    if "+" in text and "=" in text:
        yield QUERY.sub(lambda found: unquote_plus(found[0]), text)
    if "\x1b" in text:
        yield COLOUR.sub("", text)
    if "quoted-printable" in text.casefold():
        yield quopri.decodestring(text.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
    for quote in "\"'":  # each alone, as a file escapes one of them
        if 2 * quote in text:
            yield text.replace(2 * quote, quote)


def forms(text: str) -> set[str]:
    """A text as it stands, and with its accents stored in either way."""
    return {text} if text.isascii() else {text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD"))}


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else CONTROLS.get(found[3], found[3])
