"""The control that sorts modules by gradient instead of by circuit (method section 3)."""

from collections.abc import Sequence

from torch import nn

from core.benchmark.entrants import Kinds
from core.models.lora_layout import layout
from core.types import Encoded, Group
from core.unlearning.gradient_conflict import gradient_of
from core.unlearning.paired_losses import Material

PROMPTS = 64


def by_gradient(model: nn.Module, material: Material, kinds: Kinds) -> dict[str, Group]:
    """Groups of the sizes of `kinds`: outside are those of least contribution to either set, then by the ratio of both."""
    forget, retain = (contributions(model, prompts[:PROMPTS]) for prompts in (material.forget, material.retain))
    sizes = {group: sum(one is group for one in kinds.values()) for group in Group}
    inner = sorted(kinds, key=lambda name: -(forget[name] + retain[name]))[: len(kinds) - sizes[Group.OUTSIDE]]
    inner.sort(key=lambda name: -forget[name] / (forget[name] + retain[name] + 1e-30))
    order = [group for group in (Group.FORGET, Group.SHARED, Group.RETAIN) for _ in range(sizes[group])]
    return {name: Group.OUTSIDE for name in kinds} | dict(zip(inner, order, strict=True))


def contributions(model: nn.Module, prompts: Sequence[Encoded]) -> dict[str, float]:
    """Per module |<gradient of the loss, its adapter weights>|, as a share of the sum over modules."""
    plan = layout(model)
    values = plan.inner(gradient_of(model, prompts, plan), plan.weights()).abs()
    total = values.sum().item() or 1.0
    return {name: value.item() / total for name, value in plan.by_module(values).items()}
