"""Ranking candidate titles for one user: the shared prompt prefix is computed once and its cache reused."""

from collections.abc import Callable, Sequence
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


@dataclass(frozen=True)
class Reader:
    """What evaluation needs of the data: how a prompt is encoded, the item ids by falling popularity, the prompt's size in events."""

    encode: Callable[[Sequence[Prompt]], list[Encoded]]
    popular: tuple[str, ...]
    window: int


@torch.no_grad()
def rank(recommender: Recommender, prompt: Prompt, candidates: Sequence[str], reader: Reader) -> np.ndarray:
    """Scores [candidate] of putting each item at the prompt's last place, larger is better.

    `click`: logit(Yes) - logit(No). `next_item`: log-probability of the title per token.
    """
    encoded = reader.encode(asked(prompt, candidates))
    # The answer itself is not read in `click`: the logits before it decide.
    tails = [prompt.ids[: prompt.answers[-1][0 if recommender.task is Task.CLICK else 1]] for prompt in encoded]
    starts = [prompt.answers[-1][0] for prompt in encoded]
    shared = shared_prefix(tails, min(starts) - 1)
    prefix = torch.tensor([tails[0][:shared]], device=recommender.device)
    body = anatomy(recommender.model).causal_lm.base_model
    cache = body(input_ids=prefix, use_cache=True).past_key_values
    size = max(1, CHUNK_TOKENS // max(len(tail) for tail in tails))
    scores = []
    for at in range(0, len(tails), size):
        scores.append(_tail_scores(recommender, cache, shared, tails[at : at + size], starts[at : at + size]))
    return torch.cat(scores).double().cpu().numpy()


def asked(prompt: Prompt, candidates: Sequence[str]) -> list[Prompt]:
    """The prompt with each candidate at its last place."""
    *history, last = prompt.events
    return [
        Prompt(prompt.user, (*history, Interaction(prompt.user, item, True, last.time)), len(history))
        for item in candidates
    ]


def _tail_scores(
    recommender: Recommender, cache: DynamicCache, shared: int, tails: list[tuple[int, ...]], starts: list[int]
) -> Tensor:
    """Scores of some candidates that continue one cached prefix; right padding is never looked at."""
    parts = anatomy(recommender.model)
    longest = max(len(tail) for tail in tails) - shared
    ids = torch.zeros(len(tails), longest, dtype=torch.long, device=recommender.device)
    for row, tail in enumerate(tails):
        ids[row, : len(tail) - shared] = torch.tensor(tail[shared:])
    hidden = parts.causal_lm.base_model(
        input_ids=ids, past_key_values=repeated(cache, len(tails)), use_cache=True
    ).last_hidden_state.to(ids.device)
    if recommender.task is Task.CLICK:
        ends = torch.tensor([len(tail) - shared - 1 for tail in tails], device=recommender.device)
        logits = parts.capped(parts.head(hidden[torch.arange(len(tails)), ends]).to(ids.device, torch.float32))
        return logits[:, recommender.yes] - logits[:, recommender.no]
    logs = parts.capped(parts.head(hidden).to(ids.device, torch.float32)).log_softmax(-1)
    return torch.stack(
        [
            torch.stack([logs[row, place - 1 - shared, tail[place]] for place in range(start, len(tail))]).mean()
            for row, (tail, start) in enumerate(zip(tails, starts, strict=True))
        ]
    )


def repeated(cache: DynamicCache, times: int) -> DynamicCache:
    """A copy of the prefix's cache for `times` candidates; the original stays as it is."""
    layers: list[Any] = cache.layers
    return DynamicCache(
        [(layer.keys.expand(times, -1, -1, -1), layer.values.expand(times, -1, -1, -1)) for layer in layers]
    )


def shared_prefix(rows: list[tuple[int, ...]], most: int) -> int:
    """How many leading tokens all rows share, at most `most`, so that each keeps one to predict from."""
    first = rows[0]
    return next((i for i in range(most) if any(row[i] != first[i] for row in rows)), most)
