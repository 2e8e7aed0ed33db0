"""Metrics: equal to brute force, SciPy and numbers worked out by hand."""

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
def test_auc_equals_share_of_ordered_pairs(positive, negative):
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert auc(np.array(positive), np.array(negative)) == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize(
    ("positive", "negative"), [([], [1.0]), ([1.0], []), ([1.0, np.nan], [0.0]), ([1.0], [np.nan, 0])]
)
def test_auc_of_nothing_or_of_nan_is_nan(positive, negative):
    assert np.isnan(auc(np.array(positive), np.array(negative)))


def test_membership_auc_is_one_when_member_losses_are_lower():
    assert membership_auc(np.array([0.1, 0.2]), np.array([0.5, 0.9])) == 1.0


def test_jensen_shannon_of_opposite_certainties_is_one_bit():
    left, right = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert jensen_shannon(left, right) == pytest.approx(1.0)
    assert jensen_shannon(left, left) == 0.0


def test_divergences_equal_formula_and_scipy_distance():
    """The formula is KL to the mean of both, in bits, with probabilities clipped at 1e-12; SciPy's distance is its root."""
    for seed, outcomes in ((0, 2), (1, 21)):
        left, right = np.random.default_rng(seed).dirichlet([1] * outcomes, (2, 2000))
        middle = (left + right) / 2
        clipped = [one.clip(1e-12) for one in (left, right, middle)]
        by_hand = sum((one * np.log(one / clipped[2])).sum(1) for one in clipped[:2]) / 2 / np.log(2)
        np.testing.assert_allclose(row_jensen_shannon(left, right), by_hand, rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            row_jensen_shannon(left, right), jensenshannon(left, right, base=2, axis=1) ** 2, atol=1e-12
        )


def test_divergence_of_nearly_equal_rows_is_zero_and_of_nan_is_nan():
    """SciPy gives NaN here: it takes the root of a negative rounding error."""
    left = np.random.default_rng(0).dirichlet([1, 1], 10_000)
    right = left + np.array([1e-9, -1e-9])
    with np.errstate(invalid="ignore"):
        assert np.isnan(jensenshannon(left.clip(0), right.clip(0), base=2, axis=1)).any()
    found = row_jensen_shannon(left.clip(0), right.clip(0))
    assert (found >= 0).all() and found.max() < 1e-9
    assert np.isnan(row_jensen_shannon(left[:1] * np.nan, right[:1])).all()


def test_half_kl_equals_hand_computed_value():
    """KL between (.75, .25) and (.25, .75) is .5 ln 3 in both directions."""
    left, right = np.array([[0.75, 0.25]]), np.array([[0.25, 0.75]])
    assert half_kl(left, right) == pytest.approx(0.5 * np.log(3))


def test_residual_is_one_for_the_original_and_zero_for_the_reference():
    rng = np.random.default_rng(0)
    original, reference = rng.dirichlet([1, 1], 50), rng.dirichlet([1, 1], 50)
    assert closeness(original, original, [reference]).residual == pytest.approx(1.0)
    assert closeness(reference, original, [reference]).residual == 0.0
    assert np.isnan(closeness(original, original, []).residual)


def test_interval_resamples_users_not_rows():
    """Ten users with 100 equal rows each carry as much information as ten rows."""
    values = np.random.default_rng(1).normal(size=10)
    few = interval(lambda rows: values[rows].mean(), np.arange(10).astype(str))
    many = interval(lambda rows: np.repeat(values, 100)[rows].mean(), np.repeat(np.arange(10), 100).astype(str))
    assert many.n == 1000
    assert many.high - many.low == pytest.approx(few.high - few.low, rel=0.3)
    assert few.low < few.value < few.high


def test_reach_ignores_change_orthogonal_to_references():
    original, references = np.zeros((2, 2)), [np.array([[1.0, 0.0], [0.0, 0.0]])] * 2
    assert reach(original, original, references) == 0 and reach(references[0], original, references) == 1
    sideways = np.array([[0.5, 0.0], [3.0, -2.0]])
    assert reach(sideways, original, references) == pytest.approx(0.5)
    assert np.isnan(reach(original, original, []))


def test_calibration_error_equals_hand_computed_value():
    """Confidence .9 with accuracy .5 is off by .4; confidence .6 with accuracy .6 is not off."""
    yes = np.array([0.9] * 10 + [0.6] * 10)
    labels = np.array([True] * 5 + [False] * 5 + [True] * 6 + [False] * 4)
    predictions = Predictions(np.arange(20), labels, np.log(yes / (1 - yes)), np.stack([1 - yes, yes], 1), np.zeros(20))
    assert calibration_error(predictions) == pytest.approx(0.2)


def test_hit_rates_and_gains_end_after_ten():
    ranks = np.array([1, 3, 10, 11])
    assert hit_rates(ranks).tolist() == [1, 1, 1, 0]
    assert ndcg_gains(ranks) == pytest.approx([1, 0.5, 1 / np.log2(11), 0])
