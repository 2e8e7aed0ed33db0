"""Steps of fine-tuning that know the gradients of some prompts of a batch from those of the others."""

from collections.abc import Sequence
from typing import Any

from core.models.batching import answer_logits, answer_loss, collate
from core.unlearning.finetuning import AnswerLossStep
from core.unlearning.training_types import Losses


class PartStep(AnswerLossStep):
    """Step that can compute the gradient of a part of its batch."""

    def backward(self, chosen: Sequence[int], step: int) -> float:
        """Add the gradient of some prompts' part of the batch's loss to `.grad`; return that part of the loss."""
        if not chosen:
            return 0.0
        batch = collate([self.prompts[i] for i in chosen], self.device)
        loss = answer_loss(answer_logits(self.model, batch), batch)
        loss = loss * self._answer_tokens(chosen) / self._answer_tokens(self.order[step])
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()


class SplitStep(PartStep):
    """Step that computes the gradients of the marked prompts of its batch first, then adds those of the others."""

    def __init__(self, *arguments: Any, marked: Sequence[bool]) -> None:
        """Prepare a training.

        Args:
            *arguments: Those of AnswerLossStep.
            marked: Whether a prompt is marked [prompt].
        """
        super().__init__(*arguments)
        self.marked = marked

    def __call__(self, step: int) -> Losses:
        """Fill `.grad` with the gradient of the marked prompts, as `between` leaves it, plus that of the others."""
        inside = [i for i in self.order[step] if self.marked[i]]
        outside = [i for i in self.order[step] if not self.marked[i]]
        loss = self.backward(inside, step)
        self.between()
        return {"loss": loss + self.backward(outside, step)}

    def between(self) -> None:
        """Read or change `.grad` while it holds the gradients of the marked prompts alone; None where there are none."""
