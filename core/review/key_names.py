"""Names under which files keep users and items: keys of JSON, columns of tables, and words before a number in text."""

import re
from collections.abc import Iterator
from functools import lru_cache

USERS, ITEMS = ("user", "uid", "subject", "member", "crowd", "holdout"), ("item", "iid", "movie", "product")
OWN_ID = ("id", "ids")  # the id of whoever the key above names, as in {"user": {"id": 4711}}
# Numbers that signed entries hold under a user's name or as text: of a batch's members (old versions), and the seed.
OWN_NUMBERS = ("members", "seed")
# A user's name in text with what may follow it, such as "user_ids" or `<user id`; "superuser" is another word.
_KEY = rf"(?i)(?<![^\W_])(?:{'|'.join(USERS)})"
USER_NUMBER = re.compile(rf"{_KEY}(?=s?(?:[\W_]{{0,6}}ids?)?\W{{1,6}}([\w-]+(?:[.]\d+)?))")
# More than one number only in brackets or after a plural: in "user 9, 4 rows" the second one is no user.
USER_NUMBERS = re.compile(
    rf"{_KEY}(?:s?(?:[\W_]?ids?)?[^\w\[(]{{0,6}}[\[(]|(?:s|[\W_]?ids)[\"' ]{{0,3}}[=:])([\d\s,;.'\"\[\]()-]+)"
)
NUMBER = re.compile(r"-?\d+(?:[.]\d+)?")
LONGEST_NAME = 100  # characters


def base_name(name: str) -> str:
    """One name for "userId", "user_ids", "Users" and "User"; "" for a text that is too long for a name."""
    return _base_name(name) if len(name) <= LONGEST_NAME else ""


@lru_cache(1 << 12)
def _base_name(name: str) -> str:
    letters = "".join(filter(str.isalpha, name.casefold())).removesuffix("s")
    return letters if letters in ("uid", "iid") else letters.removesuffix("id").removesuffix("s")


def numbers_of_users(text: str) -> Iterator[str]:
    """The words of a text that stand in a user's place."""
    yield from USER_NUMBER.findall(text)
    for found in USER_NUMBERS.findall(text):
        yield from NUMBER.findall(found)
