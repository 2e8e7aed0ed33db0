"""Unlearning in weight space: applies CURE's rule once to two task vectors instead of at every step to two gradients.

1. From the original, over-fit one copy of the adapter on the forget set and one on as many retained prompts, and
   continue a third on the retain set. Each change of the weights is a task vector (arXiv 2212.04089, section 2).
2. The first less half of the second is nearer to what the forget set alone changes. Minus it and plus the third are
   combined cell by cell as two gradients are (docs/method.md, section 5); the result is the combined vector.
3. Apply growing multiples of the combined vector (`MOVE_MULTIPLES`) until the forget set counts as forgotten
   (early_stopping.py), then the multiple between the last two at which it just does, by linear interpolation. If the
   validation loss rises too much, return to the multiple before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil

import torch
from torch import Tensor

from core.models.lora_layout import Layout
from core.types import Encoded, Group
from core.unlearning.early_stopping import Stopper, sample
from core.unlearning.finetuning import finetune
from core.unlearning.gradient_surgery import SURGERY, direction, group_masks
from core.unlearning.gradient_unlearning import only_trainable, unlearn_by_gradients
from core.unlearning.methods import Method
from core.unlearning.paired_losses import PairLosses
from core.unlearning.teachers import OVERFIT
from core.unlearning.training_types import NO_CHECKPOINTS, Checkpointer, Step, Watcher

CONTROL_PROMPTS = 32  # retained prompts at least, since few of them would be learned by heart
CONTROL_WEIGHT = 0.5  # of their task vector; 0 and 1 cost others more in the demo world
MOVE_MULTIPLES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # multiples of the combined vector that are tried


@dataclass
class SearchReporter:
    """Reports the steps of all trainings and of the search to one watcher, as steps of one run.

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
    """Combine the task vectors and apply the multiple that `stopper` allows.

    Args:
        losses: Prompts of both sets and the retain loss.
        plan: Layout of the adapter's coordinates.
        groups_by_cell: Group of each cell of `plan`.
        method: Surgery, weights and steps.
        stopper: Judges each multiple.
        watch: Sees the steps of all trainings, then each multiple while the model holds it. If it ends the run before
            the first multiple, the adapter stays unchanged.
        checkpointer: Stores and gives back checkpoints of all trainings.

    Returns:
        Number of steps of all trainings.
    """
    # Without retain and shared cells no cell follows the retain task vector.
    retains = bool({Group.RETAIN, Group.SHARED} & {*groups_by_cell})
    overfits = losses.forget, control_prompts(losses)
    steps = sum(_steps(prompts, method) for prompts in overfits) + method.steps * retains
    original, reporter = plan.weights(), SearchReporter(watch, steps + len(MOVE_MULTIPLES) + 1)
    forget, control = (_overfit(prompts, losses, plan, method, reporter, checkpointer) for prompts in overfits)
    retain = _train_on_retain_set(losses, plan, method, reporter, checkpointer) if retains else 0 * original
    taken = reporter.before
    if not reporter.ended:
        away = CONTROL_WEIGHT * control - forget
        combined, measures = combine_task_vectors(away, retain, plan, groups_by_cell, method)
        _search(original, combined, measures["conflict"], plan, stopper, reporter)
    return taken


def control_prompts(losses: PairLosses) -> Sequence[Encoded]:
    """Retained prompts, as many as the forget set has but at least `CONTROL_PROMPTS`."""
    return sample(losses.retain, control_size(len(losses.forget)), losses.seed)


def control_size(forget: int) -> int:
    """How many retained prompts the control training reads for a forget set of this size, where there are as many."""
    return max(forget, CONTROL_PROMPTS)


def overfit_epochs(prompts: int, method: Method) -> int:
    """Epochs over this number of prompts for at least the method's steps."""
    return ceil(method.steps / ceil(prompts / OVERFIT.batch_size))


def _steps(prompts: Sequence[Encoded], method: Method) -> int:
    return overfit_epochs(len(prompts), method) * ceil(len(prompts) / OVERFIT.batch_size)


def _overfit(
    prompts: Sequence[Encoded],
    losses: PairLosses,
    plan: Layout,
    method: Method,
    reporter: SearchReporter,
    checkpointer: Checkpointer,
) -> Tensor:
    """Over-fit the prompts at the adapter's own rate; return the task vector [row, rank]. The weights are unchanged."""

    def watch(step: Step) -> bool:
        return reporter.report(step.number, _renamed(step.losses))

    original, rate = plan.weights(), losses.learning_rate
    settings = replace(
        OVERFIT,
        epochs=overfit_epochs(len(prompts), method),
        learning_rate=rate,
        seed=losses.seed,
        micro_batch=method.micro_batch,
    )
    with only_trainable(losses.model, plan, method.checkpointing):
        reporter.before += finetune(losses.model, prompts, settings, watch, checkpointer)
    return _change(plan, original)


def _change(plan: Layout, original: Tensor) -> Tensor:
    """Change of the weights since `original`, flat [row, rank]; the weights are `original` again."""
    change = plan.weights() - original
    plan.write(original)
    return change


def _renamed(losses: Mapping[str, float]) -> Mapping[str, float]:
    return {"overfit_loss": losses["loss"]} if "loss" in losses else losses


def _train_on_retain_set(
    losses: PairLosses, plan: Layout, method: Method, reporter: SearchReporter, checkpointer: Checkpointer
) -> Tensor:
    """Continue on the retain set with all modules; return the task vector [row, rank]. The weights are unchanged."""

    def watch(step: Step) -> bool:
        return reporter.report(step.number, step.losses)

    retain_only = replace(method, weights=(0.0, 1.0), surgery="sum")
    all_shared, original = (Group.SHARED,) * len(plan.cells), plan.weights()
    reporter.before += unlearn_by_gradients(losses, plan, all_shared, retain_only, watch, checkpointer)
    return _change(plan, original)


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
        return measures["left"], reporter.report(number, {"reach": multiple, "conflict": conflict, **measures})

    previous, left = 0.0, stopper.goal
    for number, multiple in enumerate(MOVE_MULTIPLES, 1):
        now, ended = apply(number, multiple)
        if stopper.utility_violated:
            plan.write(original + previous * combined)
        elif not ended and left > 0 >= now:
            apply(number + 1, previous + (multiple - previous) * left / (left - now))
        if ended or stopper.reason:
            return
        previous, left = multiple, now
