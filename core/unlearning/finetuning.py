"""Fine-tuning on answers: trains the base model, adapters, retrained references and the over-fit teacher."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from core.models import distributed
from core.models.batching import answer_logits, answer_loss, collate, micro_batches, tokens_of_a_pass
from core.types import Encoded
from core.unlearning.trainer import Schedule, halved, require_finite, train
from core.unlearning.training_types import NO_CHECKPOINTS, Checkpointer, Losses, State, Step, Watcher, never_stop
from core.unlearning.weight_mean import WeightMean

BETAS = (0.9, 0.98)  # with a second beta of .999 small transformers diverge at these learning rates
WARMUP = 50  # steps of warm-up at most; short trainings warm up over a tenth of their steps


@dataclass(frozen=True, slots=True)
class FinetuneSettings:
    """Settings of one fine-tuning.

    Attributes:
        epochs: Passes over all prompts.
        learning_rate: AdamW's highest learning rate.
        batch_size: Prompts per step.
        weight_decay: AdamW's weight decay.
        seed: Seed of the order of the prompts.
        micro_batch: Prompts in memory at once, 0 for the whole batch; changes no gradient.
        average: Share of the steps, the last ones, whose weights are averaged (arXiv 1803.05407); 0 for the last step's
            weights. An average depends less on the order of the prompts, so that two trainings agree better.
    """

    epochs: int
    learning_rate: float
    batch_size: int = 8
    weight_decay: float = 0.0
    seed: int = 0
    micro_batch: int = 0
    average: float = 0.0


def finetune(
    model: nn.Module,
    prompts: Sequence[Encoded],
    settings: FinetuneSettings,
    watch: Watcher = never_stop,
    checkpointer: Checkpointer = NO_CHECKPOINTS,
    make_step: "Callable[..., AnswerLossStep] | None" = None,
) -> int:
    """Minimise the mean negative log-likelihood of the answers over the model's trainable parameters.

    Args:
        model: Model whose parameters with `requires_grad` are trained.
        prompts: Prompts with their answers.
        settings: Epochs, learning rate, batch size and seed.
        watch: Sees each step; True ends the training.
        checkpointer: Stores and gives back checkpoints.
        make_step: Makes the step function from the arguments of AnswerLossStep, which it is by default.

    Returns:
        Number of steps taken.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, lr=settings.learning_rate, betas=BETAS, weight_decay=settings.weight_decay
    )
    order = list(_order(len(prompts), settings))
    mean = WeightMean(parameters, after=len(order) - round(settings.average * len(order)))
    step_function = (make_step or AnswerLossStep)(model, prompts, order, settings.micro_batch, mean)
    model.train()
    schedule = Schedule(len(order), warmup=min(WARMUP, len(order) // 10), cosine=True)

    def watched(step: Step) -> bool:
        mean.add(step.number)
        return watch(step)

    taken = train(parameters, optimiser, step_function, schedule, watched, checkpointer)
    mean.apply()
    model.eval()
    return taken


class AnswerLossStep:
    """Step function of fine-tuning: the answer loss of the step's batch and its gradients."""

    def __init__(
        self,
        model: nn.Module,
        prompts: Sequence[Encoded],
        order: Sequence[list[int]],
        micro_batch: int,
        mean: WeightMean,
    ) -> None:
        self.model, self.prompts, self.order, self.micro_batch, self.mean = model, prompts, order, micro_batch, mean
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.device = self.parameters[0].device
        self.pass_tokens = tokens_of_a_pass(model, self.device)

    def __call__(self, step: int) -> Losses:
        """Fill `.grad` with the gradients of the batch; return its loss in nats per answer token."""
        total = 0.0
        with distributed.raise_out_of_memory_everywhere():
            parts = micro_batches(
                self.order[step], self.prompts, self.micro_batch, self.pass_tokens, self._answer_tokens
            )
            for part, share in parts:
                batch = collate([self.prompts[i] for i in part], self.device)
                loss = share * answer_loss(answer_logits(self.model, batch), batch)
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.item()
        return require_finite({"loss": self._sum_over_processes(total)})

    def _sum_over_processes(self, loss: float) -> float:
        """Sum the loss, and in place the gradients, over all processes."""
        if distributed.world_size() == 1:
            return loss
        for parameter in self.parameters:
            parameter.grad = distributed.all_reduce_sum(
                torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            )
        return distributed.all_reduce_sum(torch.tensor(loss, dtype=torch.float64, device=self.device)).item()

    def _answer_tokens(self, part: Sequence[int]) -> int:
        return sum(self.prompts[i].answer_tokens for i in part)

    def state(self) -> State:
        """Return the micro-batch size and the mean of the weights; the order of the prompts follows from the seed."""
        return {"micro": self.micro_batch, **self.mean.state()}

    def restore(self, state: State) -> None:
        """Restore the mean. The present micro-batch size stays: an earlier, larger one may not fit into memory."""
        self.mean.restore(state)

    def halve_micro_batch(self) -> bool:
        """Halve the number of prompts in memory; return False if it is one already."""
        self.micro_batch, before = halved(self.micro_batch, len(self.order[0])), self.micro_batch
        return self.micro_batch != before


def _order(count: int, settings: FinetuneSettings) -> Iterator[list[int]]:
    """Indices of the prompts of each step, shuffled in every epoch."""
    rng = random.Random(settings.seed)
    for _ in range(settings.epochs):
        indices = list(range(count))
        rng.shuffle(indices)
        for start in range(0, count, settings.batch_size):
            yield indices[start : start + settings.batch_size]
