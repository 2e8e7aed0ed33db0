"""Types of training and unlearning: step reports, watchers, step functions, checkpointers, and the prompts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.types import Encoded

Losses = Mapping[str, float]
State = dict[str, Any]  # JSON values and tensors, in lists and dictionaries


@dataclass(frozen=True, slots=True)
class Step:
    """Report to the watcher after a step.

    Attributes:
        number: Steps taken so far, from 1.
        total: Largest number of steps of this training.
        losses: Losses in nats and other measures of the step, by name.
    """

    number: int
    total: int
    losses: Losses


Watcher = Callable[[Step], bool]  # sees each step; True ends the training


def never_stop(_step: Step) -> bool:
    """Watcher that lets a training take all of its steps."""
    return False


class StepFunction(Protocol):
    """Gradients of one step, and the state besides the weights that a checkpoint must hold."""

    def __call__(self, step: int, /) -> Losses:
        """Fill `.grad` of the trained parameters.

        Args:
            step: Number of the step, from 0.

        Returns:
            Losses in nats by name.

        Raises:
            FloatingPointError: A loss or a gradient is NaN or infinite.
        """

    def state(self) -> State:
        """Return the state of random generators and settings."""

    def restore(self, state: State) -> None:
        """Return to what `state` gave earlier."""

    def halve_micro_batch(self) -> bool:
        """Halve the number of prompts in memory; return False if it is one already."""


class Checkpointer(Protocol):
    """Keeps the checkpoints of all trainings of a run, which are numbered in their order (`phase`)."""

    def bind(self, inputs: str, /) -> None:
        """Keep and return only checkpoints of trainings on these inputs, which a digest names, from now on."""

    def phase(self) -> int:
        """Return the number of the next training."""

    def latest(self, phase: int, /) -> State | None:
        """Return the newest checkpoint of a training, or None."""

    def save_if_due(self, phase: int, number: int, state: Callable[[], State], last: bool, /) -> None:
        """Store the state after step `number` if a checkpoint is due, and always after the last step."""


class NullCheckpointer:
    """Checkpointer that stores nothing."""

    def bind(self, _inputs: str) -> None:
        """Do nothing: there are no checkpoints."""

    def phase(self) -> int:
        """Return 0: trainings need no number."""
        return 0

    def latest(self, _phase: int) -> State | None:
        """Return None: there is no checkpoint."""
        return None

    def save_if_due(self, phase: int, number: int, state: Callable[[], State], last: bool) -> None:
        """Store nothing."""


NO_CHECKPOINTS = NullCheckpointer()


@dataclass(frozen=True)
class UnlearningPrompts:
    """Encoded prompts that unlearning may read: no test prompts, and nothing of the retrained references.

    Attributes:
        forget: Prompts of the forget set.
        retain: Training prompts of other users.
        validation: Validation prompts of other users.
        holdout: Prompts of held-out users.
        choices: Tokens that can be an answer: Yes and No in `click`; None if any token can.
        learning_rate: The rate that the adapter was trained with, at which task vectors are trained too.
    """

    forget: Sequence[Encoded]
    retain: Sequence[Encoded]
    validation: Sequence[Encoded]
    holdout: Sequence[Encoded]
    choices: tuple[int, ...] | None = field(default=None, kw_only=True)
    learning_rate: float = field(default=2e-3, kw_only=True)

    @property
    def unseen(self) -> Sequence[Encoded]:
        """Prompts that never trained the adapter. Held-out users alone may be few."""
        return [*self.holdout, *self.validation]
