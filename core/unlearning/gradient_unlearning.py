"""Unlearning step by step: two gradients a step, combined per group."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from core.models import distributed
from core.models.lora_layout import Layout
from core.types import Group
from core.unlearning.gradient_surgery import SURGERY, Preconditioner, direction, masks
from core.unlearning.methods import Method
from core.unlearning.paired_losses import PairLosses
from core.unlearning.trainer import FORGETFUL, Checkpointer, Losses, Schedule, State, Step, finite, train

WARMUP = 5


def descend(
    losses: PairLosses,
    plan: Layout,
    kinds: tuple[Group, ...],
    method: Method,
    watch: Callable[[Step], bool],
    keeper: Checkpointer = FORGETFUL,
) -> int:
    """Take up to method.steps steps and return how many were taken."""
    parameters = plan.parameters.values()
    with only_trainable(losses.model, plan, method.checkpointing):
        optimiser = torch.optim.SGD(parameters, lr=method.learning_rate)
        # The rate falls to nothing: what the last large steps would leave as noise, kept people would pay for.
        schedule = Schedule(method.steps, warmup=WARMUP, cosine=True, clip=None)
        return train(parameters, optimiser, UnlearningStep(losses, plan, kinds, method), schedule, watch, keeper)


class UnlearningStep:
    """One step of unlearning: both gradients, and the combined direction left in .grad."""

    def __init__(self, losses: PairLosses, plan: Layout, kinds: tuple[Group, ...], method: Method) -> None:
        self.losses, self.plan, self.method = losses, plan, method
        self.metric, self.of = Preconditioner(), masks(kinds, plan.cell_of.device)
        self.moving = (~self.of[Group.OUTSIDE])[plan.cell_of][:, None]  # what is frozen has no gradient, and no moment
        self.nothing = 0.0, torch.zeros_like(plan.weights())  # in place of a gradient that nobody follows

    def __call__(self, step: int) -> Losses:
        plan, method, (forgets, keeps) = self.plan, self.method, self.method.weights
        forget_loss, forget = _gradient(self.losses.forgetting(), plan) if forgets else self.nothing
        retain_loss, retain = _gradient(self.losses.keeping(), plan) if keeps else self.nothing
        forget, retain = forget * self.moving, retain * self.moving
        scale = self.metric.update(forget, retain)
        surgery = SURGERY[method.surgery]
        moves, told = direction(forget, retain, scale, plan, self.of, method.weights, surgery, method.pooled)
        for parameter, move in zip(plan.parameters.values(), plan.parts(moves), strict=True):
            parameter.grad = move.to(parameter)
        known = {"forget_loss": forget_loss} if forgets else {}
        known |= {"retain_loss": retain_loss} if keeps else {}
        return known | (told if forgets and keeps else {})

    def state(self) -> State:
        return {"losses": self.losses.state(), "count": self.metric.count, "moment": self.metric.moment}

    def restore(self, state: State) -> None:
        self.losses.restore(state["losses"])
        self.metric.count, self.metric.moment = state["count"], state["moment"]

    def smaller(self) -> bool:
        return self.losses.smaller()


def _gradient(losses: Iterator[Tensor], plan: Layout, clip: float = 1.0) -> tuple[float, Tensor]:
    """The sum of the losses, of all processes, and its flat gradient, clipped to a global norm; one graph is alive at a time.

    Raises FloatingPointError where either is no number.
    """
    value, total = 0.0, None
    with distributed.fitting():
        for loss in losses:
            fresh = plan.flat(torch.autograd.grad(loss, list(plan.parameters.values())))
            value, total = value + loss.item(), fresh if total is None else total + fresh
    total = distributed.summed(torch.zeros_like(plan.weights()) if total is None else total)
    value = distributed.summed(torch.tensor(value, dtype=torch.float64, device=total.device)).item()
    norm = total.norm()
    finite({"loss": value, "norm": norm.item()})
    return value, total * (clip / (norm + 1e-12)).clamp(max=1.0)


@contextmanager
def only_trainable(model: Any, plan: Layout, checkpointing: bool) -> Iterator[None]:
    """Gradients reach nothing but the layout's parameters while unlearning; with `checkpointing` layers compute their
    activations twice instead of keeping them (they ask whether they train; what is inside them, dropout, still rests)."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in plan.parameters)
    layers = [layer for layer in model.modules() if isinstance(layer, GradientCheckpointingLayer)]
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        for layer in layers:
            layer.training = True
    try:
        yield
    finally:
        if checkpointing:
            model.gradient_checkpointing_disable()
            model.eval()
        for parameter in model.parameters():
            parameter.requires_grad_(False)
