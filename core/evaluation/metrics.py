"""Metrics of predictions, with 95 % intervals from a bootstrap over users (docs/method.md, section 6)."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.special import rel_entr

from core.types import Closeness, Interval

if TYPE_CHECKING:
    from core.evaluation.predictions import (
        Predictions,  # loads torch and transformers, which a launch must not wait for
    )

DRAWS = 200
CUTOFF = 10  # of HR@10 and NDCG@10
Value = TypeVar("Value")


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """AUC in [0, 1]: P(positive > negative) plus half of the ties (Mann-Whitney); NaN if a side is empty or has NaN."""
    if not len(positive) or not len(negative):
        return float("nan")
    # Two searches in sorted scores take a fifth of the time of ranking all; a bootstrap computes thousands of AUCs.
    ordered, others = np.sort(positive), np.sort(negative)
    if np.isnan(ordered[-1]) or np.isnan(others[-1]):  # NaN is sorted to the end
        return float("nan")
    below = (others.searchsorted(ordered, "left") + others.searchsorted(ordered, "right")).sum() / 2
    count = len(positive)  # the order of operations is that of the rank formula, so stored AUCs keep their last digit
    return float(((below + count * (count + 1) / 2) / count - (count + 1) / 2) / len(negative))


def prediction_auc(scores: "Predictions") -> float:
    """AUC in [0, 1] of a model's predictions.

    `click`: liked over not liked titles. `next_item`: P(the true title scores above another candidate).
    """
    if scores.probabilities.shape[1] == 2:
        return auc(scores.margins[scores.labels], scores.margins[~scores.labels])
    true, others = scores.probabilities[:, :1], scores.probabilities[:, 1:]
    return float(((true > others) + (true == others) / 2).mean()) if len(true) else float("nan")


def membership_auc(members: np.ndarray, held_out: np.ndarray) -> float:
    """AUC in [0, 1] of the membership inference attack that takes a low loss for membership; .5 is chance.

    Args:
        members: Losses of rows that were trained on [row].
        held_out: Losses of rows of held-out users [row].
    """
    return auc(-members, -held_out)


def hit_rates(ranks: np.ndarray) -> np.ndarray:
    """HR@10 of each row: 1 where its rank, counted from 1, is at most 10 [row]."""
    return (ranks <= CUTOFF).astype(float)


def ndcg_gains(ranks: np.ndarray) -> np.ndarray:
    """NDCG@10 of each row: 1 / log2(rank + 1) where its rank, counted from 1, is at most 10, else 0 [row]."""
    return np.where(ranks <= CUTOFF, 1 / np.log2(ranks + 1), 0.0)


def interval(
    measure: Callable[[np.ndarray], float], users: np.ndarray, seed: int = 0, draws: int = DRAWS, level: float = 0.95
) -> Interval:
    """Estimate a measure with a percentile bootstrap over users, because rows of one user are not independent.

    Args:
        measure: Maps row indices to a value.
        users: User of each row [row].
        seed: Seed of the bootstrap.
        draws: Number of bootstrap draws; 0 for no interval.
        level: Coverage of the interval.

    Returns:
        Value on all rows with its interval, which is NaN for fewer than two users.
    """
    names, inverse = np.unique(users, return_inverse=True)
    rows_of = [np.flatnonzero(inverse == i) for i in range(len(names))]
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws if len(names) > 1 else 0):
        value = measure(np.concatenate([rows_of[i] for i in rng.integers(len(names), size=len(names))]))
        if np.isfinite(value):
            values.append(value)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2]) if values else (float("nan"), float("nan"))
    return Interval(float(measure(np.arange(len(users)))), float(low), float(high), len(users))


def select_rows(scores: "Predictions", rows: np.ndarray) -> "Predictions":
    """Select rows of a model's scores."""
    return replace(scores, **{field.name: getattr(scores, field.name)[rows] for field in fields(scores)})


def closeness(model: np.ndarray, original: np.ndarray, references: list[np.ndarray]) -> Closeness:
    """Distance of a model's predictions from those of retrained references, means over the references.

    Args:
        model: Probabilities of the model [row, outcome].
        original: Probabilities of the original model [row, outcome].
        references: Probabilities of each reference [row, outcome].

    Returns:
        Residual mean|p - p_ref| / mean|p_original - p_ref|, Jensen-Shannon divergence in bits and half symmetrised KL
        in nats; NaN without references.
    """
    if not references:
        return Closeness(*[float("nan")] * 3)
    distance = np.mean([np.abs(model - reference).mean() for reference in references])
    original_distance = np.mean([np.abs(original - reference).mean() for reference in references])
    pairs = [(jensen_shannon(model, reference), half_kl(model, reference)) for reference in references]
    return Closeness(float(distance / original_distance), *(float(value) for value in np.mean(pairs, axis=0)))


def leave_one_out(values: Sequence[Value]) -> list[tuple[Value, list[Value]]]:
    """Pair each value with the list of all others (leave one out)."""
    return [(value, [*values[:index], *values[index + 1 :]]) for index, value in enumerate(values)]


def reference_floor(original: np.ndarray, references: Sequence[np.ndarray]) -> tuple[Closeness, ...]:
    """Closeness of each reference to the others: the noise floor of retraining. Empty for fewer than two references."""
    return tuple(closeness(own, original, others) for own, others in leave_one_out(references) if others)


def reach(model: np.ndarray, original: np.ndarray, references: list[np.ndarray]) -> float:
    """Progress from the original toward the references' mean prediction, along the straight line between them.

    <p - p_original, d> / |d|^2 with d = mean p_ref - p_original: 0 = no change, 1 = as far as the references. Unlike
    the residual it ignores changes orthogonal to d.

    Args:
        model: Probabilities of the model [row, outcome].
        original: Probabilities of the original model [row, outcome].
        references: Probabilities of each reference [row, outcome].

    Returns:
        Progress as a share, which may be negative or above 1; NaN without references.
    """
    if not references:
        return float("nan")
    line = np.mean(references, axis=0) - original
    return float(((model - original) * line).sum() / max((line**2).sum(), 1e-30))


def calibration_error(scores: "Predictions", bins: int = 10) -> float:
    """Expected calibration error in [0, 1]: mean |confidence - accuracy| over bins of confidence, weighted by rows."""
    preferred = scores.probabilities.argmax(1)
    right = preferred == (scores.labels.astype(int) if scores.probabilities.shape[1] == 2 else 0)
    confidence = scores.probabilities.max(1)
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs((confidence[bin_of == b] - right[bin_of == b]).sum()) for b in range(bins)]
    return float(sum(gaps) / max(1, len(confidence)))


def jensen_shannon(left: np.ndarray, right: np.ndarray) -> float:
    """Jensen-Shannon divergence in bits, in [0, 1], mean over rows of two arrays [row, outcome]."""
    return float(row_jensen_shannon(left, right).mean())


def row_jensen_shannon(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence in bits of each row [row] of two arrays [row, outcome].

    Computed from SciPy's relative entropy: `scipy.spatial.distance.jensenshannon` gives NaN for nearly equal rows,
    because it takes the root of a rounding error below zero.
    """
    middle = (left + right) / 2
    bits: np.ndarray = (rel_entr(left, middle) + rel_entr(right, middle)).sum(1) / (2 * np.log(2))
    return bits.clip(min=0)


def half_kl(left: np.ndarray, right: np.ndarray) -> float:
    """Half of the symmetrised KL divergence in nats, mean over rows; E2URec (arXiv 2403.03536) reports it as JSD."""
    left, right = left.clip(1e-12), right.clip(1e-12)  # a probability of zero would make it infinite
    forward, backward = (left * np.log(left / right)).sum(1), (right * np.log(right / left)).sum(1)
    return float((forward + backward).mean() / 2)
