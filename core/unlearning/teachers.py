"""Teachers of the objective `distil`: models that do not know the forget set (docs/method.md, section 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from core.models.batching import FORWARD_TOKENS, answer_logits, map_prompts
from core.models.lora_layout import layout
from core.models.recommender import preserve_adapter
from core.types import Encoded, Group
from core.unlearning.finetuning import FinetuneSettings, finetune
from core.unlearning.memory_contrast import switched_off
from core.unlearning.objectives import teacher_logits

Groups = Mapping[str, Group]  # group of each module
TeacherLogits = list[Tensor]  # per prompt the logits [answer token, vocabulary]
OVERFIT = FinetuneSettings(epochs=8, learning_rate=2e-3, batch_size=8)


class Teacher(Protocol):
    """Computes the answers that the unlearned model should give on the forget set."""

    def __call__(self, model: Any, forget: Sequence[Encoded], seed: int, groups: Groups, /) -> TeacherLogits:
        """Return the teacher's logits; the model is unchanged afterwards.

        Args:
            model: PEFT model before unlearning.
            forget: Prompts of the forget set.
            seed: Seed of a teacher that is trained or random.
            groups: Group of each module.
        """


@torch.no_grad()
def prompt_logits(model: Any, prompts: Sequence[Encoded]) -> TeacherLogits:
    """Logits of the model at the answer tokens of each prompt."""
    return map_prompts(
        prompts,
        FORWARD_TOKENS,
        model.device,
        lambda batch: answer_logits(model, batch),
        lambda prompt: prompt.answer_tokens,
    )


def base_teacher(model: Any, forget: Sequence[Encoded], _seed: int, _groups: Groups) -> TeacherLogits:
    """The base model without its adapter, which never saw the forget set."""
    with model.disable_adapter():
        return prompt_logits(model, forget)


def overfit_teacher(model: Any, forget: Sequence[Encoded], seed: int, _groups: Groups) -> TeacherLogits:
    """The original model minus what over-fitting on the forget set raises (E2URec, arXiv 2403.03536)."""
    original = prompt_logits(model, forget)
    with preserve_adapter(model):
        finetune(model, forget, replace(OVERFIT, seed=seed))
        augmented = prompt_logits(model, forget)
    return [teacher_logits(*pair) for pair in zip(original, augmented, strict=True)]


def random_teacher(model: Any, forget: Sequence[Encoded], seed: int, _groups: Groups) -> TeacherLogits:
    """A model of the same architecture with random weights (arXiv 2205.08096, section 3)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        untrained = AutoModelForCausalLM.from_config(model.config)  # type: ignore[no-untyped-call]
    return prompt_logits(untrained.to(model.device).eval(), forget)


def memory_off_teacher(model: Any, forget: Sequence[Encoded], _seed: int, groups: Groups) -> TeacherLogits:
    """The model with the adapter of its forget and shared modules switched off (docs/method.md, section 3)."""
    memorising = [module for module, group in groups.items() if group in (Group.FORGET, Group.SHARED)]
    with switched_off(layout(model), memorising):
        return prompt_logits(model, forget)


TEACHERS: dict[str, Teacher] = {
    "base": base_teacher,
    "overfit": overfit_teacher,
    "random": random_teacher,
    "memory_off": memory_off_teacher,
}
