"""Finer than coordinates: rank-one components of a forget vector, and weights instead of in or out, for locality.py.

The rows that one module owns of one LoRA factor form a block [row, rank]. Its singular value decomposition splits the
vector into at most `rank` orthogonal components; each component counts as one rank-th of the block's coordinates.
"""

from collections.abc import Callable, Iterator

import torch
from locality_choices import Inputs
from torch import Tensor

Block = tuple[Tensor, Tensor, Tensor, Tensor]  # rows of the flat tensor, and the block's U, S and V


def blocks(inputs: Inputs) -> Iterator[Block]:
    """The decomposition of each module's rows of each LoRA parameter; blocks that do not move are left out."""
    plan, start = inputs.plan, 0
    for name, parameter in plan.parameters.items():
        rows = torch.arange(start, start + parameter.shape[plan.dims[name]])
        start += len(rows)
        for cell in plan.cell_of[rows].unique():
            own = rows[plan.cell_of[rows] == cell]
            left, sizes, right = torch.linalg.svd(inputs.vector[own], full_matrices=False)
            if sizes[0] > 0:
                yield own, left, sizes, right


def components_by_gradient(inputs: Inputs, share: float, seed: int) -> Tensor:  # noqa: ARG001 - common signature
    """The components with the largest |<g_f, c>| / (|<g_r, c>| + mean |<g_r, c>|), each of length one."""
    gradients = inputs.forget_gradient, inputs.retain_gradient

    def value(own: Tensor, left: Tensor, sizes: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        gain, cost = (torch.einsum("nk,nr,kr->k", left, one[own], right).abs() for one in gradients)
        return gain * sizes, cost

    return _best(inputs, share, value)


def components_by_size(inputs: Inputs, share: float, seed: int) -> Tensor:  # noqa: ARG001 - common signature
    """The components with the largest singular values."""
    return _best(inputs, share, lambda _own, _left, sizes, _right: (sizes, torch.zeros_like(sizes)))


def random_components(inputs: Inputs, share: float, seed: int) -> Tensor:
    """Random components."""
    rng = torch.Generator().manual_seed(seed)
    return _best(inputs, share, lambda _own, _left, sizes, _right: (torch.rand(len(sizes), generator=rng), 0 * sizes))


def _best(
    inputs: Inputs, share: float, value: Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
) -> Tensor:
    """The part of the vector in the components of highest value over cost, until their rows are the share."""
    found = [(block, *value(*block)) for block in blocks(inputs)]
    mean = float(torch.cat([cost for _, _, cost in found]).mean())
    ranked = sorted(
        (
            (float(gain[k] / (cost[k] + mean)) if mean else float(gain[k]), number, k)
            for number, (_, gain, cost) in enumerate(found)
            for k in range(len(gain))
        ),
        reverse=True,
    )
    step, left = torch.zeros_like(inputs.vector), share * len(inputs.vector) * inputs.vector.shape[1]
    for _, number, k in ranked:
        own, u, sizes, v = found[number][0]
        if len(own) <= left:
            step[own] += sizes[k] * u[:, k, None] * v[k]
            left -= len(own)
    return step


def fisher_weights(ratio: Tensor, seed: int) -> Tensor:  # noqa: ARG001 - common signature
    """Weight of each coordinate, from 0 to 1, that grows with the ratio F_f / (F_r + mean F_r) of `by_fisher`."""
    return ratio / (1 + ratio)


def shuffled_fisher_weights(ratio: Tensor, seed: int) -> Tensor:
    """The same weights on other coordinates."""
    order = torch.randperm(ratio.numel(), generator=torch.Generator().manual_seed(seed))
    return fisher_weights(ratio.flatten()[order].view(ratio.shape), seed)


COMPONENTS: dict[str, Callable[[Inputs, float, int], Tensor]] = {
    "components by gradient": components_by_gradient,
    "components by size": components_by_size,
    "random components": random_components,
}
WEIGHTS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "Fisher weights": fisher_weights,
    "shuffled Fisher weights": shuffled_fisher_weights,
}
