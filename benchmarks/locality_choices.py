"""Choices of LoRA coordinates, for locality.py: which part of a forget vector is applied.

Each choice scores every coordinate; the share with the highest scores is chosen. Choices by module give all coordinates
of a module one score, so that ties are broken at random: a share smaller than a module is a random part of it.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.trials import Scenario  # noqa: E402
from core.models.lora_layout import Layout  # noqa: E402
from core.pipeline.circuit_stage import find_circuits, group_by_circuit  # noqa: E402
from core.pipeline.events import NullObserver, StageTimer  # noqa: E402
from core.types import Encoded  # noqa: E402
from core.unlearning.early_stopping import sample  # noqa: E402
from core.unlearning.gradient_conflict import gradient_of  # noqa: E402
from core.unlearning.memory_contrast import memory_contrasts  # noqa: E402

RETAIN_PROMPTS = 64  # whose gradient stands for that of the retain set


@dataclass(frozen=True, eq=False)
class Inputs:
    """What choices are made from.

    Attributes:
        scenario: The scenario with the original adapter in its model.
        plan: Layout of the adapter's coordinates.
        vector: Task vector of the forget set less half of that of retained prompts, flat [row, rank].
        forget_vector: Task vector of the forget set alone, flat [row, rank].
        seed: Seed of samples, prompt pairs and ties.
    """

    scenario: Scenario
    plan: Layout
    vector: Tensor
    forget_vector: Tensor
    seed: int

    @cached_property
    def forget_gradient(self) -> Tensor:
        """Gradient of the forget set, flat [row, rank]."""
        return self.gradient(self.scenario.prompts.forget)

    @cached_property
    def retain_gradient(self) -> Tensor:
        """Gradient of a part of the retain set, flat [row, rank]."""
        return self.gradient(self.retain)

    @property
    def retain(self) -> Sequence[Encoded]:
        """A part of the retain set."""
        return sample(self.scenario.prompts.retain, RETAIN_PROMPTS, self.seed)

    def gradient(self, prompts: Sequence[Encoded]) -> Tensor:
        """Gradient of the mean loss per prompt, flat [row, rank]."""
        return gradient_of(self.scenario.recommender.model, prompts, self.plan) / len(prompts)

    def fisher(self, prompts: Sequence[Encoded]) -> Tensor:
        """Diagonal of the empirical Fisher information: mean square of the prompts' gradients, flat [row, rank]."""
        total = torch.zeros_like(self.vector)
        for prompt in prompts:
            total += self.gradient([prompt]).square()
        return total / len(prompts)

    def spread(self, by_module: Mapping[str, float]) -> Tensor:
        """Score of each module on all of its coordinates; a cell with several owners has their mean."""
        cells = [sum(by_module[one] for one in owners) / len(owners) for owners in self.plan.cells]
        rows = torch.tensor(cells, dtype=torch.float64)[self.plan.cell_of]
        return rows[:, None].expand(self.vector.shape).clone()


def by_circuit(inputs: Inputs) -> Tensor:
    """The forget circuit's share of a module over that of both circuits, as the groups of `cure` are assigned."""
    scenario = inputs.scenario
    circuits = find_circuits(scenario.recommender, scenario.context, inputs.seed, StageTimer(NullObserver()))
    groups = group_by_circuit(scenario.recommender, scenario.context, circuits)
    return inputs.spread({one.module: one.ratio for one in groups})


def by_memory(inputs: Inputs) -> Tensor:
    """How much more a module helps forgotten people than people whom the model never saw."""
    prompts = inputs.scenario.prompts
    rows = memory_contrasts(inputs.scenario.recommender.model, prompts.forget, prompts.holdout, inputs.seed)
    return inputs.spread({row.module: row.contrast for row in rows})


def by_effect(inputs: Inputs) -> Tensor:
    """What a module's part of the vector changes of the forget loss, to first order, for each of its coordinates."""
    effect = -(inputs.forget_gradient * inputs.vector)
    sizes = inputs.plan.inner(torch.ones_like(effect), torch.ones_like(effect))
    means = inputs.plan.inner(effect, torch.ones_like(effect)) / sizes
    return means[inputs.plan.cell_of][:, None].expand(effect.shape).clone()


def by_size(inputs: Inputs) -> Tensor:
    """The size of the vector."""
    return inputs.vector.abs()


def by_gradient(inputs: Inputs) -> Tensor:
    """|g_f v| / (|g_r| + mean |g_r|): what a coordinate does for forgetting, over what it does to others."""
    forget, retain = inputs.forget_gradient, inputs.retain_gradient
    return (forget * inputs.vector).abs() / (retain.abs() + retain.abs().mean())


def by_fisher(inputs: Inputs) -> Tensor:
    """F_f / (F_r + mean F_r), with the diagonal Fisher information of the forget and the retain set."""
    forget, retain = (inputs.fisher(part) for part in (inputs.scenario.prompts.forget, inputs.retain))
    return forget / (retain + retain.mean())


def random_coordinates(inputs: Inputs) -> Tensor:
    """No preference: ties are broken at random."""
    return torch.zeros_like(inputs.vector)


def random_modules(inputs: Inputs) -> Tensor:
    """Modules in a random order."""
    names = inputs.plan.modules
    order = torch.randperm(len(names), generator=torch.Generator().manual_seed(inputs.seed)).tolist()
    return inputs.spread(dict(zip(names, map(float, order), strict=True)))


CHOICES: dict[str, Callable[[Inputs], Tensor]] = {
    "circuit": by_circuit,
    "memory contrast": by_memory,
    "effect": by_effect,
    "size": by_size,
    "gradient": by_gradient,
    "Fisher": by_fisher,
}
RANDOM: dict[str, Callable[[Inputs], Tensor]] = {
    "random modules": random_modules,
    "random coordinates": random_coordinates,
}


def highest(scores: Tensor, share: float, seed: int) -> Tensor:
    """The share of coordinates with the highest scores, ties in random order.

    Returns:
        1 at the chosen coordinates and 0 at the others, flat [row, rank].
    """
    flat = scores.flatten().double()
    shuffled = torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed))
    best = shuffled[torch.argsort(flat[shuffled], descending=True, stable=True)]
    mask = torch.zeros_like(flat, dtype=torch.float32)
    mask[best[: round(share * len(flat))]] = 1
    return mask.view(scores.shape)
