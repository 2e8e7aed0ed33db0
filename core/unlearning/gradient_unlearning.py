"""Unlearning by gradient steps: each step combines a forget and a retain gradient (docs/method.md, section 5)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from core.models import distributed
from core.models.lora_layout import Layout
from core.types import Group
from core.unlearning.gradient_surgery import SURGERY, Preconditioner, direction, group_masks
from core.unlearning.methods import Method
from core.unlearning.paired_losses import PairLosses
from core.unlearning.trainer import Schedule, require_finite, train
from core.unlearning.training_types import NO_CHECKPOINTS, Checkpointer, Losses, State, Watcher

WARMUP = 5


def unlearn_by_gradients(
    losses: PairLosses,
    plan: Layout,
    groups_by_cell: tuple[Group, ...],
    method: Method,
    watch: Watcher,
    checkpointer: Checkpointer = NO_CHECKPOINTS,
) -> int:
    """Take at most `method.steps` steps.

    Args:
        losses: Forget and retain loss of each step.
        plan: Layout of the adapter's coordinates.
        groups_by_cell: Group of each cell of `plan`.
        method: Surgery, weights, learning rate and batch size.
        watch: Sees each step; True ends the training.
        checkpointer: Stores and gives back checkpoints.

    Returns:
        Number of steps taken.
    """
    parameters = plan.parameters.values()
    with only_trainable(losses.model, plan, method.checkpointing):
        optimiser = torch.optim.SGD(parameters, lr=method.learning_rate)
        # The rate falls to almost zero, because large last steps would leave noise that costs utility.
        schedule = Schedule(method.steps, warmup=WARMUP, cosine=True, clip=None)
        step_function = UnlearningStep(losses, plan, groups_by_cell, method)
        return train(parameters, optimiser, step_function, schedule, watch, checkpointer)


class UnlearningStep:
    """Step function of unlearning: computes both gradients and leaves the combined direction in `.grad`."""

    def __init__(self, losses: PairLosses, plan: Layout, groups_by_cell: tuple[Group, ...], method: Method) -> None:
        self.losses, self.plan, self.method = losses, plan, method
        self.preconditioner, self.masks = Preconditioner(), group_masks(groups_by_cell, plan.cell_of.device)
        # Outside cells get no gradient, so that the preconditioner keeps no moment for them.
        self.movable = (~self.masks[Group.OUTSIDE])[plan.cell_of][:, None]
        self.no_gradient = torch.zeros_like(plan.weights())

    def __call__(self, _step: int) -> Losses:
        """Fill `.grad` with the direction; return the losses in nats and the measures of the conflict."""
        forget_weight, retain_weight = self.method.weights
        losses: dict[str, float] = {}
        forget = retain = self.no_gradient
        if forget_weight:
            losses["forget_loss"], forget = _gradient(self.losses.forget_parts(), self.plan)
        if retain_weight:
            losses["retain_loss"], retain = _gradient(self.losses.retain_parts(), self.plan)
        step, measures = self._direction(forget * self.movable, retain * self.movable)
        for parameter, part in zip(self.plan.parameters.values(), self.plan.parts(step), strict=True):
            parameter.grad = part.to(parameter)
        return losses | (measures if forget_weight and retain_weight else {})

    def _direction(self, forget: Tensor, retain: Tensor) -> tuple[Tensor, dict[str, float]]:
        method, scale = self.method, self.preconditioner.update(forget, retain)
        surgery = SURGERY[method.surgery]
        return direction(forget, retain, scale, self.plan, self.masks, method.weights, surgery, method.pooled)

    def state(self) -> State:
        """Return the state of the losses and of the preconditioner."""
        return {"losses": self.losses.state(), "count": self.preconditioner.count, "moment": self.preconditioner.moment}

    def restore(self, state: State) -> None:
        """Return to what `state` gave earlier."""
        self.losses.restore(state["losses"])
        self.preconditioner.count, self.preconditioner.moment = state["count"], state["moment"]

    def halve_micro_batch(self) -> bool:
        """Halve the number of prompts in memory; return False if it is one already."""
        return self.losses.halve_micro_batch()


def _gradient(losses: Iterator[Tensor], plan: Layout, clip: float = 1.0) -> tuple[float, Tensor]:
    """Sum losses and their gradients over micro-batches and processes.

    Only one graph is alive at a time.

    Args:
        losses: Loss of each micro-batch, scalar.
        plan: Layout of the adapter's coordinates.
        clip: Bound on the global norm of the gradient.

    Returns:
        Loss, and its flat gradient [row, rank] after clipping.

    Raises:
        FloatingPointError: The loss or the gradient is NaN or infinite.
    """
    loss_sum, total = 0.0, torch.zeros_like(plan.weights())
    with distributed.raise_out_of_memory_everywhere():
        for loss in losses:
            total += plan.flat(torch.autograd.grad(loss, list(plan.parameters.values())))
            loss_sum += loss.item()
    total = distributed.all_reduce_sum(total)
    loss_sum = distributed.all_reduce_sum(torch.tensor(loss_sum, dtype=torch.float64, device=total.device)).item()
    norm = total.norm()
    require_finite({"loss": loss_sum, "norm": norm.item()})
    return loss_sum, total * (clip / (norm + 1e-12)).clamp(max=1.0)


@contextmanager
def only_trainable(model: Any, plan: Layout, checkpointing: bool) -> Iterator[None]:
    """Restrict gradients to the parameters of `plan`.

    Args:
        model: PEFT model.
        plan: Layout whose parameters are trained.
        checkpointing: Whether layers recompute their activations in the backward pass instead of keeping them.
    """
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in plan.parameters)
    if checkpointing:
        _enable_checkpointing(model)
    try:
        yield
    finally:
        if checkpointing:
            model.gradient_checkpointing_disable()
            model.eval()
        for parameter in model.parameters():
            parameter.requires_grad_(False)


def _enable_checkpointing(model: Any) -> None:
    """Turn checkpointing on.

    Layers must be in training mode for it; their submodules, such as dropout, stay in evaluation mode.
    """
    model.gradient_checkpointing_enable({"use_reentrant": False})
    for layer in model.modules():
        if isinstance(layer, GradientCheckpointingLayer):
            layer.training = True
