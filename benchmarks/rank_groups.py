"""LoRA ranks that belong to groups of people, for routed.py: only a group's own prompts write to its ranks.

Two forms. *Routed*: all ranks answer each prompt, and its gradient reaches only the ranks of its group (gradient
routing, arXiv 2410.04332). *Stacked*: each group trains its ranks without the others', and all ranks answer together,
scaled by one factor. A removed group leaves nothing in a stack, since nobody else's training saw its ranks.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from split_step import PartStep  # noqa: E402

from core.unlearning.finetuning import FinetuneSettings, finetune  # noqa: E402
from core.unlearning.training_types import Losses  # noqa: E402

Weights = dict[str, Tensor]


def as_weight(name: str, mask: Tensor) -> Tensor:
    """A mask of ranks [rank] in the shape in which it multiplies a LoRA weight of this name."""
    return mask[:, None] if ".lora_A." in name else mask[None, :]


def ranks_of(group: int, groups: int, rank: int) -> Tensor:
    """1 at the ranks of a group, 0 at the others, [rank]; each group has as many as the others."""
    own = torch.zeros(rank)
    own[group * rank // groups : (group + 1) * rank // groups] = 1
    return own


def without(weights: Mapping[str, Tensor], mask: Tensor) -> Weights:
    """LoRA weights whose ranks in a mask [rank] are taken out."""
    return {name: value * as_weight(name, 1 - mask) for name, value in weights.items()}


class RankRoutedStep(PartStep):
    """Step of fine-tuning in which each prompt's gradient reaches only the ranks of its group."""

    def __init__(self, *arguments: Any, group_of: Sequence[int], masks: Sequence[Tensor]) -> None:
        """Prepare a training.

        Args:
            *arguments: Those of AnswerLossStep.
            group_of: The group of each prompt [prompt].
            masks: 1 at the ranks of a group [group][rank].
        """
        super().__init__(*arguments)
        self.group_of, self.masks = group_of, masks
        self.names = [name for name, one in self.model.named_parameters() if one.requires_grad]

    def __call__(self, step: int) -> Losses:
        """Fill `.grad` with the sum of the groups' masked gradients."""
        loss, total = 0.0, [torch.zeros_like(one) for one in self.parameters]
        for group in sorted({self.group_of[i] for i in self.order[step]}):
            loss += self.backward([i for i in self.order[step] if self.group_of[i] == group], step)
            for name, parameter, kept in zip(self.names, self.parameters, total, strict=True):
                if parameter.grad is not None:
                    kept += parameter.grad * as_weight(name, self.masks[group])
                    parameter.grad = None
        for parameter, kept in zip(self.parameters, total, strict=True):
            parameter.grad = kept
        return {"loss": loss}


def train_routed(
    model: nn.Module,
    prompts: Sequence[Any],
    group_of: Sequence[int],
    masks: Sequence[Tensor],
    settings: FinetuneSettings,
) -> None:
    """Train a fresh adapter in place, the prompts' gradients routed to their groups' ranks."""
    finetune(model, prompts, settings, make_step=partial(RankRoutedStep, group_of=group_of, masks=masks))


@contextmanager
def only_ranks(model: nn.Module, mask: Tensor) -> Iterator[None]:
    """Let only the ranks in a mask [rank] answer inside the context."""

    def masked(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0] * mask,)

    layers = [layer for name, layer in model.named_modules() if ".lora_B." in name]
    handles = [layer.register_forward_pre_hook(masked) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
