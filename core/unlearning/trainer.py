"""The only training loop: base, adapter, references and unlearning all go through it.

It can be broken off at any point and gone on with: a keeper takes what a step left behind, and gives it back. It lives with
a card that is too small for a batch, and with a step that comes out as no number.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import nn

from core.errors import RunError
from core.models import distributed

Losses = Mapping[str, float]
State = dict[str, Any]  # of JSON values and tensors, in lists and dictionaries
SKIPS = 3  # steps that may come out as no number before the loop goes back to its last checkpoint


@dataclass(frozen=True, slots=True)
class Step:
    """What a watcher sees after each step: its number from 1, how many there are at most, and the losses in nats."""

    number: int
    total: int
    losses: Losses


class Work(Protocol):
    """What one step computes, and what it has to know for it besides the weights."""

    def __call__(self, step: int) -> Losses:
        """Fill .grad and return the losses. Raises FloatingPointError where either is no number."""

    def state(self) -> State: ...

    def restore(self, state: State) -> None: ...

    def smaller(self) -> bool:
        """Take half as many prompts into memory at a time; False where it is one already."""


class Checkpointer(Protocol):
    """Keeps checkpoints of every training of a run; phase: the number of the training, in their order."""

    def phase(self) -> int: ...

    def latest(self, phase: int) -> State | None: ...

    def keep(self, phase: int, number: int, state: Callable[[], State], last: bool) -> None:
        """Take what step `number` left, if it is time to; always if it is the last."""


def finite(losses: Losses) -> Losses:
    """The losses. Raises FloatingPointError where one is no number."""
    if not all(map(math.isfinite, losses.values())):
        raise FloatingPointError
    return losses


def halved(size: int, whole: int) -> int:
    """Half as many prompts at a time, one at least; 0 stands for the whole batch."""
    return max(1, (size or whole) // 2)


class NullCheckpointer:
    """Keeps nothing."""

    def phase(self) -> int:
        return 0

    def latest(self, phase: int) -> State | None:
        return None

    def keep(self, phase: int, number: int, state: Callable[[], State], last: bool) -> None:
        pass


FORGETFUL = NullCheckpointer()


@dataclass(frozen=True)
class Schedule:
    """How many steps at most, and the share of the learning rate at each: linear warm-up, then constant or a cosine down to a
    fiftieth. clip: bound on the global gradient norm, None for none."""

    steps: int
    warmup: int = 0
    cosine: bool = False
    clip: float | None = 1.0

    def share(self, step: int) -> float:
        start = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return start * (max(0.02, 0.5 * (1 + math.cos(math.pi * step / self.steps))) if self.cosine else 1.0)


def train(
    parameters: Iterable[nn.Parameter],
    optimiser: torch.optim.Optimizer,
    work: Work,
    schedule: Schedule,
    watch: Callable[[Step], bool],
    keeper: Checkpointer = FORGETFUL,
) -> int:
    """Take up to schedule.steps steps; stop when `watch` says True. Returns the number of steps taken.

    A step that does not fit into memory is taken again with half the prompts at a time. One that comes out as no number is
    skipped, three at most; then the loop goes back to its last checkpoint, once. Raises RunError where that does not help.
    """
    training = Training(list(parameters), optimiser, work, schedule, keeper)
    done, losses = training.resume()
    if done and watch(
        Step(done, schedule.steps, losses)
    ):  # again: the watcher may have been broken off before it could say so
        return done
    while done < schedule.steps:
        told = training.step(done)
        if told is None:
            done, _ = training.go_back()
            continue
        done += 1
        ended = _said(watch, Step(done, schedule.steps, told))
        training.keep(done, told, ended or done == schedule.steps)
        if ended:
            break
    return done


def _said(watch: Callable[[Step], bool], step: Step) -> bool:
    """What the watcher says; of several processes the first one's says it for all."""
    return bool(distributed.broadcast([int(bool(watch(step)))])[0])


@dataclass
class Training:
    """One training at work. skips: steps without a number since the start or the last way back."""

    parameters: list[nn.Parameter]
    optimiser: torch.optim.Optimizer
    work: Work
    schedule: Schedule
    keeper: Checkpointer
    skips: int = 0
    went_back: bool = False
    rates: list[float] = field(init=False)
    phase: int = field(init=False)

    def __post_init__(self) -> None:
        self.rates, self.phase = [group["lr"] for group in self.optimiser.param_groups], self.keeper.phase()

    def step(self, number: int) -> Losses | None:
        """Take one step; None where it came out as no number once too often."""
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
        """The step's gradients, with fewer prompts at a time as long as they do not fit into memory."""
        before, again = self.work.state(), None
        while (
            losses := self._try(number, again)
        ) is None:  # outside of the except block, which would keep what did not fit alive
            torch.cuda.empty_cache()
            if not self.work.smaller():
                raise RunError(
                    "The device has too little memory for a single prompt: choose another one, or a shorter window."
                )
            again = before
        return losses

    def _clip(self) -> None:
        if self.schedule.clip is not None:
            norm = nn.utils.clip_grad_norm_(self.parameters, self.schedule.clip)
            finite({"norm": norm.item()})

    def _try(self, number: int, again: State | None) -> Losses | None:
        """None where it did not fit. again: where the draws stood, to take the same ones once more.

        Where one of several processes ran out of memory by itself, the error ends it, and torchrun all the others: they would
        wait for it for ever.
        """
        self.optimiser.zero_grad(set_to_none=True)
        try:
            if again is not None:
                with distributed.fitting():
                    self.work.restore(again)
            return self.work(number)
        except torch.OutOfMemoryError as error:
            if distributed.size() > 1 and not isinstance(error, distributed.OutOfMemoryOnAnyRank):
                raise
            return None

    def go_back(self) -> tuple[int, Losses]:
        """To the last checkpoint, once. Raises RunError the second time, or where there is none."""
        if not self.went_back and (state := self.keeper.latest(self.phase)):
            self.went_back, self.skips = True, 0
            return self._restore(state)
        raise RunError(
            f"More than {SKIPS} steps came out as no number: lower the method's learning rate, or run in float32 on a CPU."
        )

    def resume(self) -> tuple[int, Losses]:
        """Where an earlier attempt at this training stood: how many steps were taken, and the last one's losses."""
        state = self.keeper.latest(self.phase)
        return self._restore(state) if state else (0, {})

    def keep(self, done: int, losses: Losses, last: bool) -> None:
        self.keeper.keep(self.phase, done, lambda: self._state(done, losses), last)

    def _state(self, done: int, losses: Losses) -> State:
        return {
            "done": done,
            "steps": self.schedule.steps,
            "losses": dict(losses),
            "parameters": [parameter.detach() for parameter in self.parameters],
            "optimiser": [self.optimiser.state.get(parameter) for parameter in self.parameters],
            "work": self.work.state(),
            "random": [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else ())],
        }

    @torch.no_grad()
    def _restore(self, state: State) -> tuple[int, Losses]:
        for parameter, value in zip(self.parameters, state["parameters"], strict=True):
            parameter.copy_(value)
        known = {number: values for number, values in enumerate(state["optimiser"]) if values is not None}
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": known})
        self.work.restore(state["work"])
        host, *cards = state["random"]
        torch.set_rng_state(host)
        if cards:
            torch.cuda.set_rng_state_all(cards)
        return state["done"], state["losses"]
