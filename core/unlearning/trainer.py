"""Training loop of every training: base model, adapter, retrained references and unlearning.

Each step:

1. Sets the learning rate of the schedule.
2. Computes the gradients. If the device runs out of memory, the step is repeated with smaller micro-batches on the
   same prompts.
3. Clips the gradients and lets the optimiser move the parameters. A step with a NaN or infinite value is skipped.
   After more than `SKIPS` skipped steps the loop returns to its last checkpoint, once.
4. Reports to the watcher, which may end the training, and offers a checkpoint.

An interrupted training continues from its last checkpoint and gives the same weights bit for bit.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import nn

from core.errors import RunError
from core.models import distributed
from core.unlearning.training_types import (
    NO_CHECKPOINTS,
    Checkpointer,
    Losses,
    State,
    Step,
    StepFunction,
    Watcher,
)

SKIPS = 3  # steps with NaN or infinite values that are skipped before the loop returns to its last checkpoint
COSINE_FLOOR = 0.02  # share of the learning rate at which the cosine schedule stays


def require_finite(losses: Losses) -> Losses:
    """Return the losses.

    Raises:
        FloatingPointError: A loss is NaN or infinite.
    """
    if not all(map(math.isfinite, losses.values())):
        raise FloatingPointError
    return losses


def halved(size: int, batch_size: int) -> int:
    """Half of a micro-batch size, at least 1; size 0 stands for the whole batch."""
    return max(1, (size or batch_size) // 2)


@dataclass(frozen=True)
class Schedule:
    """Number of steps, learning rate over the steps and gradient clipping.

    Attributes:
        steps: Largest number of steps.
        warmup: Steps of linear warm-up.
        cosine: Whether the rate falls as a cosine to `COSINE_FLOOR` after the warm-up; otherwise it is constant.
        clip: Bound on the global norm of the gradient; None for no bound.
    """

    steps: int
    warmup: int = 0
    cosine: bool = False
    clip: float | None = 1.0

    def share(self, step: int) -> float:
        """Share of the learning rate at a step (from 0), in (0, 1]."""
        warmup = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if not self.cosine:
            return warmup
        return warmup * max(COSINE_FLOOR, 0.5 * (1 + math.cos(math.pi * step / self.steps)))


def train(
    parameters: Iterable[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    step_function: StepFunction,
    schedule: Schedule,
    watch: Watcher,
    checkpointer: Checkpointer = NO_CHECKPOINTS,
) -> int:
    """Train until the schedule or the watcher ends, continuing from the latest checkpoint.

    Args:
        parameters: Parameters that the optimiser moves.
        optimiser: Any torch optimiser over `parameters`.
        step_function: Fills the gradients of a step.
        schedule: Steps, learning rate and clipping.
        watch: Sees each step; True ends the training.
        checkpointer: Stores and gives back checkpoints.

    Returns:
        Number of steps taken, those before an interruption included.

    Raises:
        RunError: Too little memory for one prompt, or NaN values that a return to the last checkpoint did not cure.
    """
    training = Training(list(parameters), optimiser, step_function, schedule, checkpointer)
    done, last_losses = training.resume()
    # The last step is reported again: the interruption may have come between its checkpoint and the watcher's answer.
    if done and watch(Step(done, schedule.steps, last_losses)):
        return done
    while done < schedule.steps:
        losses = training.step(done)
        if losses is None:
            done = training.go_back()
            continue
        done += 1
        ended = _ends(watch, Step(done, schedule.steps, losses))
        training.save(done, losses, ended or done == schedule.steps)
        if ended:
            break
    return done


def _ends(watch: Watcher, step: Step) -> bool:
    """The watcher's answer; with several processes the first one's answer holds for all."""
    return bool(distributed.broadcast([int(bool(watch(step)))])[0])


@dataclass
class Training:
    """State of one training.

    Attributes:
        parameters: Trained parameters.
        optimiser: Optimiser over them.
        step_function: Fills the gradients of a step.
        schedule: Steps, learning rate and clipping.
        checkpointer: Stores and gives back checkpoints.
        skips: Steps skipped for NaN values since the start or the return to a checkpoint.
        went_back: Whether the loop returned to a checkpoint because of NaN values.
        rates: Full learning rate of each parameter group.
        phase: Number of this training within its run.
    """

    parameters: list[nn.Parameter]
    optimiser: torch.optim.Optimizer
    step_function: StepFunction
    schedule: Schedule
    checkpointer: Checkpointer
    skips: int = 0
    went_back: bool = False
    rates: list[float] = field(init=False)
    phase: int = field(init=False)

    def __post_init__(self) -> None:
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.phase = self.checkpointer.phase()

    def step(self, number: int) -> Losses | None:
        """Take step `number` (from 0); return None after one skipped step too many."""
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * self.schedule.share(number)
        try:
            losses = self._gradients(number)
            self._clip()
        except FloatingPointError:
            self.skips += 1
            return {"skipped": 1.0} if self.skips <= SKIPS else None
        self.optimiser.step()
        return losses

    def _gradients(self, number: int) -> Losses:
        """Compute the gradients, with smaller micro-batches until they fit into memory."""
        before = self.step_function.state()
        losses = self._attempt(number, None)
        while losses is None:  # not inside `except`, which would keep the tensors of the failed attempt alive
            torch.cuda.empty_cache()
            if not self.step_function.halve_micro_batch():
                raise RunError(
                    "The device has too little memory for a single prompt: use a device with more memory, or prepare "
                    "the workspace with a smaller --window."
                )
            losses = self._attempt(number, before)
        return losses

    def _attempt(self, number: int, repeat_from: State | None) -> Losses | None:
        """Compute the gradients once; return None if they did not fit into memory.

        If one of several processes runs out of memory outside a common section, its error ends it, and torchrun ends
        the others: they would wait for it forever.

        Args:
            number: Number of the step.
            repeat_from: State from which to draw the same prompts again; None at the first attempt.
        """
        self.optimiser.zero_grad(set_to_none=True)
        try:
            if repeat_from is not None:
                with distributed.raise_out_of_memory_everywhere():
                    self.step_function.restore(repeat_from)
            return self.step_function(number)
        except torch.OutOfMemoryError as error:
            if distributed.world_size() > 1 and not isinstance(error, distributed.OutOfMemoryOnAnyRank):
                raise
            return None

    def _clip(self) -> None:
        if self.schedule.clip is not None:
            norm = nn.utils.clip_grad_norm_(self.parameters, self.schedule.clip)
            require_finite({"norm": norm.item()})

    def go_back(self) -> int:
        """Return to the last checkpoint, once, and return the number of steps that it holds.

        Raises:
            RunError: There is no checkpoint, or the loop returned to one before.
        """
        if not self.went_back and (state := self.checkpointer.latest(self.phase)):
            self.went_back, self.skips = True, 0
            return self._restore(state)[0]
        raise RunError(
            f"More than {SKIPS} steps gave NaN or infinite values: lower the method's learning rate, "
            "or run in float32 on a CPU."
        )

    def resume(self) -> tuple[int, Losses]:
        """Load the latest checkpoint; return the number of steps taken and the losses of the last one."""
        state = self.checkpointer.latest(self.phase)
        return self._restore(state) if state else (0, {})

    def save(self, done: int, losses: Losses, last: bool) -> None:
        """Offer a checkpoint after `done` steps."""
        self.checkpointer.save_if_due(self.phase, done, lambda: self._state(done, losses), last)

    def _state(self, done: int, losses: Losses) -> State:
        return {
            "done": done,
            "steps": self.schedule.steps,
            "losses": dict(losses),
            "parameters": [parameter.detach() for parameter in self.parameters],
            "optimiser": [self.optimiser.state.get(parameter) for parameter in self.parameters],
            "work": self.step_function.state(),
            "random": _random_states(),
        }

    @torch.no_grad()
    def _restore(self, state: State) -> tuple[int, Losses]:
        for parameter, value in zip(self.parameters, state["parameters"], strict=True):
            parameter.copy_(value)
        moments = {number: values for number, values in enumerate(state["optimiser"]) if values is not None}
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        self.step_function.restore(state["work"])
        cpu, *gpus = state["random"]
        torch.set_rng_state(cpu)
        if gpus:
            torch.cuda.set_rng_state_all(gpus)
        return state["done"], state["losses"]


def _random_states() -> list[torch.Tensor]:
    """States of torch's generators: the CPU's, then each GPU's if CUDA is in use."""
    in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if in_use else ())]
