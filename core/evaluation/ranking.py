"""Ranks candidate titles for one user; the shared prefix of the prompts is computed once and its cache reused."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
KEPT_PROMPTS, KEPT_CANDIDATES = 10_000, 500  # prompts, and prompts with a list of candidates, whose tokens are kept


@dataclass(frozen=True)
class CandidateRows:
    """Tokens of one prompt with each candidate in its last place.

    Attributes:
        prefix: Leading tokens that all candidates share.
        tails: What follows for each candidate, up to where the model is asked.
        starts: Where each candidate's answer starts, counted from the first token of the prefix.
    """

    prefix: tuple[int, ...]
    tails: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]


@dataclass(frozen=True)
class PromptSetup:
    """Data that evaluation needs besides prompts.

    A verification asks seven or more models the same. So tokens are kept: making them takes a fourth of the time of
    asking a small model.

    Attributes:
        encode: Turns prompts into tokens.
        popular: Item ids by falling popularity.
        window: Largest number of events in a prompt.
    """

    encode: Callable[[Sequence[Prompt]], list[Encoded]]
    popular: tuple[str, ...]
    window: int
    _prompts: dict[Prompt, Encoded] = field(default_factory=dict, init=False, repr=False, compare=False)
    _candidates: dict[Any, CandidateRows] = field(default_factory=dict, init=False, repr=False, compare=False)

    def tokens(self, prompts: Sequence[Prompt]) -> list[Encoded]:
        """Encode prompts that other models are asked too."""
        missing = [one for one in dict.fromkeys(prompts) if one not in self._prompts]
        if len(self._prompts) + len(missing) > KEPT_PROMPTS:
            return self.encode(prompts)
        self._prompts.update(zip(missing, self.encode(missing), strict=True))
        return [self._prompts[one] for one in prompts]

    def candidate_rows(self, prompt: Prompt, candidates: Sequence[str], task: Task) -> CandidateRows:
        """Encode a prompt once for each candidate.

        Args:
            prompt: History, and a last position for the candidate.
            candidates: Item ids.
            task: In `click` the rows stop before the answer: the logits before it decide.
        """
        key = (prompt, tuple(candidates), task)
        if (found := self._candidates.get(key)) is None:
            encoded = self.encode(candidate_prompts(prompt, candidates))
            last = 0 if task is Task.CLICK else 1
            rows = [one.ids[: one.answers[-1][last]] for one in encoded]
            starts = tuple(one.answers[-1][0] for one in encoded)
            shared = shared_prefix_length(rows, min(starts) - 1)
            found = CandidateRows(rows[0][:shared], tuple(row[shared:] for row in rows), starts)
            if len(self._candidates) < KEPT_CANDIDATES:
                self._candidates[key] = found
        return found


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
    asked = prompt_setup.candidate_rows(prompt, candidates, recommender.task)
    shared, rows = len(asked.prefix), [asked.prefix + tail for tail in asked.tails]
    prefix = torch.tensor([asked.prefix], device=recommender.device)
    body = anatomy(recommender.model).causal_lm.base_model
    cache = DynamicCache()  # the model's own would drop what lies outside a sliding window
    body(input_ids=prefix, past_key_values=cache, use_cache=True)
    scores = np.empty(len(rows))
    for chunk in _chunks([len(row) for row in rows], shared):
        own = _tail_scores(recommender, cache, shared, [rows[i] for i in chunk], [asked.starts[i] for i in chunk])
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
