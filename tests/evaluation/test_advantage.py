"""Advantage over the references: values by hand, covariance by bootstrap, and error rates of the intervals."""

import math

import numpy as np
import pytest
from scipy.stats import t as student

from core.evaluation.advantage import (
    Knowledge,
    advantages,
    auc_knowledge,
    contrast,
    mean_knowledge,
    resampling_units,
    share_forgotten,
)
from core.evaluation.metrics import auc, membership_auc
from core.evaluation.predictions import Predictions


def predictions(margins: np.ndarray, labels: np.ndarray, users: np.ndarray) -> Predictions:
    liked = 1 / (1 + np.exp(-margins))
    losses = np.logaddexp(0, np.where(labels, -margins, margins))
    return Predictions(users, labels, margins, np.stack([1 - liked, liked], 1), losses)


def models(rng: np.random.Generator, users: int, rows: int, shifts: list[float]) -> list[Predictions]:
    """One model for each shift: a larger shift answers more rows right. Rows of a user are correlated."""
    names = np.repeat([f"u{i}" for i in range(users)], rows)
    labels = rng.random(users * rows) < 0.5
    base = rng.normal(size=users * rows) + np.repeat(rng.normal(size=users), rows)
    sign = np.where(labels, 1, -1)
    return [predictions(base + sign * shift, labels, names) for shift in shifts]


def test_advantage_by_hand():
    rng = np.random.default_rng(0)
    shifts = [0.2, 1.0, 0.0, 0.1, -0.1]
    forget, holdout = models(rng, 12, 5, shifts), models(rng, 30, 5, [0.0] * 5)
    found = {one.measure: one for one in advantages(forget, holdout)}
    losses = [one.losses.mean() for one in forget]
    assert found["log_loss"].original.value == pytest.approx(np.mean(losses[2:]) - losses[1])
    assert found["log_loss"].unlearned.value == pytest.approx(np.mean(losses[2:]) - losses[0])
    attack = [membership_auc(own.losses, other.losses) for own, other in zip(forget, holdout, strict=True)]
    assert found["membership"].original.value == pytest.approx(attack[1] - np.mean(attack[2:]))
    quality = [auc(one.margins[one.labels], one.margins[~one.labels]) for one in forget]
    assert found["auc"].unlearned.value == pytest.approx(quality[0] - np.mean(quality[2:]))
    share = found["log_loss"].forgotten
    assert share.value == pytest.approx(1 - found["log_loss"].unlearned.value / found["log_loss"].original.value)
    assert len(found["log_loss"].references) == 3
    assert found["log_loss"].references[0] == pytest.approx(np.mean(losses[3:]) - losses[2])


@pytest.mark.parametrize("kind", ["mean", "auc", "paired"])
def test_covariance_agrees_with_bootstrap_over_users(kind):
    rng = np.random.default_rng(1)
    sizes = rng.integers(2, 9, 40)
    users = np.repeat(np.arange(40), sizes)
    values = rng.normal(size=(3, len(users))) + rng.normal(size=(3, 40))[:, users]
    side = rng.random(len(users)) < 0.5 if kind == "paired" else users < 20

    def estimates(rows: np.ndarray) -> Knowledge:
        part, own, name = values[:, rows], side[rows], rows_user[rows]
        if kind == "mean":
            return mean_knowledge(part, name)
        return auc_knowledge(part[:, own], part[:, ~own], name[own], name[~own], paired=kind == "paired")

    rows_user = users.astype(str)
    found = estimates(np.arange(len(users)))
    rows_of = [np.flatnonzero(users == user) for user in range(40)]
    draws = []
    for _ in range(1500):
        drawn = (
            [*rng.integers(20, size=20), *(20 + rng.integers(20, size=20))]
            if kind == "auc"
            else rng.integers(40, size=40)
        )
        draws.append(estimates(np.concatenate([rows_of[user] for user in drawn])).values)
    ratio = np.sqrt(np.diag(found.covariance)) / np.std(draws, axis=0)
    assert np.all((ratio > 0.9) & (ratio < 1.12))
    correlation = np.corrcoef(np.array(draws).T)
    own = found.covariance / np.sqrt(np.outer(*[np.diag(found.covariance)] * 2))
    assert np.abs(own - correlation).max() < 0.12


def test_auc_knowledge_counts_ties_half():
    found = auc_knowledge(
        np.array([[1.0, 2.0, 2.0]]), np.array([[2.0, 0.0]]), np.array(list("abc")), np.array(list("de")), paired=False
    )
    assert found.values[0] == pytest.approx(auc(np.array([1.0, 2.0, 2.0]), np.array([2.0, 0.0])))


def test_interval_of_an_honest_model_covers_zero_as_often_as_it_says():
    rng, covered, trials = np.random.default_rng(2), 0, 4000
    for _ in range(trials):
        references = rng.normal(size=5)
        found = Knowledge(np.array([0.0, 3.0, *references]), np.zeros((7, 7)), 100)
        interval = contrast(found, 1, 0).interval(100)
        covered += interval.low <= 0 <= interval.high
    assert 0.885 < covered / trials < 0.915


def test_own_seed_widens_by_the_variance_of_a_seed():
    found = Knowledge(np.array([0.3, 1.0, -0.2, 0.0, 0.2]), np.zeros((5, 5)), 9)
    mean, own = contrast(found, 1, 0), contrast(found, 1, 0, own_seed=True)
    assert mean.error == pytest.approx(0.2 / math.sqrt(3))
    assert own.error == pytest.approx(0.2 * math.sqrt(1 + 1 / 3))
    assert contrast(found, 1, -0.5).error == pytest.approx(0.5 * 0.2 / math.sqrt(3))


def test_share_interval_agrees_with_the_tests_of_contrasts():
    rng = np.random.default_rng(3)
    for _ in range(200):
        covariance = np.cov(rng.normal(size=(7, 30))) * 0.002
        values = np.array([rng.normal(0.1, 0.2), 1.0, *rng.normal(0, 0.08, 5)])
        found = Knowledge(values, covariance, 100)
        share = share_forgotten(found)
        assert share is not None
        for end, tail in ((share.low, "p_below"), (share.high, "p_above")):
            rejected = getattr(contrast(found, 1, -(1 - end)), tail)
            assert rejected == pytest.approx(0.05, abs=1e-6)


def test_no_share_where_the_original_shows_no_advantage():
    found = Knowledge(np.array([0.0, 0.1, 0.2, -0.2, 0.0, 0.1, -0.1]), np.eye(7) * 0.01, 100)
    assert share_forgotten(found) is None


def test_one_reference_gives_no_interval():
    found = Knowledge(np.array([0.0, 1.0, 0.0]), np.zeros((3, 3)), 100)
    assert math.isnan(contrast(found, 1, 0).interval(100).low)
    assert math.isnan(contrast(found, 1, 0).p_below)
    assert share_forgotten(found) is None


def test_few_users_are_sampled_by_row():
    assert len(set(resampling_units(np.array(["a", "a", "b"])))) == 3
    many = np.array([f"u{i}" for i in range(10)] * 2)
    assert resampling_units(many) is many


def test_model_in_the_place_of_the_unlearned_one():
    found = Knowledge(np.arange(6.0), np.eye(6), 9).with_model(3)
    assert found.values.tolist() == [3, 1, 2, 4, 5]
    assert contrast(found, 1, 0).freedom == 2
    assert student.ppf(0.95, 2) == pytest.approx(2.92, abs=0.01)
