"""Plain fine-tuning on answers: the base model, the adapter, every reference and the over-fit teacher."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from core.models import distributed
from core.models.batching import answer_logits, answer_loss, collate, micro_batches
from core.types import Encoded
from core.unlearning.trainer import FORGETFUL, Checkpointer, Losses, Schedule, State, Step, finite, halved, train

BETAS = (0.9, 0.98)  # a short second-moment memory: with .999 small transformers jump at these rates


@dataclass(frozen=True, slots=True)
class FitSettings:
    """epochs over the prompts, prompts per batch, AdamW's learning rate and decay, seed of the order; prompts in memory
    at a time, 0 for the whole batch, which changes no gradient."""

    epochs: int
    learning_rate: float
    batch_size: int = 8
    weight_decay: float = 0.0
    seed: int = 0
    micro_batch: int = 0


def fit(
    model: nn.Module,
    prompts: Sequence[Encoded],
    settings: FitSettings,
    watch: Callable[[Step], bool] = lambda step: False,
    keeper: Checkpointer = FORGETFUL,
) -> int:
    """Minimise the answers' negative log-likelihood over the model's trainable parameters, in a seeded order.

    Returns the number of steps taken.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, betas=BETAS, weight_decay=settings.weight_decay
    )
    order = list(_order(len(prompts), settings))
    work = Answers(model, prompts, order, settings.micro_batch)
    model.train()
    schedule = Schedule(len(order), warmup=min(50, len(order) // 10), cosine=True)
    taken = train(parameters, optimiser, work, schedule, watch, keeper)
    model.eval()
    return taken


class Answers:
    """One step of plain fine-tuning: the loss on the answers of the prompts whose turn it is."""

    def __init__(self, model: nn.Module, prompts: Sequence[Encoded], order: Sequence[list[int]], micro: int) -> None:
        self.model, self.prompts, self.order, self.micro = model, prompts, order, micro
        self.moved = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.device = self.moved[0].device

    def __call__(self, step: int) -> Losses:
        total = 0.0
        with distributed.fitting():
            for part, share in micro_batches(self.order[step], self.micro, self._count):
                batch = collate([self.prompts[i] for i in part], self.device)
                loss = share * answer_loss(answer_logits(self.model, batch), batch)
                loss.backward()
                total += loss.item()
        return finite({"loss": self._together(total)})

    def _together(self, total: float) -> float:
        """The loss of all processes, whose gradients are summed as well."""
        if distributed.size() == 1:
            return total
        for parameter in self.moved:
            parameter.grad = distributed.summed(
                torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            )
        return distributed.summed(torch.tensor(total, dtype=torch.float64, device=self.device)).item()

    def _count(self, part: Sequence[int]) -> int:
        return sum(self.prompts[i].answer_tokens for i in part)

    def state(self) -> State:
        return {"micro": self.micro}

    def restore(self, state: State) -> None:
        pass  # the order is fixed from the start

    def smaller(self) -> bool:
        self.micro, before = halved(self.micro, len(self.order[0])), self.micro
        return self.micro != before


def _order(count: int, settings: FitSettings):
    """The prompts' indices of each step: every epoch a new shuffle."""
    rng = random.Random(settings.seed)
    for _ in range(settings.epochs):
        indices = list(range(count))
        rng.shuffle(indices)
        for start in range(0, count, settings.batch_size):
            yield indices[start : start + settings.batch_size]
