"""Charts of the benchmark: forgetting against quality, differences between methods, and sequential requests."""

from itertools import cycle
from typing import cast

import altair as alt
import pandas as pd

from core.types import Group
from dashboard.charts.encodings import DASHED, DOTTED, SOLID, Chart, lines, scale_of
from dashboard.presenters.i18n import t
from dashboard.presenters.theme import AFTER, COLOURS, QUIET

# Our methods stand out; other methods share the quiet colours and differ by shape.
OURS = (AFTER, COLOURS[Group.SHARED], "#8E44AD")
BASELINE_COLOURS = (COLOURS[Group.FORGET], COLOURS[Group.RETAIN], QUIET, "#B8860B", "#4D5C66", "#8B5A2B")
SHAPES = ("circle", "diamond", "square", "triangle-up", "cross", "triangle-down", "triangle-right", "triangle-left")


def pareto(points: pd.DataFrame, floor: tuple[float, float], start: float, ours: int, title: str) -> Chart:
    """Draw forgetting against quality, one line per method from its weakest to its strongest setting.

    Args:
        points: Data of `presenters.benchmark.fronts`.
        floor: Least and largest value of a retrained reference against the others.
        start: Value of the original model.
        ours: Number of methods, from the first, that are ours.
        title: Title of the value's axis.
    """
    names = list(dict.fromkeys(points["method"]))
    colours = [*OURS[:ours], *BASELINE_COLOURS]
    colour = scale_of({name: colours[i % len(colours)] for i, name in enumerate(names)})
    shape = scale_of({name: SHAPES[i % len(SHAPES)] for i, name in enumerate(names)})
    legend = alt.Legend(orient="bottom", title=None, columns=1, labelLimit=200)
    x = alt.X(
        "utility:Q",
        title=t("benchmark-pareto-x"),
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format="+.3f", tickCount=5),
    )
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    base = alt.Chart(points).encode(x=x, y=y, color=alt.Color("method:N", scale=colour, legend=legend))
    tooltip = [
        alt.Tooltip("method:N", title=t("benchmark-pareto-method")),
        alt.Tooltip("strength:Q", title=t("benchmark-pareto-strength")),
        alt.Tooltip("utility:Q", title=t("benchmark-pareto-x"), format="+.4f"),
        alt.Tooltip("value:Q", title=title, format=".3f"),
    ]
    line = base.mark_line(strokeWidth=1.5, opacity=0.7).encode(
        order=alt.Order("strength:Q"), detail=alt.Detail("method:N")
    )
    mark = base.mark_point(filled=True, size=70, opacity=1).encode(
        shape=alt.Shape("method:N", scale=shape, legend=legend), tooltip=tooltip
    )
    return alt.layer(*_yardsticks(floor, start), line, mark).properties(height=620)


def _yardsticks(floor: tuple[float, float], start: float) -> list[alt.Chart]:
    """Draw the band of the retrained references with its name, and the original model."""
    band = pd.DataFrame({"from": [floor[0]], "to": [floor[1]], "name": [t("benchmark-reference")]})
    area = alt.Chart(band).mark_rect(color=QUIET, opacity=0.2).encode(y=alt.Y("from:Q"), y2=alt.Y2("to:Q"))
    text = alt.Chart(band).mark_text(align="left", dx=4, dy=-7, color=QUIET, fontSize=11)
    original = alt.Chart(pd.DataFrame({"value": [start], "utility": [0.0], "name": [t("benchmark-original")]}))
    marker = original.encode(x=alt.X("utility:Q"), y=alt.Y("value:Q"))
    return [
        area,
        text.encode(x=alt.XValue(0), y=alt.Y("from:Q"), text=alt.Text("name:N")),
        marker.mark_point(shape="cross", size=120, color=QUIET, filled=True),
        marker.mark_text(dy=-12, color=QUIET, fontSize=11).encode(text=alt.Text("name:N")),
    ]


def differences(data: pd.DataFrame, title: str) -> Chart:
    """Draw the difference to each other method and control with its interval; a filled mark is significant.

    Args:
        data: Table of `presenters.benchmark.differences`, one row per method.
        title: Title of the value's axis.
    """
    names = alt.Axis(grid=False, ticks=False, domain=False, labelLimit=190)
    kinds = {
        t("benchmark-differences-rival"): COLOURS[Group.RETAIN],
        t("benchmark-differences-own"): COLOURS[Group.FORGET],
        t("benchmark-differences-control"): COLOURS[Group.SHARED],
    }
    base = alt.Chart(data).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=names),
        color=alt.Color("kind:N", scale=scale_of(kinds), legend=alt.Legend(orient="bottom", title=None, columns=1)),
        tooltip=[
            alt.Tooltip("name:N", title=t("benchmark-pareto-method")),
            alt.Tooltip("value:Q", title=t("benchmark-difference"), format="+.3f"),
            alt.Tooltip("low:Q", title=t("before-after-interval-low"), format="+.3f"),
            alt.Tooltip("high:Q", title=t("before-after-interval-high"), format="+.3f"),
        ],
    )
    zero = alt.Chart(data).mark_rule(color=QUIET, strokeDash=[4, 3], aria=False).encode(x=alt.XDatum(0))
    rule = base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=alt.X("low:Q", title=title), x2=alt.X2("high:Q"))
    fill = alt.FillOpacityValue(0, condition={"test": "datum.low > 0 || datum.high < 0", "value": 1})
    point = base.mark_point(size=80, filled=True).encode(
        x=alt.X("value:Q", title=title), fillOpacity=fill, shape=alt.ShapeValue("circle")
    )
    ring = base.mark_point(size=80, strokeWidth=2).encode(x=alt.X("value:Q"))
    return alt.layer(zero, rule, ring, point).properties(height=alt.Step(24))


def sequential(data: pd.DataFrame, title: str) -> Chart:
    """Draw one measure over the number of requests served, one line per method.

    Args:
        data: Rows of `presenters.benchmark.sequential` for one measure.
        title: Title of the value's axis.
    """
    names, dashes = list(dict.fromkeys(data["method"])), (SOLID, DASHED, DOTTED)
    kinds = {
        name: (colour, dash)
        for name, colour, dash in zip(names, cycle((*OURS, *BASELINE_COLOURS)), cycle(dashes), strict=False)
    }
    x = alt.X("served:Q", title=t("benchmark-row-served"), axis=alt.Axis(tickMinStep=1, format="d"))
    y = alt.Y("value:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    tooltip = [
        alt.Tooltip("method:N", title=t("benchmark-pareto-method")),
        alt.Tooltip("served:Q", title=t("benchmark-row-served")),
        alt.Tooltip("value:Q", title=title, format=".3f"),
    ]
    base = alt.Chart(data).encode(x=x, y=y, tooltip=tooltip, **lines("method:N", kinds, 1))
    return cast(Chart, base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=50)).properties(height=380))
