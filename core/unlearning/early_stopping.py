"""Early stopping on training, validation and held-out prompts (docs/method.md, section 5).

Neither test prompts nor retrained references are read. The forget set counts as forgotten once its loss has risen by
`SHARE` of what training on a user's rows lowers their loss, over all training users:

    L_f(now) - L_f(start) >= SHARE * ([L_r(base) - L_r(start)] - [L_u(base) - L_u(start)])

with L the mean loss in nats per answer token, on the forget set f, retained training prompts r and prompts u that never
trained the adapter: those of held-out users and the validation prompts of retained users. The losses of the base model
(adapter off) remove the differences in difficulty between r and u. Held-out users alone are too few: in the demo world
the adapter lowers the loss of its 52 held-out users by .02 less than that of validation prompts (benchmarks/NOTES.md).

Answers are compared at equal places in their prompts, i.e. with as many titles before them. A pretrained model learns
the form of an answer from those before it, so an adapter gains most at the first places; validation prompts ask at the
last ones only. Without places, the goal on SmolLM2 was three times too large (benchmarks/NOTES.md).

The right side is a mean over many users. The loss of the forgotten users alone would say more about them, but one
user's luck outweighs it: judged by it, single users are over-forgotten.
"""

import math
import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch

from core.models.batching import token_losses
from core.types import Encoded
from core.unlearning.training_types import UnlearningPrompts

PROMPTS = 40  # held-out and validation prompts that each check reads
SHARE = 0.9  # of the advantage is to be forgotten; the last tenth costs others the most (benchmarks/NOTES.md)
COMPARED = 2000  # prompts of each kind in the goal; with 400, it has a standard error of a third on MovieLens


class Stopper:
    """Decides when unlearning ends.

    Attributes:
        goal: Rise of the loss on the forget set at which it counts as forgotten, in nats.
        reason: Why to stop, in words; "" while unlearning goes on.
        utility_violated: Whether the last check found the validation loss beyond the tolerance.
    """

    def __init__(self, model: Any, prompts: UnlearningPrompts, tolerance: float) -> None:
        """Measure the losses before unlearning.

        Args:
            model: PEFT model before unlearning.
            prompts: Prompts that unlearning may read. Where it has no validation prompts, retained ones are watched.
            tolerance: Allowed rise of the validation loss, as a share of its value now.
        """
        self.model, self.tolerance, self.reason, self.utility_violated = model, tolerance, "", False
        holdout, validation = (sample(one, PROMPTS) for one in (prompts.holdout, prompts.validation or prompts.retain))
        self.sets = {"forget": prompts.forget, "holdout": holdout, "validation": validation}
        self.goal = SHARE * training_advantage(model, prompts.retain, prompts.unseen)
        self.start = self._losses()

    def check(self) -> dict[str, float]:
        """Measure the losses, and set `reason` and `utility_violated`.

        Returns:
            `forget_nll`, `holdout_loss`, `validation_loss`: losses in nats. `left`: what is left of the goal, in
            nats. `rise`: rise of the validation loss, as a share.
        """
        losses = self._losses()
        left = self.goal - (losses["forget"] - self.start["forget"])
        rise = losses["validation"] / self.start["validation"] - 1
        self.utility_violated = rise > self.tolerance
        if self.utility_violated:
            self.reason = f"the validation loss of retained users rose by more than {self.tolerance:.0%}"
        elif self.goal <= 0:
            self.reason = "training gave no measurable advantage over prompts that never trained the adapter"
        elif left <= 0:
            self.reason = f"the loss on the forget set rose by at least {SHARE:.0%} of the mean advantage of training"
        return {
            "forget_nll": losses["forget"],
            "holdout_loss": losses["holdout"],
            "validation_loss": losses["validation"],
            "left": left,
            "rise": rise,
        }

    def _losses(self) -> dict[str, float]:
        return {name: mean_loss(self.model, prompts) for name, prompts in self.sets.items()}


def training_advantage(model: Any, trained: Sequence[Encoded], unseen: Sequence[Encoded]) -> float:
    """How much more the adapter lowers the loss of prompts that trained it than of others, in nats per answer token.

    Args:
        model: PEFT model.
        trained: Prompts that trained the adapter, of which at most `COMPARED` are read.
        unseen: Prompts that never trained it, of which at most `COMPARED` are read.

    Returns:
        The mean over the answers of `unseen`; NaN if one of the two is empty.
    """
    gains, others = (gains_by_place(model, sample(prompts, COMPARED)) for prompts in (trained, unseen))
    if not gains or not others:
        return math.nan
    means = {place: fmean(gains[min(gains, key=lambda trained: abs(trained - place))]) for place in others}
    return fmean(means[place] - gain for place, some in others.items() for gain in some)


def gains_by_place(model: Any, prompts: Sequence[Encoded]) -> dict[int, list[float]]:
    """By how much the adapter lowers the loss of each answer token, in nats, by the titles before its answer."""
    after = token_losses(model, prompts)
    with model.disable_adapter():
        before = token_losses(model, prompts)
    gains: dict[int, list[float]] = defaultdict(list)
    for prompt, old, new in zip(prompts, before, after, strict=True):
        for place, gain in zip(_places(prompt), (old - new).tolist(), strict=True):
            gains[place].append(gain)
    return gains


def _places(prompt: Encoded) -> list[int]:
    """The number of titles before the answer of each answer token, the answer's own title not counted."""
    titles = [start for start, _ in prompt.spans]
    return [bisect_right(titles, start) - 1 for start, stop in prompt.answers for _ in range(start, stop)]


def sample(prompts: Sequence[Encoded], most: int, seed: int = 0) -> Sequence[Encoded]:
    """Random sample of at most `most` prompts; all of them if there are no more."""
    return prompts if len(prompts) <= most else random.Random(seed).sample(list(prompts), most)


def mean_loss(model: Any, prompts: Sequence[Encoded]) -> float:
    """Mean negative log-likelihood in nats per answer token; NaN without prompts."""
    return torch.cat([torch.empty(0), *(losses.cpu() for losses in token_losses(model, prompts))]).mean().item()
