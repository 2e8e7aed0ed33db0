"""Predictions of a model on a set of prompts, as arrays: the input of every measure."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.evaluation.ranking import PromptSetup, score_candidates
from core.models.batching import FORWARD_TOKENS, answer_logits, map_prompts
from core.models.recommender import Recommender
from core.types import Prompt, Task

CANDIDATES = 20  # other titles beside the true one in `next_item`
LIMIT = 400  # targets per set in `next_item`, which ranks candidates for each


@dataclass(frozen=True)
class Predictions:
    """Predictions with one row per target.

    In `click` the outcomes are No and Yes. In `next_item` they are the true title, first, and `CANDIDATES` others.

    Attributes:
        users: User of each row [row].
        labels: Whether the target was liked [row]; all true in `next_item`.
        margins: Score s(x) of docs/method.md, section 0 [row]; the log-odds of the true title in `next_item`.
        probabilities: Probability of each outcome [row, outcome].
        losses: Negative log-likelihood in nats [row].
    """

    users: np.ndarray
    labels: np.ndarray
    margins: np.ndarray
    probabilities: np.ndarray
    losses: np.ndarray


def predict(
    recommender: Recommender, prompts: Sequence[Prompt], prompt_setup: PromptSetup, limit: int = LIMIT
) -> Predictions:
    """Predict every target of the prompts; in `next_item` a sample of at most `limit` targets."""
    if recommender.task is Task.CLICK:
        return _click(recommender, prompts, prompt_setup)
    return _next_item(recommender, prompts, prompt_setup, limit)


def answer_probability(recommender: Recommender, prompts: Sequence[Prompt], prompt_setup: PromptSetup) -> np.ndarray:
    """Probability of Yes and No together [target]; empty in `next_item`, where any token can be an answer."""
    if recommender.task is not Task.CLICK:
        return np.empty(0)
    answers = [recommender.yes, recommender.no]
    return _by_target(recommender, prompts, prompt_setup, lambda logits: logits.softmax(-1)[:, answers].sum(-1))


@torch.no_grad()
def _by_target(
    recommender: Recommender, prompts: Sequence[Prompt], prompt_setup: PromptSetup, read: Callable[[Tensor], Tensor]
) -> np.ndarray:
    """Apply `read` to the `click` logits [target, vocabulary]; values in the order of the prompts' targets [target]."""
    values = map_prompts(
        prompt_setup.tokens(prompts),
        FORWARD_TOKENS,
        recommender.device,
        lambda batch: read(answer_logits(recommender.model, batch)).double().cpu(),
        lambda prompt: len(prompt.answers),
    )
    return torch.cat(values).numpy() if values else np.empty(0)


def _click(recommender: Recommender, prompts: Sequence[Prompt], prompt_setup: PromptSetup) -> Predictions:
    yes, no = recommender.yes, recommender.no
    margins = _by_target(recommender, prompts, prompt_setup, lambda logits: logits[:, yes] - logits[:, no])
    labels = np.array([event.liked for prompt in prompts for event in prompt.targets], dtype=bool)
    liked = 1 / (1 + np.exp(-margins))
    losses = np.logaddexp(0, np.where(labels, -margins, margins))
    return Predictions(_users(prompts), labels, margins, np.stack([1 - liked, liked], 1), losses)


def _next_item(
    recommender: Recommender, prompts: Sequence[Prompt], prompt_setup: PromptSetup, limit: int
) -> Predictions:
    singles = [single for prompt in prompts for single in prompt.singles if single.first_target]
    rng = random.Random(0)
    singles = singles if len(singles) <= limit else rng.sample(singles, limit)
    probabilities = _candidate_probabilities(recommender, singles, prompt_setup, rng)
    right = probabilities[:, 0].clip(1e-12, 1 - 1e-12)
    labels, margins = np.ones(len(singles), bool), np.log(right / (1 - right))
    return Predictions(_users(singles), labels, margins, probabilities, -np.log(right))


def _candidate_probabilities(
    recommender: Recommender, singles: Sequence[Prompt], prompt_setup: PromptSetup, rng: random.Random
) -> np.ndarray:
    """Softmax over the true title and random others [prompt, candidate], the true one first."""
    rows = []
    for prompt in singles:
        target = prompt.events[-1].item
        others = rng.sample([item for item in prompt_setup.popular if item != target], CANDIDATES)
        rows.append(score_candidates(recommender, prompt, [target, *others], prompt_setup))
    logits = np.array(rows).reshape(len(singles), -1)
    odds = np.exp(logits - logits.max(1, keepdims=True) if rows else logits)
    probabilities: np.ndarray = odds / odds.sum(1, keepdims=True)
    return probabilities


def _users(prompts: Sequence[Prompt]) -> np.ndarray:
    return np.array([prompt.user for prompt in prompts for _ in prompt.targets])
