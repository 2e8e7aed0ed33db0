"""Memory contrast: finds the modules whose adapter helps training users more than held-out users.

For each module v (docs/method.md, section 3), with L the mean loss in nats per answer token, D_f the forget set and
D_h the held-out set:

    m(v) = [L(D_f; adapter of v off) - L(D_f)] - [L(D_h; adapter of v off) - L(D_h)]

A large m(v) means that the module memorised its users rather than learned what holds for everyone. With up to
`EXACT_MODULES` modules, each is switched off in turn: one evaluation of both sets for each. In larger models that would
take longer than the rest of a run, so each bracket is attributed to the modules by integrated gradients along the
strength a of the whole adapter W (Sundararajan et al. 2017, equation 1, with the adapter off as the baseline):

    rise(v) = - integral over a from 0 to 1 of <W_v, dL(aW) / dW_v>

Over all cells, these rises sum to what the whole adapter changes; a module counts the cells that it alone owns. Noise
comes from a bootstrap over prompts.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from core.models.batching import token_losses
from core.models.families import anatomy
from core.models.lora_layout import Layout, layout
from core.types import Encoded, MemoryContrast
from core.unlearning.early_stopping import sample
from core.unlearning.gradient_conflict import gradient_of
from core.utils.progress import WorkDone, no_progress

PROMPTS = 60  # of held-out users
DRAWS = 200
EXACT_MODULES = 100
STRENGTHS = 6  # of the adapter, where gradients are taken: nodes of Gauss-Legendre quadrature
Rises = dict[str, Float[np.ndarray, " prompts"]]  # by module: rise of each prompt's summed loss, in nats


def memory_contrasts(
    model: Any,
    forget: Sequence[Encoded],
    holdout: Sequence[Encoded],
    seed: int = 0,
    progress: Callable[[float], None] = no_progress,
) -> tuple[MemoryContrast, ...]:
    """Measure the memory contrast of every module.

    Args:
        model: PEFT model.
        forget: Prompts of forgotten users.
        holdout: Prompts of held-out users, of which at most `PROMPTS` are read.
        seed: Seed of the sample and of the bootstrap.
        progress: Receives the share that is done.

    Returns:
        Contrast of each module in nats per answer token, with the half-width of its 95 % interval.
    """
    plan, sets = layout(model), (forget, sample(holdout, PROMPTS, seed))
    measure = switched_rises if len(plan.modules) <= EXACT_MODULES else attributed_rises
    halves = (lambda share: progress(share / 2)), (lambda share: progress((1 + share) / 2))
    rises = [measure(model, plan, prompts, half) for prompts, half in zip(sets, halves, strict=True)]
    tokens = [np.array([prompt.answer_tokens for prompt in prompts]) for prompts in sets]
    results = {name: MemoryContrast(name, 0.0, 0.0, 0.0, 0.0, has_lora=False) for name in anatomy(model).modules}
    for module in plan.modules:
        forget_rise, holdout_rise = (_Rise(rises[i][module], tokens[i], seed + i) for i in range(2))
        contrast_noise = _half_width(forget_rise.draws - holdout_rise.draws)
        noise = _half_width(holdout_rise.draws)
        results[module] = MemoryContrast(module, forget_rise.mean, holdout_rise.mean, contrast_noise, noise)
    return tuple(results.values())


def switched_rises(
    model: Any, plan: Layout, prompts: Sequence[Encoded], progress: Callable[[float], None] = no_progress
) -> Rises:
    """Rise of each prompt's loss when the adapter of one module is off, measured for each module."""
    before, found = prompt_losses(model, prompts), {}
    for module in WorkDone(len(plan.modules), progress).each(plan.modules, 1):
        with switched_off(plan, _switched_with(plan, module)):
            found[module] = prompt_losses(model, prompts) - before
    return found


def attributed_rises(
    model: Any, plan: Layout, prompts: Sequence[Encoded], progress: Callable[[float], None] = no_progress
) -> Rises:
    """Rise of each prompt's loss when the whole adapter is off, attributed to each module."""
    found = cell_rises(model, plan, prompts, progress).cpu()
    masks = {module: _owned_by(plan, _switched_with(plan, module)).cpu() for module in plan.modules}
    return {module: found[:, mask].sum(1).numpy() for module, mask in masks.items()}


def cell_rises(
    model: Any, plan: Layout, prompts: Sequence[Encoded], progress: Callable[[float], None] = no_progress
) -> Float[Tensor, "prompts cell"]:
    """Rise of each prompt's summed loss when the whole adapter is off, attributed to each cell, in nats."""
    whole, found = plan.weights(), []
    nodes, shares = np.polynomial.legendre.leggauss(STRENGTHS)  # on [-1, 1]
    for prompt in WorkDone(len(prompts), progress).each(prompts, 1):
        gradient = torch.zeros_like(whole)
        for node, share in zip(nodes.tolist(), shares.tolist(), strict=True):
            with plan.holding((1 + node) / 2 * whole):
                gradient += share / 2 * gradient_of(model, [prompt], plan)
        found.append(-plan.inner(whole, gradient))
    return torch.stack(found)


def _switched_with(plan: Layout, module: str) -> set[str]:
    """The module; where it owns no coordinates alone, also the heads with which it shares keys and values."""
    cells = [owners for owners in plan.cells if module in owners]
    return {module} if (module,) in cells else {owner for owners in cells for owner in owners}


class _Rise:
    """Rise of a set's mean loss, in nats per answer token, and its bootstrap draws over prompts."""

    def __init__(self, rise: np.ndarray, tokens: np.ndarray, seed: int) -> None:
        rows = _resampled(len(rise), seed)
        self.mean = float(rise.sum() / tokens.sum())
        self.draws: Float[np.ndarray, " draws"] = rise[rows].sum(1) / tokens[rows].sum(1)


def switched_off(plan: Layout, modules: Collection[str]) -> AbstractContextManager[None]:
    """Switch the adapter of some modules off: coordinates that they alone own are zero, and restored on exit."""
    before = plan.weights()
    return plan.holding(before.masked_fill(_owned_by(plan, modules)[plan.cell_of][:, None], 0.0))


def _owned_by(plan: Layout, modules: Collection[str]) -> Bool[Tensor, " cell"]:
    """Which cells are owned by these modules alone."""
    return torch.tensor([set(owners) <= set(modules) for owners in plan.cells], device=plan.cell_of.device)


def prompt_losses(model: Any, prompts: Sequence[Encoded]) -> Float[np.ndarray, " prompts"]:
    """Per prompt the summed loss of its answers, in nats."""
    return np.array([losses.sum().item() for losses in token_losses(model, prompts)])


def _resampled(count: int, seed: int) -> Int[np.ndarray, "draws count"]:
    return np.random.default_rng(seed).integers(count, size=(DRAWS, count))


def _half_width(draws: Float[np.ndarray, " draws"]) -> float:
    """Half-width of the 95 % interval."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(high - low) / 2
