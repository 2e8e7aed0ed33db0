"""Plain fine-tuning on answers: the base model, the adapter, every reference and the over-fit teacher."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from core.models.batches import answer_logits, answer_loss, collate, micro_batches
from core.types import Encoded
from core.unlearning.loop import Losses, Step, train

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
) -> None:
    """Minimise the answers' negative log-likelihood over the model's trainable parameters, in a seeded order."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, betas=BETAS, weight_decay=settings.weight_decay
    )
    order = list(_order(len(prompts), settings))
    device = parameters[0].device

    def gradients(step: int) -> Losses:
        total, count = 0.0, lambda part: sum(prompts[i].answer_tokens for i in part)
        for part, share in micro_batches(order[step], settings.micro_batch, count):
            batch = collate([prompts[i] for i in part], device)
            loss = share * answer_loss(answer_logits(model, batch), batch)
            loss.backward()
            total += loss.item()
        return {"loss": total}

    model.train()
    train(parameters, optimiser, gradients, len(order), watch, warmup=min(50, len(order) // 10), cosine=True)
    model.eval()


def _order(count: int, settings: FitSettings):
    """The prompts' indices of each step: every epoch a new shuffle."""
    rng = random.Random(settings.seed)
    for _ in range(settings.epochs):
        indices = list(range(count))
        rng.shuffle(indices)
        for start in range(0, count, settings.batch_size):
            yield indices[start : start + settings.batch_size]
