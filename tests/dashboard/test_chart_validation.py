"""The check of charts in these tests: a chart outside Vega-Lite's schema fails the page that draws it."""

from typing import Any

import altair as alt
import pandas as pd
import pytest

from dashboard import charts
from tests.dashboard.conftest import open_page


def invalid(*_: Any) -> alt.Chart:
    """A chart with a mark that Vega-Lite does not know."""
    chart = alt.Chart(pd.DataFrame({"x": [1]})).mark_point()
    chart.mark = "nonsense"
    return chart


@pytest.mark.parametrize(
    ("name", "chart"),
    [
        ("before_after", "distance"),
        ("before_after", "genres"),
        ("before_after", "intervals"),
        ("before_after", "overlaps"),
        ("before_after", "slopes"),
        ("benchmark", "differences"),
        ("benchmark", "pareto"),
        ("circuit", "faithfulness"),
        ("circuit", "members"),
        ("circuit", "places"),
        ("compare", "tradeoff"),
        ("review", "bounds"),
        ("run", "conflict"),
        ("run", "losses"),
    ],
)
@pytest.mark.usefixtures("demo")
def test_invalid_chart_fails_its_page(monkeypatch: pytest.MonkeyPatch, name: str, chart: str) -> None:
    monkeypatch.setattr(charts, chart, invalid)
    with pytest.raises(AssertionError, match="nonsense"):
        open_page(name, {"run": "run-demo", "runs": "run-demo,run-retrained"})
