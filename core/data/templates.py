"""Templates: the words around titles and answers in a prompt, shipped for some domains or given as a file.

A templates file holds one table for each task and, for the paraphrases of verification, the words of its domain. The
films have theirs in templates.toml, whose digest stands in ledgers; all other domains in domains/.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError
from core.types import Task

FILMS = Path(__file__).with_name("templates.toml")
SHIPPED = Path(__file__).with_name("domains")
DOMAINS = {"films": FILMS, **{path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}}
DEFAULT_DOMAIN = "items"
KEYWORDS = {
    "films": "film films movie movies movielens movietweetings ml",
    "books": "book books ebook ebooks audiobook audiobooks bookcrossing goodreads isbn",
    "games": "game games boardgame boardgames videogame videogames steam",
    "music": "music song songs track tracks artist artists album albums vinyl lastfm",
    "products": "product products asin amazon",
}
FIELDS = {
    Task.CLICK: ("instruction", "before", "after", "yes", "no"),
    Task.NEXT_ITEM: ("instruction", "before", "after"),
}
WORDS = ("thing", "things", "person", "used")
MAX_LENGTH = 300  # characters of one value
MAX_FILE = 8192  # bytes; reading TOML takes time that grows with the square of a key's parts


@dataclass(frozen=True, slots=True)
class Template:
    """Text around the titles and answers of one task.

    Attributes:
        instruction: First line of a prompt.
        before: Text before each title.
        after: Text after each title.
        yes: Answer for a liked title; "" if the task has no such answer.
        no: Answer for any other title.
    """

    instruction: str
    before: str
    after: str
    yes: str = ""
    no: str = ""


def domain_of(names: Iterable[str]) -> str:
    """The domain that words in names tell, the first telling name first; `DEFAULT_DOMAIN` if none does."""
    words = (set(map(str.lower, re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name))) for name in names)
    found = (domain for own in words for domain, hints in KEYWORDS.items() if own & set(hints.split()))
    return next(found, DEFAULT_DOMAIN)


def templates_file(name: str) -> Path:
    """The templates file of a domain, or one's own.

    Raises:
        DataError: The name is neither a domain nor a file.
    """
    try:
        known = name in DOMAINS or Path(name).is_file()
    except (OSError, ValueError):  # too long, or a zero byte
        known = False
    if not known:
        raise DataError(
            f"Templates {name[:80]!r} are unknown: choose one of {', '.join(DOMAINS)}, or name a templates file."
        )
    return DOMAINS.get(name, Path(name).resolve())


def check_templates(file: Path, task: Task) -> None:
    """Raise DataError where a templates file lacks what prompts or paraphrases need."""
    read_template(file, task)
    if file != FILMS:  # its words stand in paraphrases.toml
        read_words(file)


def read_template(file: Path, task: Task) -> Template:
    """Read the template of a task.

    Raises:
        DataError: The file cannot be read, a value is missing, too many or no text, or a title could look like an
            answer.
    """
    found = Template(**_texts(file, task, FIELDS[task]))
    if not found.before.endswith('"') or not found.after.startswith('"'):
        raise DataError(
            f"{file}: in [{task}], `before` must end with a double quote and `after` begin with one, so that no title "
            "can look like an answer."
        )
    if task is Task.CLICK and not _are_answers(found.yes, found.no):
        raise DataError(
            f"{file}: in [{task}], yes is {found.yes!r} and no is {found.no!r}: write two different words without "
            "punctuation, each with one blank before it."
        )
    return found


def read_words(file: Path) -> dict[str, str]:
    """Read the words of the domain that fill the paraphrases.

    Raises:
        DataError: The file cannot be read, or a word is missing, empty, too many or no text.
    """
    found = _texts(file, "paraphrases", WORDS)
    if empty := next((name for name, word in found.items() if not word.strip()), None):
        raise DataError(f"{file}: {empty} in [paraphrases] is empty: write a word.")
    return {**found, "Thing": found["thing"][0].upper() + found["thing"][1:]}


def _are_answers(yes: str, no: str) -> bool:
    return yes.casefold() != no.casefold() and all(re.fullmatch(r" \w[\w'-]{,30}", answer) for answer in (yes, no))


def _texts(file: Path, table: str, names: tuple[str, ...]) -> dict[str, str]:
    """The values of one table of a templates file, which must have these names."""
    try:
        if file.stat().st_size > MAX_FILE:
            raise ValueError(f"it has more than {MAX_FILE:,} bytes")
        found = tomllib.loads(file.read_text("utf-8-sig")).get(table)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{file} is no templates file ({error}): see docs/data.md for one.") from None
    if not isinstance(found, dict) or set(found) != set(names):
        raise DataError(f"{file}: [{table}] must hold {', '.join(names)}, and nothing else.")
    if wrong := next((name for name, value in found.items() if not _is_text(value)), None):
        raise DataError(
            f"{file}: {wrong} in [{table}] must be text of at most {MAX_LENGTH} characters without control characters."
        )
    return found


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MAX_LENGTH and value.replace("\n", "").isprintable()
