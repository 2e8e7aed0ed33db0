"""V3: forgotten users who stand out among held-out users (a permutation test with users as units).

1. D(u) = mean over u's rows of (a reference's loss - the model's loss), mean over references: how much
   more the model knows about user u.
2. Neither model has seen held-out users, so their D shows the effect of chance.
3. The p-value of a forgotten user is two-sided and comes from the rank of D(u) among the held-out users.
   It is multiplied by the number of forgotten users (Bonferroni).
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from core.evaluation.predictions import Predictions
from core.types import Check, Verdict
from core.verification.equivalence import exact_value
from core.verification.evidence import Evidence
from core.verification.thresholds import Thresholds


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the p-value of the forgotten user who stands out most."""
    users, bounds = len(np.unique(evidence.model.outputs.forget.users)), evidence.thresholds
    # With fewer held-out users, even the last rank of all has no small p-value.
    wanted = max(bounds.min_held_out_users, math.ceil(2 * users / bounds.outlier_fail_p))
    p_value, held_out_users = smallest_p_value(evidence)
    found, reason = _judge(evidence, p_value, held_out_users < wanted)
    yield Check(
        "V3",
        found,
        exact_value(p_value, held_out_users),
        bounds.outlier_pass_p,
        None,
        wanted if held_out_users < wanted else None,
        "outliers",
        reason,
        {
            "people": users,
            "strangers": held_out_users,
            "wanted": wanted,
            "usual": bounds.outlier_pass_p,
            "rare": bounds.outlier_fail_p,
        },
    )


def smallest_p_value(evidence: Evidence) -> tuple[float, int]:
    """Return the corrected p-value of the user who stands out most, and the number of held-out users."""
    forgotten, held_out_users = (_gain_by_user(evidence, name) for name in ("forget", "holdout"))
    if not len(forgotten) or not len(held_out_users):
        return float("nan"), len(held_out_users)
    above = (held_out_users[None] >= forgotten[:, None]).sum(1)
    below = (held_out_users[None] <= forgotten[:, None]).sum(1)
    p_values = 2 * (1 + np.minimum(above, below)) / (1 + len(held_out_users))
    return float(min(1.0, len(forgotten) * p_values.min())), len(held_out_users)


def _gain_by_user(evidence: Evidence, name: str) -> np.ndarray:
    """D of each user of a set [user]."""
    model: Predictions = getattr(evidence.model.outputs, name)
    references = np.mean([getattr(answers.outputs, name).losses for answers in evidence.references], axis=0)
    users, index = np.unique(model.users, return_inverse=True)
    gains = np.bincount(index, references - model.losses, len(users)) / np.bincount(index, minlength=len(users))
    return np.asarray(gains)


def _judge(evidence: Evidence, p_value: float, few: bool) -> tuple[Verdict, str]:
    """Verdict and its reason; `few`: there are too few held-out users."""
    bounds: Thresholds = evidence.thresholds
    in_references = min((smallest_p_value(other)[0] for other in evidence.each_reference()), default=1.0)
    in_original = smallest_p_value(replace(evidence, model=evidence.original))[0]
    if p_value < bounds.outlier_fail_p and in_references >= bounds.outlier_pass_p:
        return Verdict.FAIL, ""
    if few:
        return Verdict.INCONCLUSIVE, "few_strangers"
    if p_value < bounds.outlier_pass_p:
        return Verdict.INCONCLUSIVE, "chance"
    if not in_original < bounds.outlier_pass_p:
        return Verdict.INCONCLUSIVE, "blind"
    return Verdict.PASS, ""
