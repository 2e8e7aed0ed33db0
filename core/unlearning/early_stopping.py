"""When to stop: validation and holdout users decide, never test and never a reference (method section 5)."""

import math
import random
from collections.abc import Sequence
from typing import Any

import torch

from core.models.batching import answer_logits, answer_loss, batches
from core.types import Encoded

PROMPTS = 40
TOKENS = 4096


class Stopper:
    """The forget set counts as forgotten when the adapter helps its people no more than it helps holdout people:
    L_f(adapter) - L_f(base) >= L_h(adapter) - L_h(base). The base's losses take out how hard a person's taste is.
    """

    def __init__(
        self,
        model: Any,
        forget: Sequence[Encoded],
        holdout: Sequence[Encoded],
        validation: Sequence[Encoded],
        tolerance: float,
    ) -> None:
        self.model, self.tolerance, self.reason, self.utility_violated = model, tolerance, "", False
        self.sets = {"forget": forget, "holdout": sample(holdout, PROMPTS), "validation": sample(validation, PROMPTS)}
        with model.disable_adapter():
            self.base = {name: mean_loss(model, prompts) for name, prompts in self.sets.items()}
        self.start = mean_loss(model, self.sets["validation"])

    def check(self) -> dict[str, float]:
        """The three losses now, in nats; by how many the adapter helps the forgotten people more than strangers (gap);
        the share by which the validation loss rose (rise). Sets `reason` where it is time to stop,
        `costly` where kept people pay for it."""
        losses = {name: mean_loss(self.model, prompts) for name, prompts in self.sets.items()}
        help_forget, help_holdout = (self.base[name] - losses[name] for name in ("forget", "holdout"))
        rise = losses["validation"] / self.start - 1
        self.utility_violated = rise > self.tolerance
        if self.utility_violated:
            self.reason = f"the loss on kept people's validation rose by more than {self.tolerance:.0%}"
        elif help_forget <= help_holdout:
            self.reason = "the adapter helps the forgotten people no more than people it never saw"
        return {
            "forget_nll": losses["forget"],
            "holdout_loss": losses["holdout"],
            "validation_loss": losses["validation"],
            "gap": help_forget - help_holdout,
            "rise": rise,
        }


def sample(prompts: Sequence[Encoded], most: int, seed: int = 0) -> Sequence[Encoded]:
    """At most so many of the prompts, by chance."""
    return prompts if len(prompts) <= most else random.Random(seed).sample(list(prompts), most)


@torch.no_grad()
def mean_loss(model: Any, prompts: Sequence[Encoded]) -> float:
    """Mean negative log-likelihood in nats per answer token."""
    total, count = 0.0, 0
    for _, batch in batches(prompts, TOKENS, model.device):
        total += answer_loss(answer_logits(model, batch), batch).item() * len(batch.tokens)
        count += len(batch.tokens)
    return total / count if count else math.nan
