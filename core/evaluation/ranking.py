"""Ranks candidate titles for one user; the shared prefix of the prompts is computed once and its cache reused."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from core.models.families import anatomy
from core.models.recommender import Recommender
from core.types import Encoded, Interaction, Prompt, Task

CHUNK_TOKENS = 16_384
MOST_PADDED = 1.25  # longest over shortest continuation in one batch


@dataclass(frozen=True)
class PromptSetup:
    """Data that evaluation needs besides prompts.

    Attributes:
        encode: Turns prompts into tokens.
        popular: Item ids by falling popularity.
        window: Largest number of events in a prompt.
    """

    encode: Callable[[Sequence[Prompt]], list[Encoded]]
    popular: tuple[str, ...]
    window: int


@torch.no_grad()
def score_candidates(
    recommender: Recommender, prompt: Prompt, candidates: Sequence[str], prompt_setup: PromptSetup
) -> np.ndarray:
    """Score each candidate at the prompt's last position.

    Args:
        recommender: Model.
        prompt: History, and a last position for the candidate.
        candidates: Item ids.
        prompt_setup: Encodes prompts.

    Returns:
        Scores [candidate], larger is better: logit(Yes) - logit(No) in `click`, the title's log-probability in nats per
        token in `next_item`.
    """
    encoded = prompt_setup.encode(candidate_prompts(prompt, candidates))
    # In `click` the rows stop before the answer: the logits before it decide.
    last = 0 if recommender.task is Task.CLICK else 1
    rows = [one.ids[: one.answers[-1][last]] for one in encoded]
    starts = [one.answers[-1][0] for one in encoded]
    shared = shared_prefix_length(rows, min(starts) - 1)
    prefix = torch.tensor([rows[0][:shared]], device=recommender.device)
    body = anatomy(recommender.model).causal_lm.base_model
    cache = DynamicCache()  # the model's own would drop what lies outside a sliding window
    body(input_ids=prefix, past_key_values=cache, use_cache=True)
    scores = np.empty(len(rows))
    for chunk in _chunks([len(row) for row in rows], shared):
        own = _tail_scores(recommender, cache, shared, [rows[i] for i in chunk], [starts[i] for i in chunk])
        scores[chunk] = own.double().cpu().numpy()
    return scores


def _chunks(lengths: Sequence[int], shared: int) -> Iterator[list[int]]:
    """Indices of rows that are scored together: rows of similar length, so that little is padded.

    Titles of a real catalogue have 3 to 30 tokens; in one batch, more than half of the tokens would be padding.

    Args:
        lengths: Tokens of each row, prefix included.
        shared: Length of the prefix.
    """
    chunk: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        longest = lengths[index]
        padded = chunk and longest - shared > MOST_PADDED * (lengths[chunk[0]] - shared)
        if padded or (chunk and (len(chunk) + 1) * longest > CHUNK_TOKENS):
            yield chunk
            chunk = []
        chunk.append(index)
    yield chunk


def candidate_prompts(prompt: Prompt, candidates: Sequence[str]) -> list[Prompt]:
    """The prompt once for each candidate, with the candidate at its last position."""
    *history, last = prompt.events
    return [
        Prompt(prompt.user, (*history, Interaction(prompt.user, item, True, last.time)), len(history))
        for item in candidates
    ]


def _tail_scores(
    recommender: Recommender, cache: DynamicCache, shared: int, rows: list[tuple[int, ...]], starts: list[int]
) -> Tensor:
    """Score candidates that continue one cached prefix.

    Rows are padded on the right; causal attention never reads the padding.

    Args:
        recommender: Model.
        cache: Keys and values of the shared prefix.
        shared: Length of the prefix.
        rows: Token ids of each candidate's prompt, prefix included.
        starts: Where each row's answer starts.

    Returns:
        Scores [row], as in `score_candidates`.
    """
    parts = anatomy(recommender.model)
    longest = max(len(row) for row in rows) - shared
    ids = torch.zeros(len(rows), longest, dtype=torch.long, device=recommender.device)
    for index, row in enumerate(rows):
        ids[index, : len(row) - shared] = torch.tensor(row[shared:])
    hidden = parts.causal_lm.base_model(
        input_ids=ids, past_key_values=expanded_cache(cache, len(rows)), use_cache=True
    ).last_hidden_state.to(ids.device)
    if recommender.task is Task.CLICK:
        ends = torch.tensor([len(row) - shared - 1 for row in rows], device=recommender.device)
        logits = parts.capped(parts.head(hidden[torch.arange(len(rows)), ends]).to(ids.device, torch.float32))
        return logits[:, recommender.yes] - logits[:, recommender.no]
    log_p = parts.capped(parts.head(hidden).to(ids.device, torch.float32)).log_softmax(-1)
    return torch.stack(
        [_mean_log_probability(own, row, start, shared) for own, row, start in zip(log_p, rows, starts, strict=True)]
    )


def _mean_log_probability(log_p: Tensor, row: tuple[int, ...], start: int, shared: int) -> Tensor:
    """Mean log-probability, in nats, of `row` from `start` on; log_p: [position behind the prefix, vocabulary]."""
    return torch.stack([log_p[index - 1 - shared, row[index]] for index in range(start, len(row))]).mean()


def expanded_cache(cache: DynamicCache, count: int) -> DynamicCache:
    """Copy of a prefix's cache for `count` candidates; the original stays unchanged."""
    layers: list[Any] = cache.layers
    return DynamicCache(
        [(layer.keys.expand(count, -1, -1, -1), layer.values.expand(count, -1, -1, -1)) for layer in layers]
    )


def shared_prefix_length(rows: Sequence[tuple[int, ...]], most: int) -> int:
    """Number of leading tokens that all rows share, at most `most`."""
    first = rows[0]
    return next((i for i in range(most) if any(row[i] != first[i] for row in rows)), most)
