"""Control that groups modules by gradient instead of by circuit (docs/method.md, section 3)."""

from collections.abc import Sequence

from torch import nn

from core.benchmark.entrants import Groups
from core.models.lora_layout import layout
from core.types import Encoded, Group
from core.unlearning.gradient_conflict import gradient_of
from core.unlearning.training_types import UnlearningPrompts

PROMPTS = 64


def by_gradient(model: nn.Module, prompts: UnlearningPrompts, groups: Groups) -> dict[str, Group]:
    """Group modules by their contributions to the gradients of both sets.

    1. Modules with the smallest sum of both contributions are outside.
    2. The others are sorted by the forget set's share of this sum: forget, then shared, then retain.

    Args:
        model: Recommender with its adapter.
        prompts: Prompts of the forget set and of the retain set.
        groups: Groups whose sizes are kept.

    Returns:
        Group by name of module.
    """
    forget, retain = (
        dict.fromkeys(groups, 0.0) | contributions(model, part[:PROMPTS]) for part in (prompts.forget, prompts.retain)
    )
    sizes = {group: sum(one is group for one in groups.values()) for group in Group}
    inner = sorted(groups, key=lambda name: -(forget[name] + retain[name]))[: len(groups) - sizes[Group.OUTSIDE]]
    inner.sort(key=lambda name: -forget[name] / (forget[name] + retain[name] + 1e-30))
    order = [group for group in (Group.FORGET, Group.SHARED, Group.RETAIN) for _ in range(sizes[group])]
    return dict.fromkeys(groups, Group.OUTSIDE) | dict(zip(inner, order, strict=True))


def contributions(model: nn.Module, prompts: Sequence[Encoded]) -> dict[str, float]:
    """|<gradient of the loss, adapter weights>| of each module with LoRA, as a share of the sum over modules."""
    plan = layout(model)
    values = plan.inner(gradient_of(model, prompts, plan), plan.weights()).abs()
    total = values.sum().item() or 1.0
    return {name: value.item() / total for name, value in plan.by_module(values).items()}
