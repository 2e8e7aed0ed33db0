"""Prompts as text: one template file, escaped titles, and where each title and answer stands."""

import re
import tomllib
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import DataError
from core.types import Encoded, Prompt, Task

MAX_TITLE = 300


@dataclass(frozen=True, slots=True)
class Template:
    """The words around titles and answers of one task."""

    instruction: str
    before: str
    after: str
    yes: str = ""
    no: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A prompt's text; titles and answers are [start, stop) in characters, answers only of targets."""

    text: str
    titles: tuple[tuple[int, int], ...]
    answers: tuple[tuple[int, int], ...]


@cache
def template(task: Task) -> Template:
    """The template of a task, from templates.toml."""
    with (Path(__file__).parent / "templates.toml").open("rb") as file:
        return Template(**tomllib.load(file)[task])


def escape(title: str) -> str:
    """A title that cannot break out of its quotes: one line, no double quote, no character that is not seen.

    A colon at the start goes too: after the opening quote it would look like the end of a title. Invisible format
    characters (zero width, direction, tags) go without a trace, so that no word is torn apart; control characters and
    line ends become a space. Raises DataError for an empty title, one over MAX_TITLE characters, or one with half a
    character in it.
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
    """The prompt's text; `titles` holds the escaped title of each item id."""
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


def encode(
    prompts: Sequence[Prompt], titles: dict[str, str], task: Task, tokenizer: Any, words: Template | None = None
) -> list[Encoded]:
    """Token ids of whole prompts with the spans of titles and answers; needs a fast tokenizer (offsets). words: the task's
    own where none are given."""
    if not prompts:
        return []
    texts = [render(prompt, titles, words or template(task)) for prompt in prompts]
    tokens = tokenizer([text.text for text in texts], return_offsets_mapping=True, add_special_tokens=True)
    return [
        Encoded(
            ids=tuple(ids),
            spans=_token_spans(offsets, text.titles),
            answers=_token_spans(offsets, text.answers),
            labels=tuple(event.liked for event in prompt.targets),
        )
        for prompt, text, ids, offsets in zip(
            prompts, texts, tokens["input_ids"], tokens["offset_mapping"], strict=True
        )
    ]


def _token_spans(offsets: list[tuple[int, int]], spans: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Character spans as token spans: the tokens that hold at least one character of the span."""
    ends = [end for _, end in offsets]
    starts = [start for start, _ in offsets]
    return tuple((bisect_right(ends, start), bisect_left(starts, stop)) for start, stop in spans)
