"""Unlearning in weight space: CURE's rule once, on two task vectors, instead of at every step on two gradients.

Two short trainings start at the original adapter: one over-fits what is to be forgotten, one goes on with what is kept.
What each changed is a task vector (arXiv 2212.04089, section 2). Away from the first and along the second are combined
cell by cell as two gradients are (method section 5), and validation and holdout people say how far to go.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor

from core.models.lora_layout import Layout
from core.types import Group
from core.unlearning.early_stopping import Stopper
from core.unlearning.finetuning import FitSettings, fit
from core.unlearning.gradient_surgery import SURGERY, direction, masks
from core.unlearning.gradient_unlearning import descend, only_trainable
from core.unlearning.methods import Method
from core.unlearning.paired_losses import PairLosses
from core.unlearning.teachers import OVERFIT
from core.unlearning.trainer import FORGETFUL, Checkpointer, Step

REACHES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # how many times the combined move is tried


@dataclass
class Progress:
    """Tells a watcher the steps of both trainings and of the search as one run, until it says True."""

    watch: Callable[[Step], bool]
    total: int
    before: int = 0
    ended: bool = False

    def told(self, number: int, losses: Mapping[str, float]) -> bool:
        """Step `number` of what is at work now; `before`: how many steps came before that."""
        self.ended = self.watch(Step(self.before + number, self.total, losses)) or self.ended
        return self.ended


def merge(
    losses: PairLosses,
    plan: Layout,
    kinds: tuple[Group, ...],
    method: Method,
    stopper: Stopper,
    watch: Callable[[Step], bool],
    keeper: Checkpointer = FORGETFUL,
) -> int:
    """Find the move and go as far along it as `stopper` lets. Returns how many steps both trainings took.

    watch sees the steps of both, then every reach that is tried, with the model there; where it ends the run before
    a reach was tried, nothing has moved.
    """
    settings = _settings(len(losses.forget), method, losses.seed)
    keeps = bool({Group.RETAIN, Group.SHARED} & {*kinds})  # else nothing follows what is learned there
    steps = settings.epochs * ceil(len(losses.forget) / settings.batch_size) + method.steps * keeps
    before, progress = plan.weights(), Progress(watch, steps + len(REACHES))
    over_fit = _over_fitted(losses, plan, settings, method, progress, keeper)
    plan.write(before)
    kept = _kept(losses, plan, method, progress, keeper) if keeps else before
    plan.write(before)
    taken = progress.before
    if not progress.ended:
        move, told = combined(before - over_fit, kept - before, plan, kinds, method)
        _search(before, move, told["conflict"], plan, stopper, progress)
    return taken


def _settings(count: int, method: Method, seed: int) -> FitSettings:
    """So many epochs over the forget set that they make at least the method's steps."""
    epochs = ceil(method.steps / ceil(count / OVERFIT.batch_size))
    return replace(OVERFIT, epochs=epochs, seed=seed, micro_batch=method.micro_batch)


def _over_fitted(
    losses: PairLosses, plan: Layout, settings: FitSettings, method: Method, progress: Progress, keeper: Checkpointer
) -> Tensor:
    """The weights after over-fitting the forget set in the way adapters are trained."""
    watch = lambda step: progress.told(step.number, _renamed(step.losses))  # noqa: E731
    with only_trainable(losses.model, plan, method.checkpointing):
        progress.before += fit(losses.model, losses.forget, settings, watch, keeper)
    return plan.weights()


def _renamed(losses: Mapping[str, float]) -> Mapping[str, float]:
    return {"overfit_loss": losses["loss"]} if "loss" in losses else losses


def _kept(losses: PairLosses, plan: Layout, method: Method, progress: Progress, keeper: Checkpointer) -> Tensor:
    """The weights after training on with kept prompts alone, every module."""
    alone = replace(method, weights=(0.0, 1.0), surgery="sum")
    watch = lambda step: progress.told(step.number, step.losses)  # noqa: E731
    progress.before += descend(losses, plan, (Group.SHARED,) * len(plan.cells), alone, watch, keeper)
    return plan.weights()


def combined(
    away: Tensor, along: Tensor, plan: Layout, kinds: tuple[Group, ...], method: Method
) -> tuple[Tensor, dict[str, float]]:
    """CURE's rule for two flat task vectors: the move, and what it tells of their conflict."""
    plain, of, surgery = torch.ones_like(away), masks(kinds, away.device), SURGERY[method.surgery]
    return direction(away, along, plain, plan, of, method.weights, surgery, method.pooled)


def _search(before: Tensor, move: Tensor, quarrel: float, plan: Layout, stopper: Stopper, progress: Progress) -> None:
    """Go further until the forget set counts as forgotten; where kept people would pay for it, one reach back."""
    last = 0.0
    for number, reach in enumerate(REACHES, 1):
        plan.write(before + reach * move)
        ended = progress.told(number, {"reach": reach, "conflict": quarrel, **stopper.check()})
        if stopper.utility_violated:
            plan.write(before + last * move)
        if ended or stopper.reason:
            return
        last = reach
