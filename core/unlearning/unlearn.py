"""Unlearning one forget set: two gradients a step, combined per group, stopped on validation and holdout users."""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from core.models.batches import Batch, answer_logits, answer_loss, batches, collate
from core.models.blocks import Layout, cell_groups, layout
from core.models.recommender import ADAPTER
from core.types import Cell, Encoded, Group, Outcome
from core.unlearning.fit import FitSettings, fit
from core.unlearning.loop import Losses, Step, train
from core.unlearning.methods import Method
from core.unlearning.objectives import OBJECTIVES, READS_ORIGINAL, READS_WRONG, Fixed, keep, teacher_logits
from core.unlearning.surgery import SURGERY, Preconditioner, direction

ORIGINAL = "original"
OVERFIT = FitSettings(epochs=8, learning_rate=2e-3, batch_size=8)
CHECK_EVERY = 20
CHECK_PROMPTS = 40
CHECK_TOKENS = 4096


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
    groups: Mapping[str, Group],
    method: Method,
    seed: int = 0,
    watch: Callable[[Step], bool] = lambda step: False,
) -> Outcome:
    """Unlearn `material.forget` in place in the model's active adapter (method sections 4 and 5).

    groups: per module; coordinates of outside modules and all base weights stay bit-identical.
    model: a PEFT model. watch sees the losses of each step and may stop it by returning True.
    """
    plan = layout(model)
    kinds = cell_groups(plan.cells, groups)
    teacher = TEACHERS[method.teacher](model, material.forget, seed) if method.forget == "distil" else None
    with _original_kept(model), _only_trainable(model, plan, kinds):
        stopper = _Stopper(model, material, method.tolerance)
        gradients = _gradients(model, material, teacher, plan, kinds, method, seed)
        optimiser = torch.optim.SGD(plan.parameters.values(), lr=method.learning_rate)

        def watched(step: Step) -> bool:
            due = step.number % CHECK_EVERY == 0 or step.number in (1, step.total)
            checks = stopper.check() if due else {}
            return watch(Step(step.number, step.total, {**step.losses, **checks})) or stopper.reason != ""

        before = {name: parameter.detach().clone() for name, parameter in plan.parameters.items()}
        steps = train(plan.parameters.values(), optimiser, gradients, method.steps, watched, clip=math.inf)
    cells = _cells(plan, before)
    movable = sum(cell.size for cell, kind in zip(cells, kinds, strict=True) if kind is not Group.OUTSIDE)
    total = sum(parameter.numel() for name, parameter in model.named_parameters() if "lora_" in name)
    return Outcome(steps, stopper.reason or f"all {steps} steps were taken", movable, total, cells)


def _gradients(
    model: Any,
    material: Material,
    teacher: list[Tensor] | None,
    plan: Layout,
    kinds: tuple[Group, ...],
    method: Method,
    seed: int,
) -> Callable[[int], Losses]:
    """The function that computes both gradients of a step and leaves the combined direction in .grad."""
    rng, astray = random.Random(seed), random.Random(seed)  # batches; wrong answers, so that they change no batch
    metric, objective, surgery = Preconditioner(), OBJECTIVES[method.forget], SURGERY[method.surgery]
    options = material.choices or range(model.config.vocab_size)
    choices = torch.tensor(options, device=model.device)

    def gradients(step: int) -> Losses:
        chosen = rng.sample(range(len(material.forget)), min(method.batch_size, len(material.forget)))
        forget_batch = collate([material.forget[i] for i in chosen], model.device)
        retain_batch = collate(
            rng.sample(list(material.retain), min(method.batch_size, len(material.retain))), model.device
        )
        target = torch.cat([teacher[i] for i in chosen]) if teacher else torch.empty(0)
        before = original_logits(model, forget_batch) if method.forget in READS_ORIGINAL else torch.empty(0)
        wrong = _wrong(forget_batch.tokens, options, astray) if method.forget in READS_WRONG else torch.empty(0)
        forget_loss = objective(answer_logits(model, forget_batch), Fixed(forget_batch, before, target, wrong, choices))
        forget = _gradient(forget_loss, plan)
        retain_loss = keep(answer_logits(model, retain_batch), retain_batch, original_logits(model, retain_batch))
        retain = _gradient(retain_loss, plan)
        scale = metric.update(forget, retain)
        moves, told = direction(forget, retain, scale, plan, kinds, method.weights, surgery, method.pooled)
        for name, parameter in plan.parameters.items():
            parameter.grad = moves[name].to(parameter.dtype)
        return {"forget_loss": forget_loss.item(), "retain_loss": retain_loss.item(), **told}

    return gradients


def _wrong(tokens: Tensor, options: Sequence[int], rng: random.Random) -> Tensor:
    """For each answer token another option: with two of them the other one."""

    def other(token: int) -> int:
        while (found := rng.choice(options)) == token:
            pass
        return found

    return torch.tensor([other(token) for token in tokens.tolist()], device=tokens.device)


def _gradient(loss: Tensor, plan: Layout, clip: float = 1.0) -> dict[str, Tensor]:
    """Gradient per parameter in float32, clipped to a global norm."""
    values = [value.float() for value in torch.autograd.grad(loss, list(plan.parameters.values()))]
    factor = (clip / (nn.utils.get_total_norm(values) + 1e-12)).clamp(max=1.0)
    return {name: value * factor for name, value in zip(plan.parameters, values, strict=True)}


def _base_teacher(model: Any, forget: Sequence[Encoded], seed: int) -> list[Tensor]:
    """What the base model says without any adapter: it never met the forgotten people."""
    with model.disable_adapter():
        return _all_logits(model, forget)


def _overfit_teacher(model: Any, forget: Sequence[Encoded], seed: int) -> list[Tensor]:
    """The original less what over-fitting on the forget set raises; the adapter is put back afterwards."""
    before = {name: value.detach().clone() for name, value in _lora(model, ADAPTER).items()}
    original = _all_logits(model, forget)
    model.set_adapter(ADAPTER)  # PEFT makes its weights trainable
    fit(model, forget, replace(OVERFIT, seed=seed))
    augmented = _all_logits(model, forget)
    _copy(before, _lora(model, ADAPTER))
    return [teacher_logits(a, b) for a, b in zip(original, augmented, strict=True)]


def _random_teacher(model: Any, forget: Sequence[Encoded], seed: int) -> list[Tensor]:
    """What a model of the same shape and random weights says: it knows nothing at all (arXiv 2205.08096, section 3)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        blank = AutoModelForCausalLM.from_config(model.config).to(model.device).eval()
    return _all_logits(blank, forget)


# Per forget prompt the teacher's logits [answer token, vocabulary].
TEACHERS: dict[str, Callable[[Any, Sequence[Encoded], int], list[Tensor]]] = {
    "base": _base_teacher,
    "overfit": _overfit_teacher,
    "random": _random_teacher,
}


@torch.no_grad()
def _all_logits(model: Any, prompts: Sequence[Encoded]) -> list[Tensor]:
    found: dict[int, Tensor] = {}
    for chosen, batch in batches(prompts, CHECK_TOKENS, model.device):
        counts = [sum(stop - start for start, stop in prompts[i].answers) for i in chosen]
        found.update(zip(chosen, answer_logits(model, batch).split(counts), strict=True))
    return [found[i] for i in range(len(prompts))]


@contextmanager
def _original_kept(model: Any) -> Iterator[None]:
    """A frozen copy of the adapter beside the active one, for the retain objective; gone afterwards."""
    model.add_adapter(ORIGINAL, model.peft_config[ADAPTER])
    _copy(_lora(model, ADAPTER), _lora(model, ORIGINAL))
    model.set_adapter(ADAPTER)
    try:
        yield
    finally:
        model.delete_adapter(ORIGINAL)
        model.set_adapter(ADAPTER)


def _lora(model: Any, adapter: str) -> dict[str, Tensor]:
    """An adapter's weights by layer and factor."""
    marker = f".{adapter}."
    return {name.replace(marker, "."): value for name, value in model.named_parameters() if marker in name}


@torch.no_grad()
def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    for name, value in source.items():
        target[name].copy_(value)


@torch.no_grad()
def original_logits(model: Any, batch: Batch) -> Tensor:
    """Logits of the adapter as it was before unlearning."""
    model.base_model.set_adapter(ORIGINAL)
    try:
        return answer_logits(model, batch)
    finally:
        model.base_model.set_adapter(ADAPTER)


@contextmanager
def _only_trainable(model: Any, plan: Layout, kinds: tuple[Group, ...]) -> Iterator[None]:
    """Gradients reach nothing but the layout's parameters while unlearning."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in plan.parameters)
    yield
    for parameter in model.parameters():
        parameter.requires_grad_(False)


@torch.no_grad()
def _cells(plan: Layout, before: Mapping[str, Tensor]) -> tuple[Cell, ...]:
    """Each cell's size, and how far it went from where it was."""
    change = {name: parameter.detach() - before[name] for name, parameter in plan.parameters.items()}
    moved = (plan.inner(change, change) / plan.inner(before, before).clamp(min=1e-30)).sqrt().tolist()
    sizes = dict.fromkeys(plan.cells, 0)
    for block in plan.blocks:
        sizes[block.owners] += (block.stop - block.start) * plan.parameters[block.parameter].shape[1 - block.dim]
    return tuple(Cell(owners, sizes[owners], far) for owners, far in zip(plan.cells, moved, strict=True))


class _Stopper:
    """Decides when to stop from validation and holdout users only (method section 5).

    The forget set counts as forgotten when the adapter helps its people no more than it helps holdout people:
    L_f(adapter) - L_f(base) >= L_h(adapter) - L_h(base). The base's losses take out how hard a person's taste is.
    """

    def __init__(self, model: Any, material: Material, tolerance: float) -> None:
        rng = random.Random(0)
        sample = lambda prompts: prompts if len(prompts) <= CHECK_PROMPTS else rng.sample(list(prompts), CHECK_PROMPTS)  # noqa: E731
        self.model, self.tolerance, self.reason = model, tolerance, ""
        self.sets = {
            "forget": material.forget,
            "holdout": sample(material.holdout),
            "validation": sample(material.validation),
        }
        with model.disable_adapter():
            self.base = {name: mean_loss(model, prompts) for name, prompts in self.sets.items()}
        self.start = mean_loss(model, self.sets["validation"])

    def check(self) -> dict[str, float]:
        """The three losses now, in nats; sets `reason` where it is time to stop."""
        losses = {name: mean_loss(self.model, prompts) for name, prompts in self.sets.items()}
        help_forget, help_holdout = (self.base[name] - losses[name] for name in ("forget", "holdout"))
        if help_forget <= help_holdout:
            self.reason = "the adapter helps the forgotten people no more than people it never saw"
        elif losses["validation"] > self.start * (1 + self.tolerance):
            self.reason = f"the loss on kept people's validation rose by more than {self.tolerance:.0%}"
        return {
            "forget_nll": losses["forget"],
            "holdout_loss": losses["holdout"],
            "validation_loss": losses["validation"],
        }


@torch.no_grad()
def mean_loss(model: Any, prompts: Sequence[Encoded]) -> float:
    """Mean negative log-likelihood in nats per answer token."""
    total, count = 0.0, 0
    for _, batch in batches(prompts, CHECK_TOKENS, model.device):
        total += answer_loss(answer_logits(model, batch), batch).item() * len(batch.tokens)
        count += len(batch.tokens)
    return total / count if count else math.nan
