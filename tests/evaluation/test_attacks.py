"""Attacks and figures of the field: each agrees with its formula computed row by row, and tells a known model apart."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from core.evaluation.attacks import (
    FALSE_POSITIVES,
    RMIA_OFFLINE,
    attacks,
    forget_quality,
    hardest_advantage,
    lira_scores,
    privacy_leakage,
    rmia_scores,
    true_positive_rate,
)

ROWS, OTHERS = 60, 240
USERS = np.repeat([f"u{number}" for number in range(12)], 5)


def losses(rng: np.random.Generator, knows: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Losses of one model; a model that `knows` the forgotten rows has lower ones there."""
    hardness = np.random.default_rng(9).normal(0, 0.5, ROWS + OTHERS)
    both = np.logaddexp(0, -(0.5 + hardness + rng.normal(0, 0.2, ROWS + OTHERS)))
    return np.logaddexp(0, np.log(np.expm1(both[:ROWS])) - knows), both[ROWS:]


@pytest.fixture
def models():
    rng = np.random.default_rng(0)
    return losses(rng, 1.5), losses(rng), [losses(rng) for _ in range(5)]


def test_rmia_agrees_with_its_definition_row_by_row(models):
    original, _, references = models
    found = rmia_scores(original, references)

    def ratio(side: int, row: int) -> float:
        out = sum(math.exp(-reference[side][row]) for reference in references) / len(references)
        return math.exp(-original[side][row]) / (((1 + RMIA_OFFLINE) * out + 1 - RMIA_OFFLINE) / 2)

    population = [ratio(1, row) for row in range(OTHERS)]
    for row in range(0, ROWS, 7):
        assert found[0][row] == pytest.approx(sum(ratio(0, row) >= one for one in population) / OTHERS)


def test_lira_agrees_with_its_definition_row_by_row(models):
    original, _, references = models
    found = lira_scores(original, references)

    def logit(loss: float) -> float:
        return math.log(math.exp(-loss) / (1 - math.exp(-loss)))

    spread = [
        np.var([logit(one[side][row]) for one in references], ddof=1)
        for side, count in ((0, ROWS), (1, OTHERS))
        for row in range(count)
    ]
    variance = (np.mean(spread[:ROWS]) + np.mean(spread[ROWS:])) / 2
    for row in range(0, ROWS, 7):
        mean = np.mean([logit(one[0][row]) for one in references])
        expected = norm.cdf((logit(original[0][row]) - mean) / math.sqrt(variance))
        assert found[0][row] == pytest.approx(expected)


def test_true_positive_rate_counts_members_above_the_threshold():
    others = np.arange(1000.0)
    assert true_positive_rate(np.array([5.0, 989.0, 990.0, 2000.0]), others, FALSE_POSITIVES) == 0.5


def test_figures_tell_the_original_from_a_retrained_model(models):
    original, retrained, references = models
    assert forget_quality(original, references) < 1e-4 < 0.05 < forget_quality(retrained, references)
    assert privacy_leakage(original, references) > 0.2 and abs(privacy_leakage(retrained, references)) < 0.1
    found = {one.name: one for one in attacks(retrained, original, references, USERS)}
    for name in ("loss_auc", "rmia_auc", "lira_auc"):
        one = found[name]
        assert one.original > max(one.references) + 0.1 and abs(one.unlearned - np.mean(one.references)) < 0.1
    assert found["lira_auc"].original > found["loss_auc"].original  # calibration by the references has more power


def test_hardest_users_are_those_whom_the_references_predict_worst(models):
    _, retrained, references = models
    hard = [losses_of.copy() for losses_of in retrained]
    mean = np.mean([reference[0] for reference in references], axis=0)
    order = sorted(set(USERS), key=lambda user: -mean[user == USERS].mean())
    chosen = np.isin(USERS, order[:3])
    hard[0][chosen] -= 0.1
    measure = hardest_advantage(USERS)
    assert measure((hard[0], hard[1]), references) == pytest.approx(measure(retrained, references) + 0.1)
    hard[0][~chosen] -= 5.0
    assert measure((hard[0], hard[1]), references) == pytest.approx(measure(retrained, references) + 0.1)
