"""Advantage over the references: how much better a model knows the forgotten rows than models that never saw them.

Knowledge of a model is one number, larger where it knows more:

- `log_loss`: minus the mean loss of its answers on the forgotten rows, in nats;
- `auc`: its AUC on the forgotten rows;
- `membership`: the AUC of the attack that tells forgotten rows from rows of held-out users by a low loss.

The advantage A(m) of a model is its knowledge less the mean knowledge of the J references. The share forgotten is
phi = 1 - A(unlearned) / A(original).

Two sources of chance count. The rows: users are a sample, so the covariance of all models' knowledge is estimated over
users (`mean_knowledge`, `auc_knowledge`). The references: their standard deviation s shows what another seed does, and
their mean is off by s / sqrt(J). Student's t with J - 1 degrees of freedom covers both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student

from core.evaluation.metrics import leave_one_out
from core.types import Advantage, Interval
from core.types.results import MEASURES

if TYPE_CHECKING:
    from core.evaluation.predictions import Predictions  # loads torch, which a launch must not wait for

LEVEL = 0.90  # of the intervals: each end is a one-sided bound at 5 %
SHOWN_FROM = 3.0  # standard errors that the original's advantage must exceed before a share of it is shown
MIN_USERS = 10  # fewest users that can be resampled as a whole
UNLEARNED, ORIGINAL, REFERENCES = 0, 1, slice(2, None)


@dataclass(frozen=True)
class Knowledge:
    """Knowledge of the unlearned model, the original and the references, in this order.

    Attributes:
        values: Knowledge of each model [model].
        covariance: Covariance of `values` under another sample of users [model, model].
        rows: Number of forgotten rows.
    """

    values: np.ndarray
    covariance: np.ndarray
    rows: int

    @property
    def references(self) -> int:
        """Number of references J."""
        return len(self.values) - 2

    @property
    def seed_variance(self) -> float:
        """Variance s^2 of the knowledge among references; NaN for fewer than two."""
        return float(self.values[REFERENCES].var(ddof=1)) if self.references > 1 else math.nan

    def with_model(self, model: int) -> "Knowledge":
        """Return the knowledge with another model in the place of the unlearned one.

        Args:
            model: Position of that model. A reference is then compared with the other references.
        """
        others = [one for one in range(2, len(self.values)) if one != model]
        order = [model, ORIGINAL, *others]
        return Knowledge(self.values[order], self.covariance[np.ix_(order, order)], self.rows)


@dataclass(frozen=True)
class Contrast:
    """Weighted sum of A(unlearned) and A(original), with its standard error.

    Attributes:
        value: The contrast.
        error: Its standard error.
        freedom: Degrees of freedom of Student's t.
    """

    value: float
    error: float
    freedom: int

    @property
    def p_below(self) -> float:
        """p-value of "the contrast is 0 or more", small where it is clearly below 0; NaN where it is not known."""
        return float(student.cdf(self._ratio, self.freedom))

    @property
    def p_above(self) -> float:
        """p-value of "the contrast is 0 or less", small where it is clearly above 0; NaN where it is not known."""
        return float(student.sf(self._ratio, self.freedom))

    def interval(self, rows: int, level: float = LEVEL) -> Interval:
        """Return the value with its two-sided interval."""
        half = student.ppf((1 + level) / 2, self.freedom) * self.error
        return Interval(self.value, float(self.value - half), float(self.value + half), rows)

    @property
    def _ratio(self) -> float:
        return self.value / self.error if self.error > 0 else math.nan


def contrast(knowledge: Knowledge, unlearned_weight: float, original_weight: float, own_seed: bool = False) -> Contrast:
    """Return the contrast `unlearned_weight` * A(unlearned) + `original_weight` * A(original).

    Args:
        knowledge: Knowledge of all models.
        unlearned_weight: Weight of the unlearned model's advantage.
        original_weight: Weight of the original's advantage.
        own_seed: Whether the unlearned model's knowledge is itself one draw of a seed, as that of a retrained model is.
            FAIL counts this, so that an honest retraining does not fail by chance.
    """
    count, total = knowledge.references, unlearned_weight + original_weight
    weights = np.concatenate([[unlearned_weight, original_weight], np.full(count, -total / max(1, count))])
    seeds = total**2 / max(1, count) + (unlearned_weight**2 if own_seed else 0)
    variance = weights @ knowledge.covariance @ weights + knowledge.seed_variance * seeds
    value = float(weights @ knowledge.values) if count else math.nan
    return Contrast(value, math.sqrt(variance) if variance >= 0 else math.nan, max(1, count - 1))


def mean_knowledge(values: np.ndarray, units: np.ndarray) -> Knowledge:
    """Knowledge that is a mean over rows, with its covariance over units by linearisation (the ratio estimator).

    Args:
        values: Value of each row by model [model, row].
        units: Unit, such as the user, of each row [row].
    """
    mean = values.mean(1)
    return Knowledge(mean, _covariance([((values - mean[:, None]) / values.shape[1], units)]), values.shape[1])


def auc_knowledge(
    positive: np.ndarray, negative: np.ndarray, positive_units: np.ndarray, negative_units: np.ndarray, paired: bool
) -> Knowledge:
    """Knowledge that is an AUC, with its covariance over units (DeLong 1988; Obuchowski 1997 for clustered rows).

    Args:
        positive: Scores of the positive rows by model [model, row].
        negative: Scores of the negative rows by model [model, row].
        positive_units: Unit of each positive row [row].
        negative_units: Unit of each negative row [row].
        paired: Whether one unit may have rows on both sides, as a user has liked and other titles.
    """
    placements = [_placements(own, other) for own, other in zip(positive, negative, strict=True)]
    above, below = (np.stack(side) for side in zip(*placements, strict=True))
    values = above.mean(1)
    parts = [
        ((side - values[:, None]) / side.shape[1], units)
        for side, units in ((above, positive_units), (below, negative_units))
    ]
    if paired:
        parts = [(np.concatenate([part for part, _ in parts], 1), np.concatenate([units for _, units in parts]))]
    return Knowledge(values, _covariance(parts), positive.shape[1])


def _placements(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of negative rows below each positive row, and share of positive rows above each negative row."""
    both = rankdata(np.concatenate([positive, negative]))
    above = (both[: len(positive)] - rankdata(positive)) / len(negative)
    below = 1 - (both[len(positive) :] - rankdata(negative)) / len(positive)
    return above, below


def _covariance(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Covariance [model, model]; each part has the influence of its rows [model, row] and their units."""
    total = np.zeros((len(parts[0][0]),) * 2)
    for influence, units in parts:
        names, index = np.unique(units, return_inverse=True)
        by_unit = np.stack([np.bincount(index, row, len(names)) for row in influence])
        total = total + by_unit @ by_unit.T * (len(names) / (len(names) - 1) if len(names) > 1 else math.nan)
    return total


def resampling_units(users: np.ndarray) -> np.ndarray:
    """Return the sampling unit of each row: its user, or the row itself with fewer than MIN_USERS users.

    A variance over three users says almost nothing, and one over one user nothing at all. With rows as units the
    correlation between rows of one user is neglected, so few users need many rows to pass.

    Args:
        users: User id of each row [row].

    Returns:
        Unit of each row [row].
    """
    return users if len(np.unique(users)) >= MIN_USERS else np.char.add("row ", np.arange(len(users)).astype(str))


def knowledge(forget: Sequence["Predictions"], holdout: Sequence["Predictions"]) -> dict[str, Knowledge]:
    """Return the knowledge of all models by measure.

    Args:
        forget: Predictions on the forgotten rows of the unlearned model, the original and each reference.
        holdout: Their predictions on rows of held-out users.
    """
    units, strangers = resampling_units(forget[0].users), holdout[0].users
    losses, other_losses = (np.stack([one.losses for one in side]) for side in (forget, holdout))
    return {
        "log_loss": mean_knowledge(-losses, units),
        "auc": _prediction_knowledge(forget, units),
        "membership": auc_knowledge(-losses, -other_losses, units, strangers, paired=False),
    }


def _prediction_knowledge(forget: Sequence["Predictions"], units: np.ndarray) -> Knowledge:
    """Knowledge by AUC: liked over other titles in `click`, the true title over other candidates in `next_item`."""
    liked = forget[0].labels
    if forget[0].probabilities.shape[1] > 2:
        true, others = (
            np.stack([one.probabilities for one in forget])[:, :, part] for part in (slice(1), slice(1, None))
        )
        return mean_knowledge(((true > others) + (true == others) / 2).mean(-1), units)
    if liked.all() or not liked.any():
        return Knowledge(np.full(len(forget), math.nan), np.full((len(forget),) * 2, math.nan), len(liked))
    margins = np.stack([one.margins for one in forget])
    return auc_knowledge(margins[:, liked], margins[:, ~liked], units[liked], units[~liked], paired=True)


def advantages(forget: Sequence["Predictions"], holdout: Sequence["Predictions"]) -> tuple[Advantage, ...]:
    """Return the advantage by each measure, in the order of `MEASURES`; arguments as of `knowledge`."""
    found = knowledge(forget, holdout)
    return tuple(advantage(name, found[name]) for name in MEASURES)


def advantage(measure: str, found: Knowledge, level: float = LEVEL) -> Advantage:
    """Return the advantage of the original and the unlearned model, and the share forgotten.

    Args:
        measure: One of `MEASURES`.
        found: Knowledge of all models by this measure.
        level: Coverage of the intervals.
    """
    original, unlearned = contrast(found, 0, 1), contrast(found, 1, 0)
    values = found.values[REFERENCES].tolist()
    return Advantage(
        measure,
        original.interval(found.rows, level),
        unlearned.interval(found.rows, level),
        tuple(own - float(np.mean(others)) for own, others in leave_one_out(values) if others),
        share_forgotten(found, level),
    )


def share_forgotten(found: Knowledge, level: float = LEVEL) -> Interval | None:
    """Share phi of the original's advantage that is gone, with Fieller's interval.

    The interval holds each phi whose contrast A(unlearned) - (1 - phi) A(original) is not rejected, so its ends agree
    with the tests of the verdict.

    Returns:
        phi with its interval; None where the original's advantage does not exceed `SHOWN_FROM` standard errors, or is
        not significant at `level`, which leaves the interval unbounded.
    """
    before, after, total = contrast(found, 0, 1), contrast(found, 1, 0), contrast(found, 1, 1)
    quantile = student.ppf((1 + level) / 2, before.freedom)
    if not before.value > max(SHOWN_FROM, quantile) * before.error:
        return None
    together = (total.error**2 - before.error**2 - after.error**2) / 2  # covariance of both advantages
    square = before.value**2 - (quantile * before.error) ** 2
    middle = (before.value * after.value - quantile**2 * together) / square
    root = math.sqrt(max(0.0, middle**2 - (after.value**2 - (quantile * after.error) ** 2) / square))
    return Interval(1 - after.value / before.value, 1 - middle - root, 1 - middle + root, found.rows)
