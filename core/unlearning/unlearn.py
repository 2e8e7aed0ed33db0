"""Unlearning one forget set: two gradients a step, combined per group, stopped on validation and holdout users."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_layers import GradientCheckpointingLayer

from core.models.batches import Batch, answer_logits, collate
from core.models.blocks import Layout, cell_groups, layout
from core.types import Cell, Encoded, Group, Outcome
from core.unlearning.loop import Losses, Step, train
from core.unlearning.methods import Method
from core.unlearning.objectives import OBJECTIVES, PER_TARGET, READS_ORIGINAL, READS_WRONG, Fixed, keep
from core.unlearning.stopping import Stopper, sample
from core.unlearning.surgery import SURGERY, Preconditioner, direction, masks
from core.unlearning.teachers import TEACHERS, Groups, Said, said

CHECK_EVERY = 20
KEPT = 160  # retain prompts that a run draws from; what the original says of them is computed once


@dataclass(frozen=True)
class Material:
    """The encoded prompts that unlearning may see: never test, never a reference.

    choices: the tokens that can answer, Yes and No in `click`; None where any token can.
    """

    forget: Sequence[Encoded]
    retain: Sequence[Encoded]
    validation: Sequence[Encoded]
    holdout: Sequence[Encoded]
    choices: tuple[int, ...] | None = field(default=None, kw_only=True)


def unlearn(
    model: Any,
    material: Material,
    groups: Groups,
    method: Method,
    seed: int = 0,
    watch: Callable[[Step], bool] = lambda step: False,
) -> Outcome:
    """Unlearn `material.forget` in place in the model's active adapter (method sections 4 and 5).

    groups: per module; coordinates of outside modules and all base weights stay bit-identical.
    model: a PEFT model. watch sees the losses of each step and may stop it by returning True. Where the method does not
    heed its stopping rule, the step at which it would have stopped tells "stop": 1.
    """
    plan = layout(model)
    kinds = cell_groups(plan.cells, groups)
    losses = PairLosses(model, material, groups, method, seed)
    with _only_trainable(model, plan, method.checkpointing):
        stopper = Stopper(model, material.forget, material.holdout, material.validation, method.tolerance)
        gradients = _gradients(losses, plan, kinds, method)
        optimiser = torch.optim.SGD(plan.parameters.values(), lr=method.learning_rate)

        def watched(step: Step) -> bool:
            due = step.number % CHECK_EVERY == 0 or step.number in (1, step.total)
            checks = stopper.check() if due else {}
            stop = {"stop": 1.0} if stopper.reason else {}
            ended = watch(Step(step.number, step.total, {**step.losses, **checks, **stop}))
            return ended or (bool(stop) and method.heeds_stop)

        before = plan.weights()
        steps = train(plan.parameters.values(), optimiser, gradients, method.steps, watched, clip=None)
    cells = _cells(plan, before)
    movable = sum(cell.size for cell, kind in zip(cells, kinds, strict=True) if kind is not Group.OUTSIDE)
    total = sum(parameter.numel() for name, parameter in model.named_parameters() if "lora_" in name)
    return Outcome(steps, stopper.reason or f"all {steps} steps were taken", movable, total, cells)


class PairLosses:
    """The forget and the retain loss of each step, over prompts drawn by `seed`, in micro-batches.

    What the teacher and the original say is computed once, before the first step changes anything.
    """

    def __init__(self, model: Any, material: Material, groups: Groups, method: Method, seed: int) -> None:
        self.model, self.method = model, method
        self.objective, self.per_target = OBJECTIVES[method.forget], method.forget in PER_TARGET
        self.rng, self.astray = random.Random(seed), random.Random(seed)  # the second one changes no batch
        self.forget, self.kept = material.forget, sample(material.retain, KEPT, seed)
        self.original = said(model, self.forget) if method.forget in READS_ORIGINAL else None
        self.teacher = TEACHERS[method.teacher](model, self.forget, seed, groups) if method.forget == "distil" else None
        self.kept_original = said(model, self.kept)
        self.options = material.choices or range(model.config.vocab_size)
        self.choices = torch.tensor(self.options, device=model.device)

    def forgetting(self) -> Iterator[Tensor]:
        """The forget loss of one step, cut into micro-batches that sum to it."""
        for part, batch, share in self._parts(self.forget, self.per_target):
            wrong = self._wrong(batch.tokens) if self.method.forget in READS_WRONG else _none()
            fixed = Fixed(batch, _rows(self.original, part), _rows(self.teacher, part), wrong, self.choices)
            yield share * self.objective(answer_logits(self.model, batch), fixed)

    def keeping(self) -> Iterator[Tensor]:
        """The retain loss of one step likewise."""
        for part, batch, share in self._parts(self.kept, False):
            yield share * keep(answer_logits(self.model, batch), batch, _rows(self.kept_original, part))

    def _parts(self, prompts: Sequence[Encoded], per_target: bool) -> Iterator[tuple[list[int], Batch, float]]:
        """Micro-batches of one draw, each with its prompts and its share of what the loss is a mean of."""
        chosen = self.rng.sample(range(len(prompts)), min(self.method.batch_size, len(prompts)))
        size = self.method.micro_batch or len(chosen)
        counts = [len(prompts[i].labels) if per_target else _answer_tokens(prompts[i]) for i in chosen]
        for start in range(0, len(chosen), size):
            part = chosen[start : start + size]
            yield (
                part,
                collate([prompts[i] for i in part], self.model.device),
                sum(counts[start : start + size]) / sum(counts),
            )

    def _wrong(self, tokens: Tensor) -> Tensor:
        """For each answer token another option: with two of them the other one."""

        def other(token: int) -> int:
            while (found := self.astray.choice(self.options)) == token:
                pass
            return found

        return torch.tensor([other(token) for token in tokens.tolist()], device=tokens.device)


def _answer_tokens(prompt: Encoded) -> int:
    return sum(stop - start for start, stop in prompt.answers)


def _none() -> Tensor:
    return torch.empty(0)


def _rows(answers: Said | None, part: Sequence[int]) -> Tensor:
    """The prompts' logits one after another, as a batch has its answers."""
    return torch.cat([answers[i] for i in part]) if answers else _none()


def _gradients(losses: PairLosses, plan: Layout, kinds: tuple[Group, ...], method: Method) -> Callable[[int], Losses]:
    """The function that computes both gradients of a step and leaves the combined direction in .grad."""
    metric, surgery, of = Preconditioner(), SURGERY[method.surgery], masks(kinds, plan.cell_of.device)

    def gradients(step: int) -> Losses:
        forget_loss, forget = _gradient(losses.forgetting(), plan)
        retain_loss, retain = _gradient(losses.keeping(), plan)
        scale = metric.update(forget, retain)
        moves, told = direction(forget, retain, scale, plan, of, method.weights, surgery, method.pooled)
        for parameter, move in zip(plan.parameters.values(), plan.parts(moves), strict=True):
            parameter.grad = move.to(parameter.dtype)
        return {"forget_loss": forget_loss, "retain_loss": retain_loss, **told}

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
def _only_trainable(model: Any, plan: Layout, checkpointing: bool) -> Iterator[None]:
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


def _cells(plan: Layout, before: Tensor) -> tuple[Cell, ...]:
    """Each cell's size, and how far it went from where it was."""
    change = plan.weights() - before
    moved = (plan.inner(change, change) / plan.inner(before, before).clamp(min=1e-30)).sqrt().tolist()
    sizes = dict.fromkeys(plan.cells, 0)
    for block in plan.blocks:
        sizes[block.owners] += (block.stop - block.start) * plan.parameters[block.parameter].shape[1 - block.dim]
    return tuple(Cell(owners, sizes[owners], far) for owners, far in zip(plan.cells, moved, strict=True))
