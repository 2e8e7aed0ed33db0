"""The two losses of unlearning, step by step: on what to forget and on what to keep."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core.models import distributed
from core.models.batching import Batch, answer_logits, collate, micro_batches
from core.models.lora_layout import Layout
from core.types import Encoded
from core.unlearning.methods import Method
from core.unlearning.objectives import OBJECTIVES, PER_TARGET, READS_ORIGINAL, READS_WRONG, ObjectiveInputs, keep
from core.unlearning.teachers import TEACHERS, Groups, TeacherLogits, prompt_logits
from core.unlearning.trainer import State, halved

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


class PairLosses:
    """The forget and the retain loss of each step, over prompts drawn by `seed`, in micro-batches.

    What the teacher says, and the original of the forget set, is computed before the first step; what the original says
    of kept prompts for AHEAD steps at once, in large batches without a graph.
    """

    def __init__(self, model: Any, plan: Layout, material: Material, groups: Groups, method: Method, seed: int) -> None:
        self.model, self.plan, self.method, self.before, self.seed = model, plan, method, plan.weights(), seed
        self.objective, self.per_target = OBJECTIVES[method.forget], method.forget in PER_TARGET
        self.rng, self.kept_rng, self.astray = (random.Random(seed + part) for part in range(3))
        self.forget, self.retain = material.forget, material.retain
        self.original = prompt_logits(model, self.forget) if method.forget in READS_ORIGINAL else None
        self.teacher = TEACHERS[method.teacher](model, self.forget, seed, groups) if method.taught else None
        self.ahead: list[tuple[list[int], dict[int, Tensor]]] = []
        self.looked = self.kept_rng.getstate()  # before the draws in `ahead`
        self.micro = method.micro_batch
        self.options = material.choices or range(model.config.vocab_size)
        self.choices = torch.tensor(self.options, device=model.device)

    def forgetting(self) -> Iterator[Tensor]:
        """The forget loss of one step, cut into micro-batches that sum to it."""
        for part, batch, share in self._parts(self._draw(self.forget, self.rng), self.forget, self.per_target):
            wrong = self._wrong(batch.tokens) if self.method.forget in READS_WRONG else _none()
            fixed = ObjectiveInputs(batch, _rows(self.original, part), _rows(self.teacher, part), wrong, self.choices)
            yield share * self.objective(answer_logits(self.model, batch), fixed)

    def keeping(self) -> Iterator[Tensor]:
        """The retain loss of one step likewise."""
        self.ahead = self.ahead or self._look_ahead()
        chosen, original = self.ahead.pop(0)
        for part, batch, share in self._parts(chosen, self.retain, False):
            yield share * keep(answer_logits(self.model, batch), batch, _rows(original, part))

    def _look_ahead(self) -> list[tuple[list[int], dict[int, Tensor]]]:
        """The retain prompts of the next steps, and what the original says of them."""
        self.looked = self.kept_rng.getstate()
        draws = [self._draw(self.retain, self.kept_rng) for _ in range(AHEAD)]
        wanted = sorted({i for chosen in draws for i in distributed.own(chosen)})
        with self.plan.holding(self.before):
            answers = dict(zip(wanted, prompt_logits(self.model, [self.retain[i] for i in wanted]), strict=True))
        return [(chosen, answers) for chosen in draws]

    def state(self) -> State:
        """Where the draws stand. What the original says of kept prompts is asked anew, it says the same."""
        kept = self.looked if self.ahead else self.kept_rng.getstate()
        states = (self.rng.getstate(), kept, self.astray.getstate())
        return {"draws": [_plain(state) for state in states], "ahead": len(self.ahead), "micro": self.micro}

    def restore(self, state: State) -> None:
        for rng, values in zip((self.rng, self.kept_rng, self.astray), state["draws"], strict=True):
            rng.setstate(_random_state(values))
        self.ahead = self._look_ahead()[AHEAD - state["ahead"] :] if state["ahead"] else []

    def smaller(self) -> bool:
        """Half as many prompts in memory at a time; False where it is one already."""
        self.micro, before = halved(self.micro, self.method.batch_size), self.micro
        return self.micro != before

    def _draw(self, prompts: Sequence[Encoded], rng: random.Random) -> list[int]:
        return rng.sample(range(len(prompts)), min(self.method.batch_size, len(prompts)))

    def _parts(
        self, chosen: list[int], prompts: Sequence[Encoded], per_target: bool
    ) -> Iterator[tuple[Sequence[int], Batch, float]]:
        """Micro-batches of one draw, each with its prompts and its share of what the loss is a mean of."""
        count = lambda part: sum(len(prompts[i].labels) if per_target else prompts[i].answer_tokens for i in part)  # noqa: E731
        for part, share in micro_batches(chosen, self.micro, count):
            yield part, collate([prompts[i] for i in part], self.model.device), share

    def _wrong(self, tokens: Tensor) -> Tensor:
        """For each answer token another option: with two of them the other one."""

        def other(token: int) -> int:
            while (found := self.astray.choice(self.options)) == token:
                pass
            return found

        return torch.tensor([other(token) for token in tokens.tolist()], device=tokens.device)


def _plain(state: tuple) -> State:
    """A generator's state as JSON has it."""
    version, numbers, normal = state
    return {"version": version, "numbers": list(numbers), "normal": normal}


def _random_state(values: State) -> tuple:
    return values["version"], tuple(values["numbers"]), values["normal"]


def _none() -> Tensor:
    return torch.empty(0)


def _rows(answers: TeacherLogits | Mapping[int, Tensor] | None, part: Sequence[int]) -> Tensor:
    """The prompts' logits one after another, as a batch has its answers."""
    return torch.cat([answers[i] for i in part]) if answers else _none()
