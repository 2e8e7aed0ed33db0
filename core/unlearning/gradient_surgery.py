"""Gradient surgery: combines a forget and a retain gradient into one step, cell by cell (docs/method.md, section 5).

A cell is a block of adapter coordinates that one module owns, or several heads that share keys and values. Each step:

1. The preconditioner gives a metric D: Adam's scaling, one factor per coordinate. Surgery must see it, because scaling
   after a projection would undo the projection.
2. Each cell's gradients are reduced to three inner products in this metric (`Gram`).
3. A surgery maps them to two coefficients (a, b), because every surgery here stays in the plane of the two gradients.
   Forget and retain cells follow one gradient only, outside cells none.
4. The step is D (a g_f + b g_r).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from core.models.lora_layout import Layout
from core.types import Group

TINY = 1e-30
CAGRAD_RADIUS = 0.5
CAGRAD_POINTS = 1001


@dataclass(frozen=True)
class Gram:
    """Inner products of the two gradients per cell.

    Attributes:
        ff: <g_f, g_f> [cell].
        fr: <g_f, g_r> [cell].
        rr: <g_r, g_r> [cell].
    """

    ff: Tensor
    fr: Tensor
    rr: Tensor


Coefficients = tuple[Tensor, Tensor]  # of g_f and of g_r, each [cell]
Masks = Mapping[Group, Tensor]  # which cells belong to a group, [cell]


class Surgery(Protocol):
    """Rule that maps inner products and the weights of both gradients to coefficients."""

    def __call__(self, gram: Gram, forget_weight: float, retain_weight: float, /) -> Coefficients:
        """Return the coefficients (a, b) of g_f and g_r, each [cell]."""


def plain_sum(gram: Gram, forget_weight: float, retain_weight: float) -> Coefficients:
    """No surgery: w_f g_f + w_r g_r."""
    return torch.full_like(gram.fr, forget_weight), torch.full_like(gram.fr, retain_weight)


def project(gram: Gram, forget_weight: float, retain_weight: float) -> Coefficients:
    """One-sided projection: where the gradients conflict, g_f loses its component along g_r.

    The step never works against the retain gradient: <step, g_r> >= w_r |g_r|^2.
    """
    a, b = plain_sum(gram, forget_weight, retain_weight)
    return a, b - forget_weight * _ratio(gram.fr.clamp(max=0), gram.rr)


def pcgrad(gram: Gram, forget_weight: float, retain_weight: float) -> Coefficients:
    """Two-sided projection: each gradient loses its component against the other (arXiv 2001.06782, algorithm 1)."""
    conflicting = gram.fr.clamp(max=0)
    return (
        forget_weight - retain_weight * _ratio(conflicting, gram.ff),
        retain_weight - forget_weight * _ratio(conflicting, gram.rr),
    )


def gru(gram: Gram, forget_weight: float, _retain_weight: float) -> Coefficients:
    """The forget gradient alone, rectified so that it does not oppose the retain gradient (arXiv 2503.09117).

    The paper's running mean of the retain gradient is left out.
    """
    return project(gram, forget_weight, 0.0)


def ngdiff(gram: Gram, _forget_weight: float, _retain_weight: float) -> Coefficients:
    """Both gradients scaled to equal length (normalised gradient difference, arXiv 2410.22086).

    Both get the mean of their lengths, so that one learning rate fits every surgery. The weights have no effect.
    """
    forget_norm, retain_norm = gram.ff.sqrt(), gram.rr.sqrt()
    mean = (forget_norm + retain_norm) / 2
    return _ratio(mean, forget_norm) / 2, _ratio(mean, retain_norm) / 2


def blur(gram: Gram, forget_weight: float, retain_weight: float) -> Coefficients:
    """Forgetting first: g_r keeps only its component orthogonal to g_f (bi-level unlearning, arXiv 2506.08164)."""
    a, b = plain_sum(gram, forget_weight, retain_weight)
    return a - retain_weight * _ratio(gram.fr, gram.ff), b


def mgda(gram: Gram, _forget_weight: float, _retain_weight: float) -> Coefficients:
    """The shortest convex combination of both gradients (arXiv 1810.04650, section 3.1).

    The weights have no effect.
    """
    a = _ratio(gram.rr - gram.fr, gram.ff + gram.rr - 2 * gram.fr).clamp(0, 1)
    return a, 1 - a


def cagrad(gram: Gram, forget_weight: float, retain_weight: float) -> Coefficients:
    """The direction near the weighted sum with the largest worst-case gain (arXiv 2110.14048, algorithm 1).

    d = g_0 + r |g_0| g_w / |g_w| with g_0 the weighted sum, g_w = w g_f + (1 - w) g_r, and w the minimiser of
    <g_w, g_0> + r |g_0| |g_w| over `CAGRAD_POINTS` points of [0, 1].
    """
    w = torch.linspace(0, 1, CAGRAD_POINTS, device=gram.fr.device)[:, None]
    radius = CAGRAD_RADIUS * _squared_norm(gram, forget_weight, retain_weight).clamp(min=0).sqrt()
    norm = _squared_norm(gram, w, 1 - w).clamp(min=TINY).sqrt()
    forget_gain = forget_weight * gram.ff + retain_weight * gram.fr  # <g_f, g_0>
    retain_gain = forget_weight * gram.fr + retain_weight * gram.rr  # <g_r, g_0>
    best = (w * forget_gain + (1 - w) * retain_gain + radius * norm).argmin(0, keepdim=True)
    push = radius / norm.gather(0, best)[0]
    return forget_weight + push * w[best[0], 0], retain_weight + push * (1 - w[best[0], 0])


def _squared_norm(gram: Gram, a: Tensor | float, b: Tensor | float) -> Tensor:
    """|a g_f + b g_r|^2."""
    return a**2 * gram.ff + 2 * a * b * gram.fr + b**2 * gram.rr


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    return numerator / denominator.clamp(min=TINY)


SURGERY: dict[str, Surgery] = {
    "sum": plain_sum,
    "project": project,
    "pcgrad": pcgrad,
    "upgrad": pcgrad,  # with two gradients UPGrad's projections on the dual cone are PCGrad's (arXiv 2406.16232)
    "gru": gru,
    "ngdiff": ngdiff,
    "blur": blur,
    "mgda": mgda,
    "cagrad": cagrad,
}


def group_masks(groups_by_cell: tuple[Group, ...], device: torch.device | str = "cpu") -> Masks:
    """For each group the cells that belong to it."""
    return {group: torch.tensor([own is group for own in groups_by_cell], device=device) for group in Group}


def direction(
    forget: Tensor,
    retain: Tensor,
    scale: Tensor,
    layout: Layout,
    masks: Masks,
    weights: tuple[float, float],
    surgery: Surgery,
    pool: bool = False,
) -> tuple[Tensor, dict[str, float]]:
    """Combine two gradients into one preconditioned step.

    Args:
        forget: Flat forget gradient [row, rank].
        retain: Flat retain gradient [row, rank].
        scale: Diagonal of the metric D [row, rank].
        layout: Cells of the adapter.
        masks: Cells of each group.
        weights: Weights of the forget and the retain gradient.
        surgery: Rule for shared cells.
        pool: Whether the rule sees all shared cells as one.

    Returns:
        Flat step [row, rank], and the measures of `conflict_measures`.
    """
    gram = gram_of(forget, retain, scale, layout)
    found = coefficients(pooled(gram, masks) if pool else gram, masks, weights, surgery)
    return combine(forget, retain, scale, layout, found), conflict_measures(gram, found, masks)


def gram_of(forget: Tensor, retain: Tensor, scale: Tensor, layout: Layout) -> Gram:
    """Inner products of every cell in the metric `scale`."""
    scaled = retain * scale
    return Gram(layout.inner(forget, forget * scale), layout.inner(forget, scaled), layout.inner(retain, scaled))


def pooled(gram: Gram, masks: Masks) -> Gram:
    """Replace the products of each shared cell by their sum over all shared cells: one conflict for the whole model."""
    shared = masks[Group.SHARED]
    return Gram(*(torch.where(shared, value[shared].sum(), value) for value in (gram.ff, gram.fr, gram.rr)))


def coefficients(gram: Gram, masks: Masks, weights: tuple[float, float], surgery: Surgery) -> Coefficients:
    """Coefficients by group: forget (w_f, 0), retain (0, w_r), shared from the surgery, outside (0, 0)."""
    a, b = surgery(gram, *weights)
    a = torch.where(masks[Group.SHARED], a, masks[Group.FORGET] * weights[0])
    return a, torch.where(masks[Group.SHARED], b, masks[Group.RETAIN] * weights[1])


def combine(forget: Tensor, retain: Tensor, scale: Tensor, layout: Layout, found: Coefficients) -> Tensor:
    """Flat step D (a g_f + b g_r); exactly zero where a and b are zero."""
    a, b = (value[layout.cell_of][:, None] for value in found)
    return ((a * forget + b * retain) * scale).masked_fill((a == 0) & (b == 0), 0.0)


def conflict_measures(gram: Gram, found: Coefficients, masks: Masks) -> dict[str, float]:
    """Measure the conflict of the gradients before and after surgery.

    Returns:
        `conflict`: share of shared cells whose gradients oppose each other. For each of forget, retain and shared
        that has cells, over all of them together: `cosine_GROUP` of both gradients, and `step_GROUP`, the cosine of the
        step with the retain gradient.
    """
    a, b = found
    gain = a * gram.fr + b * gram.rr  # <step, g_r>
    rows = [gram.ff, gram.fr, gram.rr, gain, _squared_norm(gram, a, b), gram.fr < 0, torch.ones_like(gram.fr)]
    groups = (Group.FORGET, Group.RETAIN, Group.SHARED)
    numbers = torch.stack(rows)
    sums = (torch.stack([masks[group] for group in groups]).to(numbers) @ numbers.T).tolist()
    measures: dict[str, float] = {"conflict": 0.0}
    for group, (ff, fr, rr, gained, step, opposed, count) in zip(groups, sums, strict=True):
        if count:
            measures[f"cosine_{group}"] = fr / max(ff * rr, TINY) ** 0.5
            measures[f"step_{group}"] = gained / max(step * rr, TINY) ** 0.5
        if count and group is Group.SHARED:
            measures["conflict"] = opposed / count
    return measures


class Preconditioner:
    """Adam's second moment of both gradients together, without momentum: the metric of projection and step."""

    def __init__(self, decay: float = 0.98, epsilon: float = 1e-8) -> None:
        self.decay, self.epsilon, self.count = decay, epsilon, 0
        self.moment: Tensor | None = None

    def update(self, forget: Tensor, retain: Tensor) -> Tensor:
        """Add this step's gradients and return the scale 1 / (sqrt(moment) + epsilon) [row, rank]."""
        self.count += 1
        squares = forget.square() + retain.square()
        self.moment = (1 - self.decay) * squares if self.moment is None else self.moment.lerp(squares, 1 - self.decay)
        return 1 / ((self.moment / (1 - self.decay**self.count)).sqrt() + self.epsilon)
