"""The only training loop: base, adapter, references and unlearning all go through it."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import nn

Losses = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Step:
    """What a watcher sees after each step: its number from 1, how many there are at most, and the losses in nats."""

    number: int
    total: int
    losses: Losses


def train(
    parameters: Iterable[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    gradients: Callable[[int], Losses],
    steps: int,
    watch: Callable[[Step], bool],
    clip: float | None = 1.0,
    warmup: int = 0,
    cosine: bool = False,
) -> int:
    """Take up to `steps` steps; `gradients(step)` fills .grad and returns losses; stop when `watch` says True.

    clip: bound on the global gradient norm, None for none. Returns the number of steps taken.
    """
    parameters = list(parameters)
    rates = [group["lr"] for group in optimiser.param_groups]
    for step in range(steps):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * _schedule(step, steps, warmup, cosine)
        optimiser.zero_grad(set_to_none=True)
        losses = gradients(step)
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimiser.step()
        if watch(Step(step + 1, steps, losses)):
            return step + 1
    return steps


def _schedule(step: int, steps: int, warmup: int, cosine: bool) -> float:
    """Linear warm-up, then constant or a cosine down to a fiftieth."""
    start = min(1.0, (step + 1) / warmup) if warmup else 1.0
    return start * (max(0.02, 0.5 * (1 + math.cos(math.pi * step / steps))) if cosine else 1.0)
