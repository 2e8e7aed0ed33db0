"""The memory contrast (method section 3): which parts of the adapter remember people rather than know something.

m(v) = [L(D_f; adapter of v off) - L(D_f)] - [L(D_h; adapter of v off) - L(D_h)]: how much more a module helps the people
it was trained on than people like them whom it never met.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from core.models.batching import answer_logits, by_prompt
from core.models.lora_layout import Layout, layout
from core.types import Encoded, Memory
from core.unlearning.early_stopping import sample

TOKENS = 4096
PROMPTS = 60  # of holdout people
DRAWS = 200


def memories(model: Any, forget: Sequence[Encoded], holdout: Sequence[Encoded], seed: int = 0) -> tuple[Memory, ...]:
    """The contrast of every module, exactly: one evaluation of both sets with each module's adapter off."""
    plan, sets = layout(model), (forget, sample(holdout, PROMPTS, seed))
    whole = [prompt_losses(model, prompts) for prompts in sets]
    found = []
    for module in plan.modules:
        with switched_off(plan, [module]):
            rises = [prompt_losses(model, prompts) - before for prompts, before in zip(sets, whole, strict=True)]
        draws = [_resampled(rise, seed + side) for side, rise in enumerate(rises)]
        f, h = (float(rise[:, 0].sum() / before[:, 1].sum()) for rise, before in zip(rises, whole, strict=True))
        counts = [before[:, 1] for before in whole]
        bootstrap = [rise[rows, 0].sum(1) / n[rows].sum(1) for rise, rows, n in zip(rises, draws, counts, strict=True)]
        found.append(Memory(module, f, h, _half_width(bootstrap[0] - bootstrap[1]), _half_width(bootstrap[1])))
    return tuple(found)


def switched_off(plan: Layout, modules: Collection[str]) -> AbstractContextManager[None]:
    """The adapter without these modules: coordinates that they own alone are zero, and put back afterwards."""
    before = plan.weights()
    gone = torch.tensor([set(owners) <= set(modules) for owners in plan.cells], device=before.device)
    return plan.holding(before.masked_fill(gone[plan.cell_of][:, None], 0.0))


@torch.no_grad()
def prompt_losses(model: Any, prompts: Sequence[Encoded]) -> np.ndarray:
    """Per prompt the sum of its answers' losses in nats, and how many answer tokens it has: [prompt, 2]."""
    found = by_prompt(
        prompts,
        TOKENS,
        model.device,
        lambda batch: cross_entropy(answer_logits(model, batch).float(), batch.tokens, reduction="none"),
        lambda one: one.answer_tokens,
    )
    return np.array([(part.sum().item(), len(part)) for part in found]).reshape(-1, 2)


def _resampled(rows: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(len(rows), size=(DRAWS, len(rows)))


def _half_width(draws: np.ndarray) -> float:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(high - low) / 2
