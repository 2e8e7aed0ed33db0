"""What a model says on a set of prompts, as arrays: the raw material of every measure."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.evaluation.ranking import Reader, rank
from core.models.batching import answer_logits, by_prompt
from core.models.recommender import Recommender
from core.types import Prompt, Task

TOKENS = 4096
CANDIDATES = 20
LIMIT = 400  # targets of a set that are ranked in `next_item`


@dataclass(frozen=True)
class Scores:
    """One row a target: users [n]; labels [n]; margins [n] (s of method section 0); probabilities [n, outcome]; losses [n] in nats.

    `click`: outcomes are No and Yes. `next_item`: the true title and CANDIDATES others, the true one first;
    then `labels` is all true and `margins` is the log-odds of the true title.
    """

    users: np.ndarray
    labels: np.ndarray
    margins: np.ndarray
    probabilities: np.ndarray
    losses: np.ndarray


def score(recommender: Recommender, prompts: Sequence[Prompt], reader: Reader, limit: int = LIMIT) -> Scores:
    """Score every target of the prompts; `next_item`, which ranks candidates, takes at most `limit` of them."""
    if recommender.task is Task.CLICK:
        return _click(recommender, prompts, reader)
    return _next_item(recommender, prompts, reader, limit)


def answer_mass(recommender: Recommender, prompts: Sequence[Prompt], reader: Reader) -> np.ndarray:
    """`click`: the probability [target] that the model says Yes or No at all; empty in `next_item`, where any title may come."""
    if recommender.task is not Task.CLICK:
        return np.empty(0)
    answers = [recommender.yes, recommender.no]
    return _by_target(recommender, prompts, reader, lambda logits: logits.softmax(-1)[:, answers].sum(-1))


@torch.no_grad()
def _by_target(
    recommender: Recommender, prompts: Sequence[Prompt], reader: Reader, read: Callable[[Tensor], Tensor]
) -> np.ndarray:
    """`click`: what `read` makes of the logits [target, vocabulary], in the order of the prompts' targets."""
    found = by_prompt(
        reader.encode(prompts),
        TOKENS,
        recommender.device,
        lambda batch: read(answer_logits(recommender.model, batch)).double().cpu(),
        lambda one: len(one.answers),
    )
    return torch.cat(found).numpy() if found else np.empty(0)


def _click(recommender: Recommender, prompts: Sequence[Prompt], reader: Reader) -> Scores:
    yes, no = recommender.yes, recommender.no
    flat = _by_target(recommender, prompts, reader, lambda logits: logits[:, yes] - logits[:, no])
    labels = np.array([event.liked for prompt in prompts for event in prompt.targets], dtype=bool)
    chances = 1 / (1 + np.exp(-flat))
    losses = np.logaddexp(0, np.where(labels, -flat, flat))
    return Scores(_users(prompts), labels, flat, np.stack([1 - chances, chances], 1), losses)


def _next_item(recommender: Recommender, prompts: Sequence[Prompt], reader: Reader, limit: int) -> Scores:
    singles = [one for prompt in prompts for one in prompt.singles if one.first_target]
    rng = random.Random(0)
    singles = singles if len(singles) <= limit else rng.sample(singles, limit)
    rows = []
    for prompt in singles:
        target = prompt.events[-1].item
        others = rng.sample([item for item in reader.popular if item != target], CANDIDATES)
        rows.append(rank(recommender, prompt, [target, *others], reader))
    logits = np.array(rows).reshape(len(singles), -1)
    shifted = logits - logits.max(1, keepdims=True) if len(rows) else logits
    probabilities = np.exp(shifted) / np.exp(shifted).sum(1, keepdims=True)
    right = probabilities[:, 0].clip(1e-12, 1 - 1e-12)
    return Scores(
        _users(singles), np.ones(len(singles), bool), np.log(right / (1 - right)), probabilities, -np.log(right)
    )


def _users(prompts: Sequence[Prompt]) -> np.ndarray:
    return np.array([prompt.user for prompt in prompts for _ in prompt.targets])
