"""Prompts as text and as tokens: safe titles, and the positions of titles and answers."""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.data.templates import Template
from core.errors import DataError
from core.types import Encoded, Prompt

MAX_TITLE = 300
PART = 256  # prompts that are tokenized at once; a tokenizer's own result takes several times the room of what is kept


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a prompt.

    Attributes:
        text: The whole text.
        titles: For each interaction, [start, stop) of its title in characters.
        answers: For each target, [start, stop) of its answer in characters.
    """

    text: str
    titles: tuple[tuple[int, int], ...]
    answers: tuple[tuple[int, int], ...]


def escape(title: str) -> str:
    """Make a title safe for a prompt: one line without double quotes and invisible characters.

    A leading colon is removed: after the opening quote it would look like the end of a title. Invisible format
    characters (zero width, direction, tags) are removed, so that no word is split. Control characters and line ends
    become a space.

    Raises:
        DataError: The title is empty, longer than MAX_TITLE characters, or holds a lone surrogate.
    """
    kinds = [unicodedata.category(char) for char in title]
    if "Cs" in kinds:
        raise DataError(f"Title {title[:40]!r} holds half a character (a lone surrogate): save the file as UTF-8.")
    seen = "".join(" " if kind == "Cc" else char for char, kind in zip(title, kinds, strict=True) if kind != "Cf")
    safe = re.sub(r"\s+", " ", seen.replace('"', "'")).lstrip(" :").rstrip()
    if not safe:
        raise DataError(f"Title {title[:40]!r} is empty: give every item a title.")
    if len(safe) > MAX_TITLE:
        raise DataError(f"Title {safe[:40]!r}... has {len(safe):,} characters: shorten it to at most {MAX_TITLE}.")
    return safe


def render(prompt: Prompt, titles: dict[str, str], words: Template) -> Text:
    """Return the text of a prompt; `titles` holds the escaped title of each item id."""
    text, title_spans, answers = words.instruction, [], []
    for index, event in enumerate(prompt.events):
        text += words.before
        title_spans.append((len(text), len(text) + len(titles[event.item])))
        text += titles[event.item] + words.after
        answer = words.yes if event.liked else words.no
        if index >= prompt.first_target:
            answers.append((len(text), len(text) + len(answer)) if answer else title_spans[-1])
        text += answer
    return Text(text, tuple(title_spans), tuple(answers))


def encode(prompts: Sequence[Prompt], titles: dict[str, str], words: Template, tokenizer: Any) -> list[Encoded]:
    """Encode prompts as token ids with the positions of titles and answers.

    Args:
        prompts: The prompts.
        titles: The escaped title of each item id.
        words: The template of the task.
        tokenizer: A fast tokenizer of `transformers`, which gives character offsets.
    """
    numbers: dict[int, int] = {}
    parts = (prompts[start : start + PART] for start in range(0, len(prompts), PART))
    return [one for part in parts for one in _encode_part(part, titles, words, tokenizer, numbers)]


def _encode_part(
    prompts: Sequence[Prompt], titles: dict[str, str], words: Template, tokenizer: Any, numbers: dict[int, int]
) -> list[Encoded]:
    """Encode prompts whose tokens and offsets are in memory at once; equal numbers become one object of `numbers`."""
    texts = [render(prompt, titles, words) for prompt in prompts]

    def shared(span: tuple[int, int]) -> tuple[int, int]:
        return numbers.setdefault(span[0], span[0]), numbers.setdefault(span[1], span[1])

    return [
        Encoded(
            ids=tuple(numbers.setdefault(token, token) for token in ids),
            spans=tuple(map(shared, _token_spans(offsets, text.titles))),
            answers=tuple(map(shared, _token_spans(offsets, text.answers))),
            labels=tuple(event.liked for event in prompt.targets),
        )
        for prompt, text, (ids, offsets) in zip(
            prompts, texts, tokenize([text.text for text in texts], tokenizer), strict=True
        )
    ]


def tokenize(texts: Sequence[str], tokenizer: Any) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """Token ids of texts, and the characters [start, stop) of each token.

    Some tokenizers end every text with a special token, which says that nothing follows. A prompt goes on with its
    answer, so the special tokens that the tokenizer appends are left out; those that it puts in front stay.

    Args:
        texts: The texts.
        tokenizer: A fast tokenizer of `transformers`.
    """
    tokens = tokenizer(list(texts), return_offsets_mapping=True, return_special_tokens_mask=True)
    return [
        (ids[:stop], offsets[:stop])
        for ids, offsets, mask in zip(
            tokens["input_ids"], tokens["offset_mapping"], tokens["special_tokens_mask"], strict=True
        )
        for stop in [max((place + 1 for place, special in enumerate(mask) if not special), default=0)]
    ]


def _token_spans(offsets: list[tuple[int, int]], spans: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Convert character spans to token spans: all tokens with at least one character of the span."""
    ends = [end for _, end in offsets]
    starts = [start for start, _ in offsets]
    return tuple((bisect_right(ends, start), bisect_left(starts, stop)) for start, stop in spans)
