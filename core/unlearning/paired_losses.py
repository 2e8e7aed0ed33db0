"""Forget and retain loss of each unlearning step."""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from core.models import distributed
from core.models.batching import Batch, answer_logits, collate, micro_batches, tokens_of_a_pass
from core.models.lora_layout import Layout
from core.types import Encoded
from core.unlearning.methods import Method
from core.unlearning.objectives import OBJECTIVES, PER_TARGET, READS_ORIGINAL, READS_WRONG, ObjectiveInputs, retain_loss
from core.unlearning.teachers import TEACHERS, Groups, TeacherLogits, prompt_logits
from core.unlearning.trainer import halved
from core.unlearning.training_types import State, UnlearningPrompts

AHEAD = 20  # steps whose retain prompts the original model reads at once

RandomState = tuple[Any, ...]


class PairLosses:
    """Forget and retain loss of each step, over seeded random batches, in micro-batches.

    The teacher's logits, and the original model's on the forget set, are computed before the first step. The original
    model's logits on retain prompts are computed for `AHEAD` steps at once, in large batches without a graph.
    """

    def __init__(
        self, model: Any, plan: Layout, prompts: UnlearningPrompts, groups: Groups, method: Method, seed: int
    ) -> None:
        """Compute the fixed logits of the forget set.

        Args:
            model: PEFT model before unlearning.
            plan: Layout of the adapter's coordinates.
            prompts: Encoded prompts that unlearning may use.
            groups: Group of each module, for the teacher.
            method: Objective, teacher and batch size.
            seed: Seed of the batches and of wrong answers.
        """
        self.model, self.plan, self.method, self.seed = model, plan, method, seed
        self.original_weights = plan.weights()
        self.objective, self.per_target = OBJECTIVES[method.forget], method.forget in PER_TARGET
        self.rng, self.retain_rng, self.wrong_rng = (random.Random(seed + offset) for offset in range(3))
        self.forget, self.retain, self.learning_rate = prompts.forget, prompts.retain, prompts.learning_rate
        self.original = prompt_logits(model, self.forget) if method.forget in READS_ORIGINAL else None
        self.teacher = TEACHERS[method.teacher](model, self.forget, seed, groups) if method.uses_teacher else None
        self.ahead: list[tuple[list[int], dict[int, Tensor]]] = []  # prompts and original logits of the next steps
        self.before_ahead = self.retain_rng.getstate()  # state of the generator before the batches in `ahead`
        self.micro_batch, self.pass_tokens = method.micro_batch, tokens_of_a_pass(model, model.device)
        self.options = prompts.choices or range(model.config.vocab_size)
        self.choices = torch.tensor(self.options, device=model.device)

    def forget_parts(self) -> Iterator[Tensor]:
        """Yield the forget loss of one step in micro-batches that sum to it, scalars in nats."""
        for part, batch, share in self._micro_batches(self._draw(self.forget, self.rng), self.forget, self.per_target):
            wrong = self._wrong_tokens(batch.tokens) if self.method.forget in READS_WRONG else torch.empty(0)
            original, teacher = (_rows(logits, part) for logits in (self.original, self.teacher))
            inputs = ObjectiveInputs(batch, original, teacher, wrong, self.choices)
            yield share * self.objective(answer_logits(self.model, batch), inputs)

    def retain_parts(self) -> Iterator[Tensor]:
        """Yield the retain loss of one step in micro-batches that sum to it, scalars in nats."""
        self.ahead = self.ahead or self._look_ahead()
        chosen, original = self.ahead.pop(0)
        for part, batch, share in self._micro_batches(chosen, self.retain, False):
            yield share * retain_loss(answer_logits(self.model, batch), batch, _rows(original, part))

    def _look_ahead(self) -> list[tuple[list[int], dict[int, Tensor]]]:
        """Draw the retain prompts of the next steps and compute the original model's logits on this process's part."""
        self.before_ahead = self.retain_rng.getstate()
        draws = [self._draw(self.retain, self.retain_rng) for _ in range(AHEAD)]
        indices = sorted({i for chosen in draws for i in distributed.local_part(chosen)})
        with self.plan.holding(self.original_weights):
            logits = dict(zip(indices, prompt_logits(self.model, [self.retain[i] for i in indices]), strict=True))
        return [(chosen, logits) for chosen in draws]

    def state(self) -> State:
        """Return the state of the random generators; the original model's logits can be computed again."""
        retain = self.before_ahead if self.ahead else self.retain_rng.getstate()
        states = (self.rng.getstate(), retain, self.wrong_rng.getstate())
        return {"draws": [_to_json(state) for state in states], "ahead": len(self.ahead), "micro": self.micro_batch}

    def restore(self, state: State) -> None:
        """Return to what `state` gave earlier, with the present micro-batch size."""
        for rng, values in zip((self.rng, self.retain_rng, self.wrong_rng), state["draws"], strict=True):
            rng.setstate(_from_json(values))
        self.ahead = self._look_ahead()[AHEAD - state["ahead"] :] if state["ahead"] else []

    def halve_micro_batch(self) -> bool:
        """Halve the number of prompts in memory; return False if it is one already."""
        self.micro_batch, before = halved(self.micro_batch, self.method.batch_size), self.micro_batch
        return self.micro_batch != before

    def _draw(self, prompts: Sequence[Encoded], rng: random.Random) -> list[int]:
        return rng.sample(range(len(prompts)), min(self.method.batch_size, len(prompts)))

    def _micro_batches(
        self, chosen: list[int], prompts: Sequence[Encoded], per_target: bool
    ) -> Iterator[tuple[Sequence[int], Batch, float]]:
        """Cut a batch: indices of each micro-batch, its tensors, and its share of the targets or answer tokens."""

        def count(part: Sequence[int]) -> int:
            return sum(len(prompts[i].labels) if per_target else prompts[i].answer_tokens for i in part)

        for part, share in micro_batches(chosen, prompts, self.micro_batch, self.pass_tokens, count):
            yield part, collate([prompts[i] for i in part], self.model.device), share

    def _wrong_tokens(self, tokens: Tensor) -> Tensor:
        """For each answer token a random other option; with two options the other one."""

        def other(token: int) -> int:
            while (option := self.wrong_rng.choice(self.options)) == token:
                pass
            return option

        return torch.tensor([other(token) for token in tokens.tolist()], device=tokens.device)


def _to_json(state: RandomState) -> State:
    version, numbers, normal = state
    return {"version": version, "numbers": list(numbers), "normal": normal}


def _from_json(values: State) -> RandomState:
    return values["version"], tuple(values["numbers"]), values["normal"]


def _rows(logits: TeacherLogits | Mapping[int, Tensor] | None, part: Sequence[int]) -> Tensor:
    """Logits of some prompts in the order of a batch's answer tokens; empty without logits."""
    return torch.cat([logits[i] for i in part]) if logits else torch.empty(0)
