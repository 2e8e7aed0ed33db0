"""Measures against brute force and hand-worked numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from core.evaluation.metrics import (
    auc,
    calibration_error,
    closeness,
    half_kl,
    hit_rates,
    interval,
    jensen_shannon,
    membership_auc,
    ndcg_gains,
    reach,
    row_jensen_shannon,
)
from core.evaluation.predictions import Predictions

scores = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)


@given(scores, scores)
def test_auc_is_the_share_of_pairs_in_order(positive, negative):
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert auc(np.array(positive), np.array(negative)) == pytest.approx(np.mean(pairs))


def test_low_losses_look_like_members():
    assert membership_auc(np.array([0.1, 0.2]), np.array([0.5, 0.9])) == 1.0


def test_jensen_shannon_of_certain_opposites_is_one_bit():
    left, right = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert jensen_shannon(left, right) == pytest.approx(1.0)
    assert jensen_shannon(left, left) == 0.0


def test_divergences_equal_the_formula_and_scipys_distance():
    """KL to the mean of both, in bits, written out here with probabilities clipped at 1e-12; and the squared distance."""
    for seed, outcomes in ((0, 2), (1, 21)):
        left, right = np.random.default_rng(seed).dirichlet([1] * outcomes, (2, 2000))
        middle = (left + right) / 2
        clipped = [one.clip(1e-12) for one in (left, right, middle)]
        by_hand = sum((one * np.log(one / clipped[2])).sum(1) for one in clipped[:2]) / 2 / np.log(2)
        np.testing.assert_allclose(row_jensen_shannon(left, right), by_hand, rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            row_jensen_shannon(left, right), jensenshannon(left, right, base=2, axis=1) ** 2, atol=1e-12
        )


def test_divergences_of_nearly_equal_rows_are_zero_and_nan_stays_nan():
    """SciPy's distance is the root of a rounding error below zero there."""
    left = np.random.default_rng(0).dirichlet([1, 1], 10_000)
    right = left + np.array([1e-9, -1e-9])
    with np.errstate(invalid="ignore"):
        assert np.isnan(jensenshannon(left.clip(0), right.clip(0), base=2, axis=1)).any()
    found = row_jensen_shannon(left.clip(0), right.clip(0))
    assert (found >= 0).all() and found.max() < 1e-9
    assert np.isnan(row_jensen_shannon(left[:1] * np.nan, right[:1])).all()


def test_half_kl_by_hand():
    """(.75, .25) and (.25, .75): KL = .5 ln 3 either way."""
    left, right = np.array([[0.75, 0.25]]), np.array([[0.25, 0.75]])
    assert half_kl(left, right) == pytest.approx(0.5 * np.log(3))


def test_residual_is_one_for_the_original_and_zero_for_the_reference():
    rng = np.random.default_rng(0)
    original, reference = rng.dirichlet([1, 1], 50), rng.dirichlet([1, 1], 50)
    assert closeness(original, original, [reference]).residual == pytest.approx(1.0)
    assert closeness(reference, original, [reference]).residual == 0.0
    assert np.isnan(closeness(original, original, []).residual)


def test_intervals_keep_a_persons_rows_together():
    """Ten people with 100 equal rows each say no more than ten rows do."""
    values = np.random.default_rng(1).normal(size=10)
    few = interval(lambda rows: values[rows].mean(), np.arange(10).astype(str))
    many = interval(lambda rows: np.repeat(values, 100)[rows].mean(), np.repeat(np.arange(10), 100).astype(str))
    assert many.n == 1000
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.3)
    assert few.low < few.value < few.high


def test_reach_counts_the_way_and_not_what_lies_aside():
    original, references = np.zeros((2, 2)), [np.array([[1.0, 0.0], [0.0, 0.0]])] * 2
    assert reach(original, original, references) == 0 and reach(references[0], original, references) == 1
    aside = np.array([[0.5, 0.0], [3.0, -2.0]])
    assert reach(aside, original, references) == pytest.approx(0.5)
    assert np.isnan(reach(original, original, []))


def test_calibration_error_by_hand():
    """Sure to .9 and right half the time: off by .4; sure to .6 and right six times of ten: not off."""
    yes = np.array([0.9] * 10 + [0.6] * 10)
    labels = np.array([True] * 5 + [False] * 5 + [True] * 6 + [False] * 4)
    made = Predictions(np.arange(20), labels, np.log(yes / (1 - yes)), np.stack([1 - yes, yes], 1), np.zeros(20))
    assert calibration_error(made) == pytest.approx(0.2)


def test_hit_rates_and_gains_end_after_ten():
    ranks = np.array([1, 3, 10, 11])
    assert hit_rates(ranks).tolist() == [1, 1, 1, 0]
    assert ndcg_gains(ranks) == pytest.approx([1, 0.5, 1 / np.log2(11), 0])
