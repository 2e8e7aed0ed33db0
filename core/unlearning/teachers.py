"""Whom `distil` follows: what somebody who does not remember the forgotten people would say of them (method section 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from core.models.batches import answer_logits, batches
from core.models.blocks import layout
from core.models.recommender import ADAPTER, adapter_weights, put_adapter_weights
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
    found: dict[int, Tensor] = {}
    for chosen, batch in batches(prompts, TOKENS, model.device):
        counts = [prompts[i].answer_tokens for i in chosen]
        found.update(zip(chosen, answer_logits(model, batch).split(counts), strict=True))
    return [found[i] for i in range(len(prompts))]


def base(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> Said:
    """The base model without any adapter: it never met the forgotten people."""
    with model.disable_adapter():
        return said(model, forget)


def overfit(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> Said:
    """The original less what over-fitting on the forget set raises (E2URec, arXiv 2403.03536); the adapter is put back."""
    before = adapter_weights(model)
    original = said(model, forget)
    model.set_adapter(ADAPTER)  # PEFT makes its weights trainable
    fit(model, forget, replace(OVERFIT, seed=seed))
    augmented = said(model, forget)
    put_adapter_weights(model, before)
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
