"""Early stopping on validation prompts and held-out users (docs/method.md, section 5).

Neither test prompts nor retrained references are read. The forget set counts as forgotten if the adapter helps
forgotten users no more than held-out users:

    L_f(adapter) - L_f(base) >= L_h(adapter) - L_h(base)

with L the mean loss in nats per answer token. The losses of the base model (adapter off) remove the differences in
difficulty between the two groups of users.
"""

import math
import random
from collections.abc import Sequence
from typing import Any

import torch

from core.models.batching import FORWARD_TOKENS, answer_logits, answer_loss, batches
from core.types import Encoded

PROMPTS = 40  # held-out and validation prompts that each check reads


class Stopper:
    """Decides when unlearning ends.

    Attributes:
        reason: Why to stop, in words; "" while unlearning goes on.
        utility_violated: Whether the last check found the validation loss beyond the tolerance.
    """

    def __init__(
        self,
        model: Any,
        forget: Sequence[Encoded],
        holdout: Sequence[Encoded],
        validation: Sequence[Encoded],
        tolerance: float,
    ) -> None:
        """Measure the losses before unlearning.

        Args:
            model: PEFT model before unlearning.
            forget: Prompts of forgotten users.
            holdout: Prompts of held-out users.
            validation: Validation prompts of retained users.
            tolerance: Allowed rise of the validation loss, as a share of its value now.
        """
        self.model, self.tolerance, self.reason, self.utility_violated = model, tolerance, "", False
        self.sets = {"forget": forget, "holdout": sample(holdout, PROMPTS), "validation": sample(validation, PROMPTS)}
        with model.disable_adapter():
            self.base = self._losses()
        self.start = mean_loss(model, self.sets["validation"])

    def check(self) -> dict[str, float]:
        """Measure the losses, and set `reason` and `utility_violated`.

        Returns:
            `forget_nll`, `holdout_loss`, `validation_loss`: losses in nats. `gap`: how much more the adapter lowers the
            loss of forgotten than of held-out users, in nats. `rise`: rise of the validation loss, as a share.
        """
        losses = self._losses()
        help_forget, help_holdout = (self.base[name] - losses[name] for name in ("forget", "holdout"))
        rise = losses["validation"] / self.start - 1
        self.utility_violated = rise > self.tolerance
        if self.utility_violated:
            self.reason = f"the validation loss of retained users rose by more than {self.tolerance:.0%}"
        elif help_forget <= help_holdout:
            self.reason = "the adapter helps forgotten users no more than held-out users"
        return {
            "forget_nll": losses["forget"],
            "holdout_loss": losses["holdout"],
            "validation_loss": losses["validation"],
            "gap": help_forget - help_holdout,
            "rise": rise,
        }

    def _losses(self) -> dict[str, float]:
        return {name: mean_loss(self.model, prompts) for name, prompts in self.sets.items()}


def sample(prompts: Sequence[Encoded], most: int, seed: int = 0) -> Sequence[Encoded]:
    """Random sample of at most `most` prompts; all of them if there are no more."""
    return prompts if len(prompts) <= most else random.Random(seed).sample(list(prompts), most)


@torch.no_grad()
def mean_loss(model: Any, prompts: Sequence[Encoded]) -> float:
    """Mean negative log-likelihood in nats per answer token; NaN without prompts."""
    total, count = 0.0, 0
    for _, batch in batches(prompts, FORWARD_TOKENS, model.device):
        total += answer_loss(answer_logits(model, batch), batch).item() * len(batch.tokens)
        count += len(batch.tokens)
    return total / count if count else math.nan
