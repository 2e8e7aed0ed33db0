"""Whom `distil` follows: what somebody who does not remember the forgotten people would say of them (method section 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from core.models.batches import answer_logits, by_prompt
from core.models.blocks import layout
from core.models.recommender import trained_aside
from core.types import Encoded, Group
from core.unlearning.fit import FitSettings, fit
from core.unlearning.memory import switched_off
from core.unlearning.objectives import teacher_logits

Groups = Mapping[str, Group]
Said = list[Tensor]  # per prompt the logits [answer token, vocabulary]
OVERFIT = FitSettings(epochs=8, learning_rate=2e-3, batch_size=8)
TOKENS = 4096


@torch.no_grad()
def said(model: Any, prompts: Sequence[Encoded]) -> Said:
    """What the model says at the answers of each prompt."""
    return by_prompt(
        prompts, TOKENS, model.device, lambda batch: answer_logits(model, batch), lambda one: one.answer_tokens
    )


def base(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> Said:
    """The base model without any adapter: it never met the forgotten people."""
    with model.disable_adapter():
        return said(model, forget)


def overfit(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> Said:
    """The original less what over-fitting on the forget set raises (E2URec, arXiv 2403.03536); the adapter is put back."""
    original = said(model, forget)
    with trained_aside(model):
        fit(model, forget, replace(OVERFIT, seed=seed))
        augmented = said(model, forget)
    return [teacher_logits(a, b) for a, b in zip(original, augmented, strict=True)]


def random(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> Said:
    """A model of the same shape and random weights: it knows nothing at all (arXiv 2205.08096, section 3)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        blank = AutoModelForCausalLM.from_config(model.config).to(model.device).eval()
    return said(blank, forget)


def memory_off(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> Said:
    """The model with the adapter of the modules that remember switched off (method section 3)."""
    remembering = [module for module, group in groups.items() if group in (Group.FORGET, Group.SHARED)]
    with switched_off(layout(model), remembering):
        return said(model, forget)


TEACHERS: dict[str, Callable[[Any, Sequence[Encoded], int, Groups], Said]] = {
    "base": base,
    "overfit": overfit,
    "random": random,
    "memory_off": memory_off,
}
