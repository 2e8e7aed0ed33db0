"""Numbers as reports and pages write them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.report.numbers import percent_ends
from core.types import Interval


@given(st.floats(-9.9, 9.9), st.floats(0, 5))
def test_shown_interval_holds_the_measured_one(low, width):
    high = min(low + width, 9.9)
    shown = [float(end.replace("−", "-").removesuffix("%")) / 100 for end in percent_ends(Interval(low, low, high, 9))]
    assert shown[0] <= low + 1e-12 and high - 1e-12 <= shown[1]
    assert shown[1] - shown[0] < high - low + 0.02 + 1e-12


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(0.698, 0.983, ("69%", "99%")), (-1e9, math.inf, ("−999%", "999%")), (math.nan, 1.0, ("–", "–"))],
)
def test_ends_of_an_interval_in_percent(low, high, shown):
    assert percent_ends(Interval(0.5, low, high, 9)) == shown
