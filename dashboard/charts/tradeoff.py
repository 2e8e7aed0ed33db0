"""Share forgotten against the fall of the test AUC: one mark with two intervals for each run of a comparison."""

from collections.abc import Sequence
from typing import cast

import altair as alt
import pandas as pd

from dashboard.charts.encodings import DOTTED, Chart, scale_of
from dashboard.presenters.i18n import t
from dashboard.presenters.run_comparison import RunFacts
from dashboard.presenters.theme import QUIET, RUN_MARKS

REACH = (-1.0, 3.0)  # shares beyond are cut: an interval may reach far where the original knew little
COLUMNS = ("run", "share", "share_low", "share_high", "fall", "fall_low", "fall_high")


def tradeoff_frame(facts: Sequence[RunFacts], measure: str) -> pd.DataFrame:
    """Return one row for each run of which both numbers are known."""
    rows = [
        (one.run, share.value, share.low, share.high, fall.value, fall.low, fall.high)
        for one in facts
        if (share := one.share(measure)) and (fall := one.fall)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def tradeoff(data: pd.DataFrame, runs: Sequence[str], margin: float | None) -> Chart:
    """Draw the runs; up is more forgotten, left is less harm to others.

    Args:
        data: Table of `tradeoff_frame`.
        runs: All compared runs, in the order of their marks.
        margin: Fall of the AUC that is allowed; None draws no line.
    """
    low = max(REACH[0], min(0.0, data["share_low"].min()))
    high = min(REACH[1], max(1.1, data["share_high"].max()))
    y = alt.Y("share:Q", title=t("compare-column-forgotten"), axis=alt.Axis(format=".0%", tickCount=6),
              scale=alt.Scale(domain=[low, high], nice=False))  # fmt: skip
    x = alt.X("fall:Q", title=t("compare-chart-fall"), axis=alt.Axis(format="+.3f", tickCount=5),
              scale=alt.Scale(zero=True))  # fmt: skip
    marked = {run: mark for run, mark in zip(runs, RUN_MARKS, strict=False) if run in set(data["run"])}
    colours, shapes = ({run: mark[side] for run, mark in marked.items()} for side in (0, 1))
    legend = alt.Legend(orient="bottom", title=None, columns=2, labelLimit=220, symbolOpacity=1)
    colour = alt.Color("run:N", scale=scale_of(colours), legend=legend)
    base = alt.Chart(data).encode(
        color=colour,
        tooltip=[
            alt.Tooltip("run:N", title=t("compare-chart-run")),
            alt.Tooltip("share:Q", title=t("compare-column-forgotten"), format=".0%"),
            alt.Tooltip("share_low:Q", title=t("compare-column-forgotten-low"), format=".0%"),
            alt.Tooltip("share_high:Q", title=t("compare-column-forgotten-high"), format=".0%"),
            alt.Tooltip("fall:Q", title=t("compare-column-fall"), format="+.4f"),
            alt.Tooltip("fall_low:Q", title=t("compare-column-fall-low"), format="+.4f"),
            alt.Tooltip("fall_high:Q", title=t("compare-column-fall-high"), format="+.4f"),
        ],
    )
    rule = base.mark_rule(strokeWidth=2, opacity=0.6, clip=True)
    marks = base.mark_point(filled=True, size=150, opacity=1, clip=True)
    layers = [*_yardsticks(margin), rule.encode(x=x, y=alt.Y("share_low:Q"), y2=alt.Y2("share_high:Q"))]
    if data["fall_low"].notna().any():  # a layer without a mark has no name for screen readers
        layers.append(rule.encode(y=y, x=alt.X("fall_low:Q"), x2=alt.X2("fall_high:Q")))
    layers += [
        marks.encode(x=x, y=y, shape=alt.Shape("run:N", scale=scale_of(shapes), legend=legend)),
    ]
    return cast(Chart, alt.layer(*layers).properties(height=380))


def _yardsticks(margin: float | None) -> list[alt.Chart]:
    """Draw where a retraining lies, and how much the quality may fall."""
    whole = alt.Chart(pd.DataFrame({"share": [1.0], "name": [t("compare-chart-whole")]})).encode(y=alt.Y("share:Q"))
    label = whole.mark_text(align="left", dx=4, dy=-7, fontSize=11, color=QUIET)
    drawn = [
        whole.mark_rule(strokeDash=DOTTED, color=QUIET, aria=False),
        label.encode(x=alt.XValue(0), text=alt.Text("name:N")),
    ]
    if margin is not None:
        most = alt.Chart(pd.DataFrame({"fall": [margin], "name": [t("compare-chart-margin")]})).encode(
            x=alt.X("fall:Q")
        )
        label = most.mark_text(align="right", dx=-4, dy=-5, fontSize=11, color=QUIET)
        drawn += [
            most.mark_rule(strokeDash=DOTTED, color=QUIET, aria=False),
            label.encode(y=alt.YValue("height"), text=alt.Text("name:N")),
        ]
    return drawn
