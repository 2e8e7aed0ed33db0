"""Whom `distil` follows: what somebody who does not remember the forgotten people would say of them (method section 4)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from core.models.batching import answer_logits, by_prompt
from core.models.lora_layout import layout
from core.models.recommender import preserve_adapter
from core.types import Encoded, Group
from core.unlearning.finetuning import FitSettings, fit
from core.unlearning.memory_contrast import switched_off
from core.unlearning.objectives import teacher_logits

Groups = Mapping[str, Group]
TeacherLogits = list[Tensor]  # per prompt the logits [answer token, vocabulary]
OVERFIT = FitSettings(epochs=8, learning_rate=2e-3, batch_size=8)
TOKENS = 4096


@torch.no_grad()
def prompt_logits(model: Any, prompts: Sequence[Encoded]) -> TeacherLogits:
    """What the model says at the answers of each prompt."""
    return by_prompt(
        prompts, TOKENS, model.device, lambda batch: answer_logits(model, batch), lambda one: one.answer_tokens
    )


def base(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> TeacherLogits:
    """The base model without any adapter: it never met the forgotten people."""
    with model.disable_adapter():
        return prompt_logits(model, forget)


def overfit(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> TeacherLogits:
    """The original less what over-fitting on the forget set raises (E2URec, arXiv 2403.03536); the adapter is put back."""
    original = prompt_logits(model, forget)
    with preserve_adapter(model):
        fit(model, forget, replace(OVERFIT, seed=seed))
        augmented = prompt_logits(model, forget)
    return [teacher_logits(a, b) for a, b in zip(original, augmented, strict=True)]


def random(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> TeacherLogits:
    """A model of the same shape and random weights: it knows nothing at all (arXiv 2205.08096, section 3)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        blank = AutoModelForCausalLM.from_config(model.config).to(model.device).eval()
    return prompt_logits(blank, forget)


def memory_off(model: Any, forget: Sequence[Encoded], seed: int, groups: Groups) -> TeacherLogits:
    """The model with the adapter of the modules that remember switched off (method section 3)."""
    remembering = [module for module, group in groups.items() if group in (Group.FORGET, Group.SHARED)]
    with switched_off(layout(model), remembering):
        return prompt_logits(model, forget)


TEACHERS: dict[str, Callable[[Any, Sequence[Encoded], int, Groups], TeacherLogits]] = {
    "base": base,
    "overfit": overfit,
    "random": random,
    "memory_off": memory_off,
}
