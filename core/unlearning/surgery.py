"""How a forget and a retain gradient become one direction, cell by cell (method section 5).

Gradients are given per parameter; inner products are taken per cell (a module's own coordinates) in the
metric of the optimiser's preconditioner, because Adam's scaling would undo a plain projection.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from core.models.blocks import Layout
from core.types import Group

Gradient = Mapping[str, Tensor]
Surgery = Callable[[Gradient, Gradient, Gradient, Layout], tuple[dict[str, Tensor], Tensor]]


def project(forget: Gradient, retain: Gradient, scale: Gradient, layout: Layout) -> tuple[dict[str, Tensor], Tensor]:
    """Take out of the forget gradient what would raise the retain loss: one-sided PCGrad, per cell.

    Returns the new forget gradient and, per cell, whether the two were in conflict.
    """
    scaled = {name: retain[name] * scale[name] for name in retain}
    product = layout.inner(forget, scaled)
    factor = torch.where(
        product < 0, product / layout.inner(retain, scaled).clamp(min=1e-30), torch.zeros_like(product)
    )
    return {name: forget[name] - layout.spread(factor, name) * retain[name] for name in forget}, product < 0


def plain_sum(forget: Gradient, retain: Gradient, scale: Gradient, layout: Layout) -> tuple[dict[str, Tensor], Tensor]:
    """No surgery; conflicts are still counted."""
    return dict(forget), project(forget, retain, scale, layout)[1]


SURGERY: dict[str, Surgery] = {"project": project, "sum": plain_sum}


def direction(
    forget: Gradient,
    retain: Gradient,
    scale: Gradient,
    layout: Layout,
    groups: tuple[Group, ...],
    weights: tuple[float, float],
    surgery: Surgery,
) -> tuple[dict[str, Tensor], float]:
    """The preconditioned step per parameter and the share of shared cells in conflict.

    groups: per cell. forget cells get w_f g_f, retain cells w_r g_r, shared cells w_f g~_f + w_r g_r,
    outside cells exactly nothing.
    """
    cleared, conflict = surgery(forget, retain, scale, layout)
    device = conflict.device
    is_forget, is_retain, is_shared = (
        torch.tensor([g is kind for g in groups], device=device) for kind in (Group.FORGET, Group.RETAIN, Group.SHARED)
    )
    step = {}
    for name in forget:
        rows = {key: layout.spread(mask, name) for key, mask in (("f", is_forget), ("r", is_retain), ("s", is_shared))}
        pull = torch.where(rows["s"], cleared[name], forget[name]) * weights[0]
        push = retain[name] * weights[1]
        whole = torch.where(rows["f"], pull, torch.where(rows["r"], push, pull + push))
        step[name] = torch.where(rows["f"] | rows["r"] | rows["s"], whole * scale[name], torch.zeros_like(whole))
    share = conflict[is_shared].float().mean().item() if is_shared.any() else 0.0
    return step, share


class Preconditioner:
    """Adam's second moment of both gradients together, without momentum: one metric for projection and step."""

    def __init__(self, decay: float = 0.98, epsilon: float = 1e-8) -> None:
        self.decay, self.epsilon, self.count = decay, epsilon, 0
        self.moment: dict[str, Tensor] = {}

    def update(self, forget: Gradient, retain: Gradient) -> dict[str, Tensor]:
        """Take in this step's gradients and return the scale 1 / (sqrt(moment) + epsilon) per coordinate."""
        self.count += 1
        for name in forget:
            fresh = forget[name].square() + retain[name].square()
            old = self.moment.get(name, torch.zeros_like(fresh))
            self.moment[name] = self.decay * old + (1 - self.decay) * fresh
        correction = 1 - self.decay**self.count
        return {name: 1 / ((moment / correction).sqrt() + self.epsilon) for name, moment in self.moment.items()}
