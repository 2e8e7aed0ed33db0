"""Unlearning one forget set, stopped on validation and holdout users: the one way in for every method."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from core.models.lora_layout import Layout, cell_groups, layout
from core.types import Cell, Group, Outcome
from core.unlearning.early_stopping import Stopper
from core.unlearning.gradient_unlearning import descend
from core.unlearning.methods import Method
from core.unlearning.paired_losses import Material, PairLosses
from core.unlearning.task_vectors import merge
from core.unlearning.teachers import Groups
from core.unlearning.trainer import FORGETFUL, Checkpointer, Step

CHECK_EVERY = 20


def unlearn(
    model: Any,
    material: Material,
    groups: Groups,
    method: Method,
    seed: int = 0,
    watch: Callable[[Step], bool] = lambda step: False,
    keeper: Checkpointer = FORGETFUL,
) -> Outcome:
    """Unlearn `material.forget` in place in the model's active adapter (method sections 4 and 5).

    groups: per module; coordinates of outside modules and all base weights stay bit-identical.
    model: a PEFT model. watch sees the losses of each step and may stop it by returning True.
    keeper: takes checkpoints of its trainings; with what it kept of a broken-off call, the same call goes on there.
    """
    plan = layout(model)
    kinds, before = cell_groups(plan.cells, groups), plan.weights()
    losses = PairLosses(model, plan, material, groups, method, seed)
    stopper = Stopper(model, material.forget, material.holdout, material.validation, method.tolerance)
    if method.merged:
        steps = merge(losses, plan, kinds, method, stopper, watch, keeper)
    else:
        steps = descend(losses, plan, kinds, method, _checked(stopper, watch), keeper)
    cells = _cells(plan, before)
    movable = sum(cell.size for cell, kind in zip(cells, kinds, strict=True) if kind is not Group.OUTSIDE)
    total = sum(parameter.numel() for name, parameter in model.named_parameters() if "lora_" in name)
    return Outcome(steps, stopper.reason or f"all {steps} steps were taken", movable, total, cells)


def _checked(stopper: Stopper, watch: Callable[[Step], bool]) -> Callable[[Step], bool]:
    """`watch` with the stopper's figures now and then; a step ends the run where either says so."""

    def watched(step: Step) -> bool:
        due = step.number % CHECK_EVERY == 0 or step.number in (1, step.total)
        checks = stopper.check() if due else {}
        return watch(Step(step.number, step.total, {**step.losses, **checks})) or stopper.reason != ""

    return watched


def _cells(plan: Layout, before: Tensor) -> tuple[Cell, ...]:
    """Each cell's size, and how far it went from where it was."""
    change = plan.weights() - before
    moved = (plan.inner(change, change) / plan.inner(before, before).clamp(min=1e-30)).sqrt().tolist()
    sizes = dict.fromkeys(plan.cells, 0)
    for block in plan.blocks:
        sizes[block.owners] += (block.stop - block.start) * plan.parameters[block.parameter].shape[1 - block.dim]
    return tuple(Cell(owners, sizes[owners], far) for owners, far in zip(plan.cells, moved, strict=True))
