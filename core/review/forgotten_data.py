"""Forgotten data as tests on text and on bytes: user ids, rows, and titles of forgotten rows.

The ids are known until a destruction is signed. Later, only the pseudonym of a word can be compared, so an id with
blanks is then found as a whole value, cell or line, and not in the middle of a sentence.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from core.data.interaction_store import InteractionStore
from core.review.key_names import numbers_of_users
from core.review.text_readings import forms, readings
from core.types import Interaction, Item, Request

MIN_TITLE_LENGTH = 8  # letters; a shorter title inside a text may be a coincidence
MIN_TEXT, MIN_BYTES = 6, 4
TEXT_IN_BYTES = re.compile(rf"[^\x00-\x08\x0e-\x1f\x7f\ufffd]{{{MIN_TEXT},}}")
LONGEST_ID = 200  # characters; what is longer is compared with no pseudonym
WORD = re.compile(r"[\w\u0300-\u036f-]+")  # accents may be stored as signs of their own
PLAIN = re.compile(r"[A-Za-z0-9_-]+")  # an id that WORD finds and that every way of writing text leaves as it is
TOKEN = re.compile(r"[^\s\x00-\x1f\ufffd,;:|\"'`()\[\]{}<>=/\\]+")  # an e-mail address is one
LONG_TOKEN = re.compile(r"\S+")  # with signs inside, as in "a|b" or "a:b"
AROUND = ".,;:!?\"'`()[]{}<>"  # signs around a word, not of it
# Numbers are everywhere, so a bare number counts as a user only after the word "user", and as a row only before an
# item.
ZERO_FRACTION = re.compile(r"(?<=\d)[.]0+\Z")  # columns with missing values store 4711 as 4711.0
BARE_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
CELL = re.compile(r"::|[,;\t|]")
NUMBERS = re.compile(r"[\d.+\s-]+")  # a row that consists of numbers only
NEXT = 8  # cells after a user's that may be the item
# What may not stand before and after a word in bytes: another letter, digit, - or _, whole or cut by the file's ends.
WORD_IN_BYTES = {
    "utf-8": (rb"(?<![\w-])", rb"(?![\w-])"),
    "cp1252": (rb"(?<![\w-])", rb"(?![\w-])"),
    "utf-16-le": (rb"(?<![\w-]\0)", rb"(?![\w-](\0|\Z))"),
    "utf-16-be": (rb"(?<!\0[\w-])(?<!\A[\w-])", rb"(?!\0[\w-])"),
    "utf-32-le": (rb"(?<![\w-]\0\0\0)", rb"(?![\w-](\0|\Z))"),
    "utf-32-be": (rb"(?<!\0\0\0[\w-])(?<!\A[\w-])", rb"(?!\0\0\0[\w-])"),
}


@dataclass(frozen=True)
class ForgottenData:
    """Tests for forgotten data.

    Attributes:
        is_forgotten_user: Whether a word is the id of a forgotten user.
        is_row: Whether a user and an item are a forgotten row.
        titles: Titles of forgotten rows; empty where they are no longer known.
        phrases: Titles that are long enough to be searched inside a text, in lower case, one blank between words.
        ids: Ids of forgotten users that are no bare numbers; empty where they are no longer known.
        only_ascii: Whether every id is known to be ASCII, which nearly all encodings of text leave as it is.
    """

    is_forgotten_user: Callable[[str], bool]
    is_row: Callable[[str, str], bool]
    titles: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    only_ascii: bool = False

    def shows(self, text: str) -> bool:
        """Whether a text names a forgotten user, row or title, as it stands or escaped."""
        return any(map(self._reads, {*readings(text)}))

    def _reads(self, text: str) -> bool:
        joined = " ".join(text.split())  # with no line ends, and one blank between words
        if text in self.titles or any(map(self.is_forgotten_user, _words(text, joined))):
            return True
        if any(_stands_in(text, one) for one in self._odd_ids):
            return True
        for line in text.split("\n"):
            for cells in _ways_to_split(line):
                if any(self.is_row(*pair) or self._is_row_of_fractions(*pair) for pair in pairs(cells)):
                    return True
                if not self.ids and any(map(self._is_user_with_signs, (line.strip(), *cells))):
                    return True
        folded = joined.casefold() if len(text) >= MIN_TITLE_LENGTH else ""
        return any(phrase in folded for phrase in self.phrases)

    def _is_row_of_fractions(self, *cells: str) -> bool:
        """Whether two decimals that are whole numbers, as columns with missing values store ids, are a row."""
        if any(".0" not in cell for cell in cells):
            return False
        user, item = (ZERO_FRACTION.sub("", cell) for cell in cells)
        return user != cells[0] and item != cells[1] and self.is_row(user, item)

    def _is_user_with_signs(self, cell: str) -> bool:
        is_word = len(cell) > LONGEST_ID or PLAIN.fullmatch(cell) or _stands_anywhere(cell)
        return not is_word and self.is_forgotten_user(cell)

    def shows_bytes(self, content: bytes) -> bool:
        """Whether bytes of a format that nobody knows name a forgotten user, row or title, in any encoding.

        Fewer than MIN_TEXT characters between other bytes are chance, as is an id of fewer than MIN_BYTES: two bytes
        of a checksum read like an id.
        """
        if not content.strip(b"\0"):
            return False
        both = {content, content.replace(b"\0", b"")}  # without zeros, UTF-16 and UTF-32 read like ASCII
        if any(self.shows("\n".join(TEXT_IN_BYTES.findall(one.decode("utf-8", "replace")))) for one in both):
            return True
        return any(part in content and word.search(content) for part, word in self._patterns)

    def only_long_ids(self, length: int) -> "ForgottenData":
        """The same users where their ids have this length, and letters besides digits or signs; no rows, no titles.

        For files full of words that are nobody's: a shorter id, or one of letters only, stands there by chance.
        """

        def is_forgotten_user(word: str) -> bool:
            return _is_long(word, length) and self.is_forgotten_user(word)

        ids = tuple(one for one in self.ids if _is_long(one, length))
        return ForgottenData(is_forgotten_user, lambda *_: False, ids=ids, only_ascii=self.only_ascii)

    def without_titles_of_one_word(self) -> "ForgottenData":
        """The same, but for titles of one word."""
        titles = frozenset(one for one in self.titles if not WORD.fullmatch(one))
        return replace(self, titles=titles, phrases=tuple(one for one in self.phrases if not WORD.fullmatch(one)))

    @cached_property
    def _odd_ids(self) -> tuple[str, ...]:
        """Ids that are no plain words, with their accents stored in either way."""
        odd = [one for one in self.ids if not PLAIN.fullmatch(one)]
        return tuple({*chain.from_iterable(map(forms, odd))})

    @cached_property
    def _patterns(self) -> tuple[tuple[bytes, re.Pattern[bytes]], ...]:
        """Each id in each encoding: its bytes, and these bytes as a word."""
        spellings = {*self.ids, *self._odd_ids}
        found = chain.from_iterable(_in_bytes(one) for one in spellings)
        return tuple((part, word) for part, word in found if len(part) >= MIN_BYTES)


def forgotten_data_of(request: Request, rows: Iterable[Interaction], items: Mapping[str, Item]) -> ForgottenData:
    """Tests for the data of a request that is still known, with its rows and titles."""
    users, pairs = frozenset(request.users), {(one.user, one.item) for one in rows}
    titles = frozenset(items[item].title for _, item in pairs if item in items)
    ids = tuple(one for one in request.users if not _stands_anywhere(one))
    only_ascii = all(map(str.isascii, chain(users, *pairs)))
    return ForgottenData(
        users.__contains__, lambda user, item: (user, item) in pairs, titles, _phrases(titles), ids, only_ascii
    )


def data_of_everybody(interactions: InteractionStore, items: Mapping[str, Item]) -> ForgottenData:
    """Tests for the data of all users with an interaction."""
    titles = frozenset(items[item].title for item in interactions.items() if item in items)
    users = interactions.users()
    ids = tuple(one for one in users if not _stands_anywhere(one))
    return ForgottenData(frozenset(users).__contains__, interactions.holds, titles, _phrases(titles), ids)


def _phrases(titles: Iterable[str]) -> tuple[str, ...]:
    found = (form for title in titles if len(title) >= MIN_TITLE_LENGTH for form in forms(title))
    return tuple({" ".join(one.casefold().split()) for one in found})


def _stands_anywhere(word: str) -> bool:
    """Whether a word is a bare number, or signs only, which stand in every file."""
    return not word.isalpha() and (not any(map(str.isalnum, word)) or bool(BARE_NUMBER.fullmatch(word)))


def _is_long(word: str, length: int) -> bool:
    return len(word) >= length and any(map(str.isalpha, word)) and not word.isalpha()


def _words(text: str, joined: str) -> set[str]:
    """Words that may be a user's id. A word with dots is also split at them."""
    tokens, long = TOKEN.findall(text), LONG_TOKEN.findall(text)
    words = {*WORD.findall(text), *(one.rstrip(".!?") for one in tokens), *(one.strip(AROUND) for one in long)}
    numbers = {*numbers_of_users(joined)}
    whole = (ZERO_FRACTION.sub("", one) for one in numbers)
    return {*numbers, *whole, *(word for word in words if not _stands_anywhere(word))}


def _ways_to_split(line: str) -> Iterator[list[str]]:
    """The cells of a line, by all signs that may part cells, and by each of them where cells may hold another."""
    yield [cell.strip(" \"'") for cell in (line.split() if NUMBERS.fullmatch(line) else CELL.split(line))]
    if "(" in line or "[" in line:  # as programs print a row; numbers in brackets are also sizes
        cells = (cell.strip(f" {AROUND}") for cell in CELL.split(line))
        yield [cell for cell in cells if not _stands_anywhere(cell)]
    signs = [one for one in ",;\t|" if one in line]
    if signs and (len(signs) > 1 or '"' in line):
        for one in signs:
            with suppress(csv.Error):  # a cell that is too long for an id
                yield from csv.reader([line], delimiter=one)


def pairs(cells: list[str]) -> Iterator[tuple[str, str]]:
    """Cells that may be a user and an item: the item stands soon after the user, or one is the first and one the last.

    Unless both are bare numbers, which a rating is too, the item may also stand before the user.
    """
    ids = [(cell, _stands_anywhere(cell)) for cell in cells if 0 < len(cell) <= LONGEST_ID]
    for place, (one, is_number) in enumerate(ids):
        for other, is_number_too in ids[place + 1 : place + 1 + NEXT]:
            yield one, other
            if not (is_number and is_number_too):
                yield other, one
    yield from zip(cells[-1:], cells[:1], strict=True)


def _stands_in(text: str, word: str) -> bool:
    """Whether a text holds a word that no letter or digit continues."""
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, after = text[max(start - 2, 0) : start][::-1], text[end : end + 2]
        if not (_continues(before, word, word[0]) or _continues(after, word, word[-1])):
            return True
        start = text.find(word, start + 1)
    return False


def _continues(outside: str, word: str, edge: str) -> bool:
    """Whether the characters outside an edge of a word make it another word, or an e-mail address another address."""
    if "@" in word and outside[:1] in (".", "+"):
        outside = outside[1:]
    return all(WORD.fullmatch(one) for one in (edge, outside[:1]))


def _in_bytes(word: str) -> Iterator[tuple[bytes, re.Pattern[bytes]]]:
    """A word in each encoding that has its characters."""
    for encoding, (before, after) in WORD_IN_BYTES.items():
        with suppress(UnicodeEncodeError):
            part = word.encode(encoding)
            edges = (before if WORD.fullmatch(word[0]) else b""), (after if WORD.fullmatch(word[-1]) else b"")
            yield part, re.compile(edges[0] + re.escape(part) + edges[1])
