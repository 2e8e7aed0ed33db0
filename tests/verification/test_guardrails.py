"""Guardrails: the test of harm by a second way of computing, at its level, and with power where rows are many."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from scipy.stats import ttest_ind

from core.types import Check, Interval, Verdict
from core.verification.equivalence import Z_90
from core.verification.guardrails import judge, p_value

MARGIN = 0.02


def guardrail(harm: float, error: float, rows: int, spread: float, references: int) -> Check:
    """A check of a harm whose rows bring this standard error."""
    value = Interval(harm, harm - Z_90 * error, harm + Z_90 * error, rows)
    details = {"spread": spread, "references": references}
    return Check("V7", Verdict.INCONCLUSIVE, value, None, MARGIN, None, details=details)


@given(st.integers(0, 10**6), st.integers(3, 40), st.integers(2, 8))
def test_p_value_is_that_of_welchs_test(seed, rows, references):
    """The second way: scipy's test of two samples, the second stretched so that its mean has s^2 (1 + 1/J)."""
    rng = np.random.default_rng(seed)
    harms, seeds = rng.normal(0.03, 0.1, rows), rng.normal(0, 0.02, references)
    error, spread = harms.std(ddof=1) / math.sqrt(rows), float(seeds.std(ddof=1))
    stretched = (seeds - seeds.mean()) * math.sqrt(references + 1)
    expected = ttest_ind(harms - MARGIN, stretched, equal_var=False, alternative="greater").pvalue
    assert p_value(guardrail(harms.mean(), error, rows, spread, references)) == pytest.approx(expected)


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.1])
def test_harm_at_the_margin_is_found_at_the_level(spread):
    """Chance of a rejection where the harm is the margin itself: 5 %, of 4,000 draws."""
    rng, rejected, draws, rows, references = np.random.default_rng(1), 0, 4000, 40, 5
    for _ in range(draws):
        harms = rng.normal(MARGIN, 0.2, rows) + rng.normal(0, spread)
        seeds = rng.normal(0, spread, references)
        error, harm = harms.std(ddof=1) / math.sqrt(rows), harms.mean() - seeds.mean()
        rejected += p_value(guardrail(harm, error, rows, seeds.std(ddof=1), references)) <= 0.05
    assert 0.03 < rejected / draws < 0.065


def test_many_rows_show_a_clear_harm_with_five_references():
    """Probes of the demo's broken run lie five standard errors beyond their margin, with hardly any noise of seeds."""
    broken = guardrail(0.0657, 0.0094, 1123, 0.0021, 5)
    harmless = [guardrail(0.0, 0.01, 500, 0.005, 5)] * 12
    assert 13 * student.sf((0.0657 - MARGIN) / math.hypot(0.0094, 0.0023), 4) > 0.05  # what J - 1 degrees would say
    assert judge([broken, *harmless])[0].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("harm", "error", "rows", "spread", "references", "expected"),
    [
        (0.1, 0.0, 50, 0.0, 5, 0.0),  # no noise at all
        (0.02, 0.0, 50, 0.0, 5, 1.0),
        (0.1, 0.001, 1, 0.0, 5, 1.0),  # the error of one row is not known
        (0.1, 0.001, 50, 0.001, 1, 1.0),  # nor that of one reference
        (0.1, 0.001, 50, 0.001, 0, 1.0),
        (math.nan, 0.001, 50, 0.001, 5, 1.0),
    ],
)
def test_p_value_where_little_is_known(harm, error, rows, spread, references, expected):
    assert p_value(guardrail(harm, error, rows, spread, references)) == expected
