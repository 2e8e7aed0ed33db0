"""Longest prompt of a workspace in tokens, compared with the context length of its base model before any work."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.data.paraphrases import Paraphrase, paraphrases_of
from core.data.prompts import encode, escape, tokenize
from core.data.readers import Dataset
from core.data.splits import make_split
from core.data.templates import read_template
from core.errors import ModelError
from core.models.base_parts import load_config
from core.pipeline.given_models import GivenModels
from core.types import Prompt, UserSplit
from core.workspace import WorkspaceSettings

MEASURED = 20  # prompts whose tokens are counted exactly: those with the longest titles
SHORTEST = 4  # the smallest --window


def check_prompt_lengths(
    given: GivenModels, dataset: Dataset, user_split: UserSplit, settings: WorkspaceSettings, templates: Path
) -> None:
    """Require that each prompt fits into the context length of a base model, paraphrases included.

    Args:
        given: The base model and its tokenizer.
        dataset: Items and interactions.
        user_split: The split of users.
        settings: Settings of the workspace.
        templates: File with the text of the prompts.

    Raises:
        ModelError: A prompt is longer; the message names the largest window that fits.
    """
    context_length, task = load_config(given.base).max_position_embeddings, settings.task
    wordings = [Paraphrase(read_template(templates, task)), *paraphrases_of(task, templates).values()]

    def longest(window: int) -> int:
        split = make_split(dataset.interactions, user_split, None, window, task)
        prompts = split.retain + split.validation + split.test + split.holdout
        return longest_prompt(prompts, {item.id: item.title for item in dataset.items}, wordings, given.tokenizer)

    window = settings.window
    tokens = longest(window)
    if tokens <= context_length:
        return
    smaller, fitting = window, tokens
    while fitting > context_length and smaller > SHORTEST:
        smaller = max(SHORTEST, min(smaller - 1, smaller * context_length // fitting))
        fitting = longest(smaller)
    mend = f"give --window {smaller}, or" if fitting <= context_length else "shorten the titles, or"
    raise ModelError(
        f"Prompts of {window} interactions (--window) have up to {tokens:,} tokens, and the context length of base "
        f"model {given.base} is {context_length:,}: {mend} choose a base model with a longer one."
    )


def longest_prompt(
    prompts: Sequence[Prompt], titles: Mapping[str, str], wordings: Sequence[Paraphrase], tokenizer: Any
) -> int:
    """Tokens of the longest prompt, with any title as its last one and in any wording.

    Args:
        prompts: The prompts.
        titles: The title of each item id.
        wordings: The template and its paraphrases; those with another history are no longer.
        tokenizer: A fast tokenizer.
    """
    return max(_longest(prompts, titles, tokenizer, words) for words in wordings if not words.history)


def _longest(prompts: Sequence[Prompt], titles: Mapping[str, str], tokenizer: Any, paraphrase: Paraphrase) -> int:
    """Tokens of the longest prompt in one wording."""
    words, shown = paraphrase.words, {item: paraphrase.title(escape(title)) for item, title in titles.items()}
    lines = tokenize([words.before + title + words.after + words.yes for title in shown.values()], tokenizer)
    tokens = {item: len(ids) for item, (ids, _) in zip(shown, lines, strict=True)}
    last = max(tokens, key=tokens.__getitem__)  # any title may be asked about
    ranked = sorted(prompts, key=lambda prompt: -sum(tokens[event.item] for event in prompt.events[:-1]))[:MEASURED]
    asked = [replace(one, events=(*one.events[:-1], replace(one.events[-1], item=last))) for one in ranked]
    return max(len(one.ids) for one in encode(asked, shown, words, tokenizer))
