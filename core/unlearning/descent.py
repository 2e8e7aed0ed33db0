"""Unlearning step by step: two gradients a step, combined per group."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from core.models.blocks import Layout
from core.types import Group
from core.unlearning.loop import Losses, Step, train
from core.unlearning.losses import PairLosses
from core.unlearning.methods import Method
from core.unlearning.surgery import SURGERY, Preconditioner, direction, masks

WARMUP = 5


def descend(
    losses: PairLosses, plan: Layout, kinds: tuple[Group, ...], method: Method, watch: Callable[[Step], bool]
) -> int:
    """Take up to method.steps steps and return how many were taken."""
    parameters = plan.parameters.values()
    with only_trainable(losses.model, plan, method.checkpointing):
        optimiser = torch.optim.SGD(parameters, lr=method.learning_rate)
        gradients = gradients_of(losses, plan, kinds, method)
        # The rate falls to nothing: what the last large steps would leave as noise, kept people would pay for.
        return train(parameters, optimiser, gradients, method.steps, watch, clip=None, warmup=WARMUP, cosine=True)


def gradients_of(losses: PairLosses, plan: Layout, kinds: tuple[Group, ...], method: Method) -> Callable[[int], Losses]:
    """The function that computes both gradients of a step and leaves the combined direction in .grad."""
    metric, surgery, of = Preconditioner(), SURGERY[method.surgery], masks(kinds, plan.cell_of.device)
    forgets, keeps = method.weights
    nothing = 0.0, torch.zeros_like(plan.weights())  # in place of a gradient that nobody follows

    def gradients(step: int) -> Losses:
        forget_loss, forget = _gradient(losses.forgetting(), plan) if forgets else nothing
        retain_loss, retain = _gradient(losses.keeping(), plan) if keeps else nothing
        scale = metric.update(forget, retain)
        moves, told = direction(forget, retain, scale, plan, of, method.weights, surgery, method.pooled)
        for parameter, move in zip(plan.parameters.values(), plan.parts(moves), strict=True):
            parameter.grad = move.to(parameter.dtype)
        known = {"forget_loss": forget_loss} if forgets else {}
        known |= {"retain_loss": retain_loss} if keeps else {}
        return known | (told if forgets and keeps else {})

    return gradients


def _gradient(losses: Iterator[Tensor], plan: Layout, clip: float = 1.0) -> tuple[float, Tensor]:
    """The sum of the losses and its flat gradient, clipped to a global norm; one graph is alive at a time."""
    value, total = 0.0, None
    for loss in losses:
        fresh = plan.flat(torch.autograd.grad(loss, list(plan.parameters.values())))
        value, total = value + loss.item(), fresh if total is None else total + fresh
    assert total is not None
    return value, total * (clip / (total.norm() + 1e-12)).clamp(max=1.0)


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
