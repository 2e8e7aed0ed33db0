"""Memory contrast: finds the modules whose adapter helps training users more than held-out users.

For each module v (docs/method.md, section 3), with L the mean loss in nats per answer token, D_f the forget set and
D_h the held-out set:

    m(v) = [L(D_f; adapter of v off) - L(D_f)] - [L(D_h; adapter of v off) - L(D_h)]

A large m(v) means that the module memorised its users rather than learned what holds for everyone. The contrast is
exact: one evaluation of both sets for each module. Its noise comes from a bootstrap over prompts.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch.nn.functional import cross_entropy

from core.models.batching import FORWARD_TOKENS, answer_logits, map_prompts
from core.models.families import anatomy
from core.models.lora_layout import Layout, layout
from core.types import Encoded, MemoryContrast
from core.unlearning.early_stopping import sample

PROMPTS = 60  # of held-out users
DRAWS = 200


def memory_contrasts(
    model: Any, forget: Sequence[Encoded], holdout: Sequence[Encoded], seed: int = 0
) -> tuple[MemoryContrast, ...]:
    """Measure the memory contrast of every module.

    Args:
        model: PEFT model.
        forget: Prompts of forgotten users.
        holdout: Prompts of held-out users, of which at most `PROMPTS` are read.
        seed: Seed of the sample and of the bootstrap.

    Returns:
        Contrast of each module in nats per answer token, with the half-width of its 95 % interval.
    """
    plan, sets = layout(model), (forget, sample(holdout, PROMPTS, seed))
    before = [prompt_losses(model, prompts) for prompts in sets]
    results = {name: MemoryContrast(name, 0.0, 0.0, 0.0, 0.0, has_lora=False) for name in anatomy(model).modules}
    for module in plan.modules:
        with switched_off(plan, _switched_with(plan, module)):
            after = [prompt_losses(model, prompts) for prompts in sets]
        forget_rise, holdout_rise = (_Rise(*pair, seed + i) for i, pair in enumerate(zip(before, after, strict=True)))
        contrast_noise = _half_width(forget_rise.draws - holdout_rise.draws)
        noise = _half_width(holdout_rise.draws)
        results[module] = MemoryContrast(module, forget_rise.mean, holdout_rise.mean, contrast_noise, noise)
    return tuple(results.values())


def _switched_with(plan: Layout, module: str) -> set[str]:
    """The module; where it owns no coordinates alone, also the heads with which it shares keys and values."""
    cells = [owners for owners in plan.cells if module in owners]
    return {module} if (module,) in cells else {owner for owners in cells for owner in owners}


class _Rise:
    """Rise of a set's mean loss, in nats per answer token, and its bootstrap draws over prompts."""

    def __init__(self, before: np.ndarray, after: np.ndarray, seed: int) -> None:
        rise, tokens = after[:, 0] - before[:, 0], before[:, 1]
        rows = _resampled(len(rise), seed)
        self.mean = float(rise.sum() / tokens.sum())
        self.draws: Float[np.ndarray, " draws"] = rise[rows].sum(1) / tokens[rows].sum(1)


def switched_off(plan: Layout, modules: Collection[str]) -> AbstractContextManager[None]:
    """Switch the adapter of some modules off: coordinates that they alone own are zero, and restored on exit."""
    before = plan.weights()
    off = torch.tensor([set(owners) <= set(modules) for owners in plan.cells], device=before.device)
    return plan.holding(before.masked_fill(off[plan.cell_of][:, None], 0.0))


@torch.no_grad()
def prompt_losses(model: Any, prompts: Sequence[Encoded]) -> Float[np.ndarray, "prompts 2"]:
    """Per prompt the summed loss of its answers in nats, and its number of answer tokens."""
    losses = map_prompts(
        prompts,
        FORWARD_TOKENS,
        model.device,
        lambda batch: cross_entropy(answer_logits(model, batch).float(), batch.tokens, reduction="none"),
        lambda prompt: prompt.answer_tokens,
    )
    return np.array([(part.sum().item(), len(part)) for part in losses]).reshape(-1, 2)


def _resampled(count: int, seed: int) -> Int[np.ndarray, "draws count"]:
    return np.random.default_rng(seed).integers(count, size=(DRAWS, count))


def _half_width(draws: Float[np.ndarray, " draws"]) -> float:
    """Half-width of the 95 % interval."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(high - low) / 2
