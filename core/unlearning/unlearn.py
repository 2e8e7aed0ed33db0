"""Unlearning one forget set: two gradients a step, combined per group, stopped on validation and holdout users."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from core.unlearning.stopping import Stopper
from core.unlearning.surgery import SURGERY, Preconditioner, direction, masks
from core.unlearning.teachers import TEACHERS, Groups, Said, said

CHECK_EVERY = 20
WARMUP = 5
AHEAD = 20  # steps for whose retain prompts the original is asked at once


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
    model: a PEFT model. watch sees the losses of each step and may stop it by returning True.
    """
    plan = layout(model)
    kinds, before = cell_groups(plan.cells, groups), plan.weights()
    losses = PairLosses(model, plan, material, groups, method, seed)
    with _only_trainable(model, plan, method.checkpointing):
        stopper = Stopper(model, material.forget, material.holdout, material.validation, method.tolerance)
        gradients = _gradients(losses, plan, kinds, method)
        optimiser = torch.optim.SGD(plan.parameters.values(), lr=method.learning_rate)

        def watched(step: Step) -> bool:
            due = step.number % CHECK_EVERY == 0 or step.number in (1, step.total)
            checks = stopper.check() if due else {}
            return watch(Step(step.number, step.total, {**step.losses, **checks})) or stopper.reason != ""

        parameters = plan.parameters.values()
        # The rate falls to nothing: what the last large steps would leave as noise, kept people would pay for.
        steps = train(parameters, optimiser, gradients, method.steps, watched, clip=None, warmup=WARMUP, cosine=True)
    cells = _cells(plan, before)
    movable = sum(cell.size for cell, kind in zip(cells, kinds, strict=True) if kind is not Group.OUTSIDE)
    total = sum(parameter.numel() for name, parameter in model.named_parameters() if "lora_" in name)
    return Outcome(steps, stopper.reason or f"all {steps} steps were taken", movable, total, cells)


class PairLosses:
    """The forget and the retain loss of each step, over prompts drawn by `seed`, in micro-batches.

    What the teacher says, and the original of the forget set, is computed before the first step; what the original says
    of kept prompts for AHEAD steps at once, in large batches without a graph.
    """

    def __init__(self, model: Any, plan: Layout, material: Material, groups: Groups, method: Method, seed: int) -> None:
        self.model, self.plan, self.method, self.before = model, plan, method, plan.weights()
        self.objective, self.per_target = OBJECTIVES[method.forget], method.forget in PER_TARGET
        self.rng, self.kept_rng, self.astray = (random.Random(seed + part) for part in range(3))
        self.forget, self.retain = material.forget, material.retain
        self.original = said(model, self.forget) if method.forget in READS_ORIGINAL else None
        self.teacher = TEACHERS[method.teacher](model, self.forget, seed, groups) if method.forget == "distil" else None
        self.ahead: list[tuple[list[int], dict[int, Tensor]]] = []
        self.options = material.choices or range(model.config.vocab_size)
        self.choices = torch.tensor(self.options, device=model.device)

    def forgetting(self) -> Iterator[Tensor]:
        """The forget loss of one step, cut into micro-batches that sum to it."""
        for part, batch, share in self._parts(self._draw(self.forget, self.rng), self.forget, self.per_target):
            wrong = self._wrong(batch.tokens) if self.method.forget in READS_WRONG else _none()
            fixed = Fixed(batch, _rows(self.original, part), _rows(self.teacher, part), wrong, self.choices)
            yield share * self.objective(answer_logits(self.model, batch), fixed)

    def keeping(self) -> Iterator[Tensor]:
        """The retain loss of one step likewise."""
        self.ahead = self.ahead or self._look_ahead()
        chosen, original = self.ahead.pop(0)
        for part, batch, share in self._parts(chosen, self.retain, False):
            yield share * keep(answer_logits(self.model, batch), batch, _rows(original, part))

    def _look_ahead(self) -> list[tuple[list[int], dict[int, Tensor]]]:
        """The retain prompts of the next steps, and what the original says of them."""
        draws = [self._draw(self.retain, self.kept_rng) for _ in range(AHEAD)]
        wanted = sorted({i for chosen in draws for i in chosen})
        with self.plan.holding(self.before):
            answers = dict(zip(wanted, said(self.model, [self.retain[i] for i in wanted]), strict=True))
        return [(chosen, answers) for chosen in draws]

    def _draw(self, prompts: Sequence[Encoded], rng: random.Random) -> list[int]:
        return rng.sample(range(len(prompts)), min(self.method.batch_size, len(prompts)))

    def _parts(
        self, chosen: list[int], prompts: Sequence[Encoded], per_target: bool
    ) -> Iterator[tuple[list[int], Batch, float]]:
        """Micro-batches of one draw, each with its prompts and its share of what the loss is a mean of."""
        size = self.method.micro_batch or len(chosen)
        count = lambda part: sum(len(prompts[i].labels) if per_target else prompts[i].answer_tokens for i in part)  # noqa: E731
        for start in range(0, len(chosen), size):
            part = chosen[start : start + size]
            yield part, collate([prompts[i] for i in part], self.model.device), count(part) / count(chosen)

    def _wrong(self, tokens: Tensor) -> Tensor:
        """For each answer token another option: with two of them the other one."""

        def other(token: int) -> int:
            while (found := self.astray.choice(self.options)) == token:
                pass
            return found

        return torch.tensor([other(token) for token in tokens.tolist()], device=tokens.device)


def _none() -> Tensor:
    return torch.empty(0)


def _rows(answers: Said | Mapping[int, Tensor] | None, part: Sequence[int]) -> Tensor:
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
