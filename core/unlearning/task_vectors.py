"""Unlearning in weight space: applies CURE's rule once to two task vectors instead of at every step to two gradients.

1. Over-fit a copy of the adapter on the forget set, and continue another on the retain set, both from the original.
2. Each change of the weights is a task vector (arXiv 2212.04089, section 2). Minus the first and plus the second are
   combined cell by cell as two gradients are (docs/method.md, section 5); the result is the combined vector.
3. Apply growing multiples of the combined vector (`MOVE_MULTIPLES`) until the forget set counts as forgotten
   (early_stopping.py), then the multiple between the last two at which it just does, by linear interpolation. If the
   validation loss rises too much, return to the multiple before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor

from core.models.lora_layout import Layout
from core.types import Group
from core.unlearning.early_stopping import Stopper
from core.unlearning.finetuning import FinetuneSettings, finetune
from core.unlearning.gradient_surgery import SURGERY, direction, group_masks
from core.unlearning.gradient_unlearning import only_trainable, unlearn_by_gradients
from core.unlearning.methods import Method
from core.unlearning.paired_losses import PairLosses
from core.unlearning.teachers import OVERFIT
from core.unlearning.training_types import NO_CHECKPOINTS, Checkpointer, Step, Watcher

MOVE_MULTIPLES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # multiples of the combined vector that are tried


@dataclass
class SearchReporter:
    """Reports the steps of both trainings and of the search to one watcher, as steps of one run.

    Attributes:
        watch: Sees each step; True ends the run.
        total: Largest number of steps of the run.
        before: Steps of the trainings that are over.
        ended: Whether the watcher ended the run.
    """

    watch: Watcher
    total: int
    before: int = 0
    ended: bool = False

    def report(self, number: int, losses: Mapping[str, float]) -> bool:
        """Report step `number` of the present training; return whether the run has ended."""
        self.ended = self.watch(Step(self.before + number, self.total, losses)) or self.ended
        return self.ended


def unlearn_by_task_vectors(
    losses: PairLosses,
    plan: Layout,
    groups_by_cell: tuple[Group, ...],
    method: Method,
    stopper: Stopper,
    watch: Watcher,
    checkpointer: Checkpointer = NO_CHECKPOINTS,
) -> int:
    """Combine both task vectors and apply the multiple that `stopper` allows.

    Args:
        losses: Prompts of both sets and the retain loss.
        plan: Layout of the adapter's coordinates.
        groups_by_cell: Group of each cell of `plan`.
        method: Surgery, weights and steps.
        stopper: Judges each multiple.
        watch: Sees the steps of both trainings, then each multiple while the model holds it. If it ends the run before
            the first multiple, the adapter stays unchanged.
        checkpointer: Stores and gives back checkpoints of both trainings.

    Returns:
        Number of steps of both trainings.
    """
    settings = _overfit_settings(losses, method)
    # Without retain and shared cells no cell follows the retain task vector.
    retains = bool({Group.RETAIN, Group.SHARED} & {*groups_by_cell})
    steps = settings.epochs * ceil(len(losses.forget) / settings.batch_size) + method.steps * retains
    original, reporter = plan.weights(), SearchReporter(watch, steps + len(MOVE_MULTIPLES) + 1)
    forget_weights = _train_on_forget_set(losses, plan, settings, method, reporter, checkpointer)
    plan.write(original)
    retain_weights = _train_on_retain_set(losses, plan, method, reporter, checkpointer) if retains else original
    plan.write(original)
    taken = reporter.before
    if not reporter.ended:
        vectors = original - forget_weights, retain_weights - original
        combined, measures = combine_task_vectors(*vectors, plan, groups_by_cell, method)
        _search(original, combined, measures["conflict"], plan, stopper, reporter)
    return taken


def _overfit_settings(losses: PairLosses, method: Method) -> FinetuneSettings:
    """Settings with enough epochs over the forget set for at least the method's steps, at the adapter's own rate."""
    epochs = ceil(method.steps / ceil(len(losses.forget) / OVERFIT.batch_size))
    rate = losses.learning_rate
    return replace(OVERFIT, epochs=epochs, learning_rate=rate, seed=losses.seed, micro_batch=method.micro_batch)


def _train_on_forget_set(
    losses: PairLosses,
    plan: Layout,
    settings: FinetuneSettings,
    method: Method,
    reporter: SearchReporter,
    checkpointer: Checkpointer,
) -> Tensor:
    """Over-fit the forget set; return the flat weights [row, rank]."""

    def watch(step: Step) -> bool:
        return reporter.report(step.number, _renamed(step.losses))

    with only_trainable(losses.model, plan, method.checkpointing):
        reporter.before += finetune(losses.model, losses.forget, settings, watch, checkpointer)
    return plan.weights()


def _renamed(losses: Mapping[str, float]) -> Mapping[str, float]:
    return {"overfit_loss": losses["loss"]} if "loss" in losses else losses


def _train_on_retain_set(
    losses: PairLosses, plan: Layout, method: Method, reporter: SearchReporter, checkpointer: Checkpointer
) -> Tensor:
    """Continue on the retain set with all modules; return the flat weights [row, rank]."""

    def watch(step: Step) -> bool:
        return reporter.report(step.number, step.losses)

    retain_only = replace(method, weights=(0.0, 1.0), surgery="sum")
    all_shared = (Group.SHARED,) * len(plan.cells)
    reporter.before += unlearn_by_gradients(losses, plan, all_shared, retain_only, watch, checkpointer)
    return plan.weights()


def combine_task_vectors(
    forget: Tensor, retain: Tensor, plan: Layout, groups_by_cell: tuple[Group, ...], method: Method
) -> tuple[Tensor, dict[str, float]]:
    """Combine two task vectors by CURE's rule, in the Euclidean metric.

    Args:
        forget: Minus the task vector of the forget set, flat [row, rank].
        retain: Task vector of the retain set, flat [row, rank].
        plan: Layout of the adapter's coordinates.
        groups_by_cell: Group of each cell of `plan`.
        method: Surgery and weights.

    Returns:
        The combined vector, flat [row, rank], and the measures of the conflict.
    """
    masks, surgery = group_masks(groups_by_cell, forget.device), SURGERY[method.surgery]
    return direction(forget, retain, torch.ones_like(forget), plan, masks, method.weights, surgery, method.pooled)


def _search(
    original: Tensor, combined: Tensor, conflict: float, plan: Layout, stopper: Stopper, reporter: SearchReporter
) -> None:
    """Apply growing multiples until `stopper` or the watcher ends.

    Then interpolate between the last two, or return to the one before if utility is violated.
    """

    def apply(number: int, multiple: float) -> tuple[float, bool]:
        plan.write(original + multiple * combined)
        measures = stopper.check()
        return measures["gap"], reporter.report(number, {"reach": multiple, "conflict": conflict, **measures})

    previous, left = 0.0, stopper.advantage
    for number, multiple in enumerate(MOVE_MULTIPLES, 1):
        gap, ended = apply(number, multiple)
        if stopper.utility_violated:
            plan.write(original + previous * combined)
        elif not ended and left > 0 >= gap:
            apply(number + 1, previous + (multiple - previous) * left / (left - gap))
        if ended or stopper.reason:
            return
        previous, left = multiple, gap
