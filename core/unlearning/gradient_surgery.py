"""How a forget and a retain gradient become one direction, cell by cell (method section 5).

Every surgery here is a direction in the plane of the two gradients, so it is a pair of coefficients (a, b) of
a g_f + b g_r per cell, a function of the cell's three inner products alone. These are taken in the metric of the
optimiser's preconditioner, because Adam's scaling would undo a plain projection.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.lora_layout import Layout
from core.types import Group

TINY = 1e-30
CAGRAD_RADIUS = 0.5


@dataclass(frozen=True)
class Gram:
    """<g_f, g_f>, <g_f, g_r> and <g_r, g_r>, each [cell]."""

    ff: Tensor
    fr: Tensor
    rr: Tensor


Coefficients = tuple[Tensor, Tensor]
Masks = Mapping[Group, Tensor]  # which cells are of a group, [cell]
Surgery = Callable[[Gram, float, float], Coefficients]


def plain_sum(gram: Gram, forget: float, retain: float) -> Coefficients:
    """w_f g_f + w_r g_r: no surgery."""
    return torch.full_like(gram.fr, forget), torch.full_like(gram.fr, retain)


def project(gram: Gram, forget: float, retain: float) -> Coefficients:
    """One-sided: where they conflict, g_f loses its part along g_r. The step never works against the retain gradient."""
    a, b = plain_sum(gram, forget, retain)
    return a, b - forget * _share(gram.fr.clamp(max=0), gram.rr)


def pcgrad(gram: Gram, forget: float, retain: float) -> Coefficients:
    """Both gradients lose what opposes the other (arXiv 2001.06782, algorithm 1)."""
    against = gram.fr.clamp(max=0)
    return forget - retain * _share(against, gram.ff), retain - forget * _share(against, gram.rr)


def gru(gram: Gram, forget: float, retain: float) -> Coefficients:
    """The forget gradient alone, rectified so that it does not oppose the retain gradient (arXiv 2503.09117).

    Without that paper's running mean of the retain gradient.
    """
    return project(gram, forget, 0.0)


def ngdiff(gram: Gram, forget: float, retain: float) -> Coefficients:
    """Both gradients at equal length (normalised gradient difference, arXiv 2410.22086); the weights do not matter.

    Their mean length is kept, so that one learning rate serves every surgery.
    """
    f, r = gram.ff.sqrt(), gram.rr.sqrt()
    mean = (f + r) / 2
    return _share(mean, f) / 2, _share(mean, r) / 2


def blur(gram: Gram, forget: float, retain: float) -> Coefficients:
    """Forgetting first: the retain gradient only where it is orthogonal to g_f (bi-level unlearning, arXiv 2506.08164)."""
    a, b = plain_sum(gram, forget, retain)
    return a - retain * _share(gram.fr, gram.ff), b


def mgda(gram: Gram, forget: float, retain: float) -> Coefficients:
    """The shortest vector between the two gradients (arXiv 1810.04650, section 3.1); the weights do not matter."""
    a = _share(gram.rr - gram.fr, gram.ff + gram.rr - 2 * gram.fr).clamp(0, 1)
    return a, 1 - a


def cagrad(gram: Gram, forget: float, retain: float) -> Coefficients:
    """The direction near the weighted sum whose worst gain is largest (arXiv 2110.14048, algorithm 1).

    d = g_0 + r |g_0| g_w / |g_w| where w minimises <g_w, g_0> + r |g_0| |g_w|, here over 1,001 points of [0, 1].
    """
    grid = torch.linspace(0, 1, 1001, device=gram.fr.device)[:, None]
    radius = (
        CAGRAD_RADIUS * (forget**2 * gram.ff + 2 * forget * retain * gram.fr + retain**2 * gram.rr).clamp(min=0).sqrt()
    )
    length = (grid**2 * gram.ff + 2 * grid * (1 - grid) * gram.fr + (1 - grid) ** 2 * gram.rr).clamp(min=TINY).sqrt()
    along = grid * (forget * gram.ff + retain * gram.fr) + (1 - grid) * (forget * gram.fr + retain * gram.rr)
    best = (along + radius * length).argmin(0, keepdim=True)
    push = radius / length.gather(0, best)[0]
    return forget + push * grid[best[0], 0], retain + push * (1 - grid[best[0], 0])


def _share(part: Tensor, whole: Tensor) -> Tensor:
    return part / whole.clamp(min=TINY)


SURGERY: dict[str, Surgery] = {
    "sum": plain_sum,
    "project": project,
    "pcgrad": pcgrad,
    "upgrad": pcgrad,  # with two gradients its projections on the dual cone are PCGrad's (arXiv 2406.16232); tested
    "gru": gru,
    "ngdiff": ngdiff,
    "blur": blur,
    "mgda": mgda,
    "cagrad": cagrad,
}


def masks(kinds: tuple[Group, ...], device: torch.device | str = "cpu") -> Masks:
    """For each group which cells are of it."""
    return {group: torch.tensor([kind is group for kind in kinds], device=device) for group in Group}


def direction(
    forget: Tensor,
    retain: Tensor,
    scale: Tensor,
    layout: Layout,
    of: Masks,
    weights: tuple[float, float],
    surgery: Surgery,
    pool: bool = False,
) -> tuple[Tensor, dict[str, float]]:
    """One preconditioned step and what it tells of the conflict. Gradients, scale and step are flat."""
    gram = gram_of(forget, retain, scale, layout)
    found = coefficients(pooled(gram, of) if pool else gram, of, weights, surgery)
    return combine(forget, retain, scale, layout, found), conflict(gram, found, of)


def gram_of(forget: Tensor, retain: Tensor, scale: Tensor, layout: Layout) -> Gram:
    """The inner products of every cell in the metric `scale`."""
    scaled = retain * scale
    return Gram(layout.inner(forget, forget * scale), layout.inner(forget, scaled), layout.inner(retain, scaled))


def pooled(gram: Gram, of: Masks) -> Gram:
    """The products of all shared cells together, in each of them: one conflict for the whole model (an ablation)."""
    shared = of[Group.SHARED]
    return Gram(*(torch.where(shared, value[shared].sum(), value) for value in (gram.ff, gram.fr, gram.rr)))


def coefficients(gram: Gram, of: Masks, weights: tuple[float, float], surgery: Surgery) -> Coefficients:
    """(a, b) per cell: forget cells get w_f g_f, retain cells w_r g_r, shared cells the surgery, outside cells nothing."""
    a, b = surgery(gram, *weights)
    a = torch.where(of[Group.SHARED], a, of[Group.FORGET] * weights[0])
    return a, torch.where(of[Group.SHARED], b, of[Group.RETAIN] * weights[1])


def combine(forget: Tensor, retain: Tensor, scale: Tensor, layout: Layout, found: Coefficients) -> Tensor:
    """The preconditioned step, (a g_f + b g_r) * scale; exactly nothing where a and b are 0."""
    a, b = (value[layout.cell_of][:, None] for value in found)
    return ((a * forget + b * retain) * scale).masked_fill((a == 0) & (b == 0), 0.0)


def conflict(gram: Gram, found: Coefficients, of: Masks) -> dict[str, float]:
    """What a step tells about the two gradients' quarrel.

    conflict: share of shared cells whose gradients oppose each other. For each group that has cells, over these
    together: cosine_GROUP of both gradients, and step_GROUP of the step with the retain gradient.
    """
    a, b = found
    length = a**2 * gram.ff + 2 * a * b * gram.fr + b**2 * gram.rr
    numbers = torch.stack(
        [gram.ff, gram.fr, gram.rr, a * gram.fr + b * gram.rr, length, gram.fr < 0, gram.fr == gram.fr]
    )
    groups = (Group.FORGET, Group.RETAIN, Group.SHARED)
    sums = (torch.stack([of[group] for group in groups]).to(numbers) @ numbers.T).tolist()
    told: dict[str, float] = {"conflict": 0.0}
    for group, (ff, fr, rr, gain, step, against, count) in zip(groups, sums, strict=True):
        if count:
            told[f"cosine_{group}"] = fr / max(ff * rr, TINY) ** 0.5
            told[f"step_{group}"] = gain / max(step * rr, TINY) ** 0.5
        if count and group is Group.SHARED:
            told["conflict"] = against / count
    return told


class Preconditioner:
    """Adam's second moment of both gradients together, without momentum: one metric for projection and step."""

    def __init__(self, decay: float = 0.98, epsilon: float = 1e-8) -> None:
        self.decay, self.epsilon, self.count = decay, epsilon, 0
        self.moment: Tensor | None = None

    def update(self, forget: Tensor, retain: Tensor) -> Tensor:
        """Take in this step's gradients and return the scale 1 / (sqrt(moment) + epsilon) per coordinate."""
        self.count += 1
        fresh = forget.square() + retain.square()
        self.moment = (1 - self.decay) * fresh if self.moment is None else self.moment.lerp(fresh, 1 - self.decay)
        return 1 / ((self.moment / (1 - self.decay**self.count)).sqrt() + self.epsilon)
