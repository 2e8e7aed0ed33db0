"""The measures of method section 6 from scores, each with a 95 % interval that respects who the rows belong to."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.stats import rankdata

from core.types import Closeness, Interval

if TYPE_CHECKING:  # at work it would load the libraries of models, for whom a launch need not wait
    from core.evaluation.predictions import Scores

DRAWS = 200
Value = TypeVar("Value")


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """P(positive > negative) + half the ties (Mann-Whitney); NaN where a side is empty."""
    if not len(positive) or not len(negative):
        return float("nan")
    ranks = rankdata(np.concatenate([positive, negative]))
    return float((ranks[: len(positive)].sum() / len(positive) - (len(positive) + 1) / 2) / len(negative))


def prediction_auc(scores: "Scores") -> float:
    """`click`: AUC of liked over not liked. `next_item`: P(true title scores above another candidate)."""
    if scores.probabilities.shape[1] == 2:
        return auc(scores.margins[scores.labels], scores.margins[~scores.labels])
    true, others = scores.probabilities[:, :1], scores.probabilities[:, 1:]
    return float(((true > others) + (true == others) / 2).mean()) if len(true) else float("nan")


def membership_auc(members: np.ndarray, strangers: np.ndarray) -> float:
    """AUC of the attack that takes a low loss for membership: .5 = members look like strangers."""
    return auc(-members, -strangers)


def interval(
    measure: Callable[[np.ndarray], float], users: np.ndarray, seed: int = 0, draws: int = DRAWS, level: float = 0.95
) -> Interval:
    """`measure(row indices)` with a percentile bootstrap over users, so that one person's rows stay together."""
    names, inverse = np.unique(users, return_inverse=True)
    rows_of = [np.flatnonzero(inverse == i) for i in range(len(names))]
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(draws if len(names) > 1 else 0):
        value = measure(np.concatenate([rows_of[i] for i in rng.integers(len(names), size=len(names))]))
        if np.isfinite(value):
            drawn.append(value)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]) if drawn else (float("nan"), float("nan"))
    return Interval(float(measure(np.arange(len(users)))), float(low), float(high), len(users))


def take(scores: "Scores", rows: np.ndarray) -> "Scores":
    """The scores of some rows."""
    return replace(scores, **{field.name: getattr(scores, field.name)[rows] for field in fields(scores)})


def closeness(model: np.ndarray, original: np.ndarray, references: list[np.ndarray]) -> Closeness:
    """How near `model`'s probabilities [n, outcome] are to the references' (means over them).

    residual: mean|p - p_ref| / mean|p_original - p_ref|. Without references all is NaN.
    """
    if not references:
        return Closeness(*[float("nan")] * 3)
    moved = np.mean([np.abs(model - reference).mean() for reference in references])
    whole = np.mean([np.abs(original - reference).mean() for reference in references])
    pairs = [(jensen_shannon(model, reference), half_kl(model, reference)) for reference in references]
    return Closeness(float(moved / whole), *(float(value) for value in np.mean(pairs, axis=0)))


def beside_others(values: Sequence[Value]) -> list[tuple[Value, list[Value]]]:
    """Each value with all the others."""
    return [(own, [*values[:place], *values[place + 1 :]]) for place, own in enumerate(values)]


def floor(original: np.ndarray, references: Sequence[np.ndarray]) -> tuple[Closeness, ...]:
    """Each reference scored against the others: the spread of models that never saw the data. Nothing where there is but one."""
    return tuple(closeness(own, original, others) for own, others in beside_others(references) if others)


def reach(model: np.ndarray, original: np.ndarray, references: list[np.ndarray]) -> float:
    """How far along the way from the original to the references' mean: 0 = did nothing, 1 = as far, less or more elsewhere.

    <p - p_original, way> / |way|^2 with way = mean p_ref - p_original: unlike the residual, blind to what lies aside.
    """
    if not references:
        return float("nan")
    way = np.mean(references, axis=0) - original
    return float(((model - original) * way).sum() / max((way**2).sum(), 1e-30))


def calibration_error(scores: "Scores", bins: int = 10) -> float:
    """Mean |confidence - share of right answers| over bins of the answer that the model prefers, weighted by rows."""
    best = scores.probabilities.argmax(1)
    right = best == (scores.labels.astype(int) if scores.probabilities.shape[1] == 2 else 0)
    sure = scores.probabilities.max(1)
    place = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs((sure[place == b] - right[place == b]).sum()) for b in range(bins)]
    return float(sum(gaps) / max(1, len(sure)))


def jensen_shannon(left: np.ndarray, right: np.ndarray) -> float:
    """True Jensen-Shannon divergence in bits, in [0, 1], mean over rows."""
    return float(divergences(left, right).mean())


def divergences(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """True Jensen-Shannon divergence in bits of each row."""
    middle = (left + right) / 2
    return (_kl(left, middle) + _kl(right, middle)) / 2 / np.log(2)


def half_kl(left: np.ndarray, right: np.ndarray) -> float:
    """Half the symmetrised KL divergence in nats, which E2URec (arXiv 2403.03536) reports as JSD."""
    return float((_kl(left, right) + _kl(right, left)).mean() / 2)


def _kl(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left, right = left.clip(1e-12), right.clip(1e-12)
    return (left * np.log(left / right)).sum(1)
