"""Guardrails: the test of harm by a second way of computing, at its level, and with power where rows are many."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import t as student

from core.types import Check, Interval, Verdict
from core.verification.equivalence import Z_90
from core.verification.guardrails import judge, p_value

MARGIN = 0.02


def guardrail(harm: float, error: float, rows: int, spread: float, references: int) -> Check:
    """A check of a harm whose rows bring this standard error."""
    value = Interval(harm, harm - Z_90 * error, harm + Z_90 * error, rows)
    details = {"spread": spread, "references": references}
    return Check("V7", Verdict.INCONCLUSIVE, value, None, MARGIN, None, details=details)


@given(st.floats(-0.3, 0.3), st.floats(1e-3, 0.1), st.integers(2, 500), st.floats(1e-3, 0.1), st.integers(3, 9))
def test_p_value_has_the_mean_of_both_critical_values(harm, error, rows, spread, references):
    """The second way: from the p-value back to the critical value, and the bounds that each part alone gives."""
    found = p_value(guardrail(harm, error, rows, spread, references))
    seeds = spread**2 * (1 + 1 / references)
    both = error**2 + seeds
    assume(1e-11 < found < 1 - 1e-9)  # others are given as a bound
    by_rows, by_seeds = (student.isf(found, freedom) for freedom in (rows - 1, references - 1))
    ratio = (harm - MARGIN) / math.sqrt(both)
    assert (error**2 * by_rows + seeds * by_seeds) / both == pytest.approx(ratio, rel=1e-4, abs=1e-6)
    alone = sorted(float(student.sf(ratio, freedom)) for freedom in (rows - 1, references - 1))
    assert alone[0] * (1 - 1e-6) - 1e-9 <= found <= alone[1] * (1 + 1e-6) + 1e-9


@pytest.mark.parametrize("references", [3, 8])
@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3])
def test_harm_at_the_margin_is_rarely_found(spread, references):
    """Chance of a rejection where the harm is the margin itself, of 3,000 draws: at most 5 %, and 5 % / 13."""
    rng, draws, rows = np.random.default_rng(1), 3000, 40
    found = np.empty(draws)
    for draw in range(draws):
        harms = rng.normal(MARGIN, 0.2, rows) + rng.normal(0, spread)
        seeds = rng.normal(0, spread, references)
        error, harm = harms.std(ddof=1) / math.sqrt(rows), harms.mean() - seeds.mean()
        found[draw] = p_value(guardrail(harm, error, rows, seeds.std(ddof=1), references))
    assert (found <= 0.05).mean() < 0.062 and (found <= 0.05 / 13).mean() < 0.0065
    assert spread or (found <= 0.05).mean() > 0.035  # with rows alone it is Student's test of one sample


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
        (0.1, 0.001, 50, 0.0, 2, 1.0),  # nor that of two references, which have one distance
        (0.1, 0.001, 50, 0.001, 0, 1.0),
        (math.nan, 0.001, 50, 0.001, 5, 1.0),
    ],
)
def test_p_value_where_little_is_known(harm, error, rows, spread, references, expected):
    assert p_value(guardrail(harm, error, rows, spread, references)) == expected
