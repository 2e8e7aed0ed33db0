"""Entry point of unlearning: applies any method to one forget set, with early stopping."""

from typing import Any

from torch import Tensor

from core.models.lora_layout import Layout, cell_groups, layout
from core.types import Cell, Group, Outcome
from core.unlearning.early_stopping import Stopper
from core.unlearning.gradient_unlearning import unlearn_by_gradients
from core.unlearning.methods import Method
from core.unlearning.paired_losses import PairLosses
from core.unlearning.task_vectors import unlearn_by_task_vectors
from core.unlearning.teachers import Groups
from core.unlearning.training_types import NO_CHECKPOINTS, Checkpointer, Step, UnlearningPrompts, Watcher, never_stop

CHECK_EVERY = 20  # steps between two checks of early stopping


def unlearn_adapter(
    model: Any,
    prompts: UnlearningPrompts,
    groups: Groups,
    method: Method,
    seed: int = 0,
    watch: Watcher = never_stop,
    checkpointer: Checkpointer = NO_CHECKPOINTS,
) -> Outcome:
    """Unlearn `prompts.forget` in place, in the model's active adapter (docs/method.md, sections 4 and 5).

    The base weights and the coordinates of outside modules stay bit-identical.

    Args:
        model: PEFT model.
        prompts: Encoded prompts that unlearning may use.
        groups: Group of each module.
        method: Row of `METHODS`.
        seed: Seed of batches, teachers and wrong answers.
        watch: Sees each step; True ends unlearning.
        checkpointer: Stores and gives back checkpoints; the same call continues an interrupted one.

    Returns:
        Steps taken, the reason to stop, and how far each cell moved.
    """
    plan = layout(model)
    groups_by_cell, before = cell_groups(plan.cells, groups), plan.weights()
    losses = PairLosses(model, plan, prompts, groups, method, seed)
    stopper = Stopper(model, prompts, method.tolerance)
    if method.uses_task_vectors:
        steps = unlearn_by_task_vectors(losses, plan, groups_by_cell, method, stopper, watch, checkpointer)
    else:
        steps = unlearn_by_gradients(losses, plan, groups_by_cell, method, _with_checks(stopper, watch), checkpointer)
    cells = _cells(plan, before)
    movable = sum(cell.size for cell, group in zip(cells, groups_by_cell, strict=True) if group is not Group.OUTSIDE)
    total = sum(parameter.numel() for name, parameter in model.named_parameters() if "lora_" in name)
    return Outcome(steps, stopper.reason or f"all {steps} steps were taken", movable, total, cells)


def _with_checks(stopper: Stopper, watch: Watcher) -> Watcher:
    """Watcher that adds the measures of early stopping at some steps, and ends if `stopper` or `watch` does."""

    def checked(step: Step) -> bool:
        due = step.number % CHECK_EVERY == 0 or step.number in (1, step.total)
        measures = stopper.check() if due else {}
        return watch(Step(step.number, step.total, {**step.losses, **measures})) or stopper.reason != ""

    return checked


def _cells(plan: Layout, before: Tensor) -> tuple[Cell, ...]:
    """Size of each cell, and the norm of its change as a share of its norm before."""
    change = plan.weights() - before
    moved = (plan.inner(change, change) / plan.inner(before, before).clamp(min=1e-30)).sqrt().tolist()
    sizes = dict.fromkeys(plan.cells, 0)
    for block in plan.blocks:
        sizes[block.owners] += (block.stop - block.start) * plan.parameters[block.parameter].shape[1 - block.dim]
    return tuple(Cell(owners, sizes[owners], share) for owners, share in zip(plan.cells, moved, strict=True))
