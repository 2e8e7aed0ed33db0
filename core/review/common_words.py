"""Words that are nobody's, by chance spelled as an id or a title: the catalogue's, and those of the base's tokenizer.

In these, only long ids are searched. Whatever else stands in the same files is searched as in any other file, but
for titles of one word in the base's settings: "attention" and "temperature" are names of settings.
"""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.review.file_parts import Part
from core.review.forgotten_data import ForgottenData
from core.types import Item
from core.workspace.layout import WorkspaceLayout

# Shortest ids that are searched among them. A vocabulary has "user1" and "sha256"; an address or an id of a database in
# it is no coincidence. Titles have fewer such words.
LENGTH_IN_CATALOGUE, LENGTH_IN_BASE = 4, 8
ITEM_FIELDS = frozenset(one.name for one in fields(Item)) - {"id"}
VOCABULARY = re.compile(
    r"(vocab|added_tokens)\.json|(vocab|merges)\.txt|(tokenizer|spiece|sentencepiece[\w.-]*)\.model"
)
TOKENIZER = re.compile(r"tokenizer(_config)?\.json")
SETTINGS = re.compile(
    r"([\w-]*config|tokenizer|special_tokens_map|model[\w.-]*)\.(json|safetensors)|chat_template\.jinja"
)
WORDS = ("vocab", "merges", "content", "precompiled_charsmap")  # their keys; "content" is that of an added token


def searches_of(path: Path, layout: WorkspaceLayout, forgotten: ForgottenData) -> tuple[ForgottenData, ForgottenData]:
    """What is searched in the two parts of a file that `split_words` gives."""
    among_words = forgotten.only_long_ids(LENGTH_IN_CATALOGUE if path == layout.items else LENGTH_IN_BASE)
    has_settings = path.parent == layout.base and SETTINGS.fullmatch(path.name)
    return among_words, forgotten.without_titles_of_one_word() if has_settings else forgotten


def split_words(path: Path, layout: WorkspaceLayout, part: Part) -> tuple[Part, Part]:
    """The part of a file in which words are nobody's, and the part in which they may be somebody's."""
    if path == layout.items and isinstance(part, dict):
        return _split_item(part)
    if path.parent == layout.base and VOCABULARY.fullmatch(path.name):
        return (part, {}) if not isinstance(part, dict | list) or _are_words(part) else ({}, part)
    if path.parent == layout.base and TOKENIZER.fullmatch(path.name):
        return part, _without_words(part)
    return {}, part


def _split_item(item: dict[str, Any]) -> tuple[Part, Part]:
    """What the catalogue says of an item, without a short id, which may be spelled as a user's; and the rest."""
    own = {name: value for name, value in item.items() if name in ITEM_FIELDS and _is_text(value)}
    rest = {name: value for name, value in item.items() if name not in own and name != "id"}
    named = str(item.get("id"))
    words = {**own, "id": named} if len(named) >= LENGTH_IN_BASE else own
    return words, {**rest, "item": item.get("id")} if rest else {}


def _without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_words(entry) for name, entry in value.items() if not (name in WORDS and _are_words(entry))
        }
    return [_without_words(entry) for entry in value] if isinstance(value, list) else value


def _is_text(value: Any) -> bool:
    return all(isinstance(one, str) for one in (value if isinstance(value, list) else [value]))


def _are_words(value: Any) -> bool:
    """Whether a value is a word, words with their numbers, or a list of words or of pairs of a word and another."""
    if isinstance(value, dict):
        return all(isinstance(one, int | float) for one in value.values())
    pairs = (one if isinstance(one, list) else [one] for one in (value if isinstance(value, list) else [value]))
    return all(one and isinstance(one[0], str) and len(one) <= 2 for one in pairs)
