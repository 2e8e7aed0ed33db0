"""Scales and encodings that the charts share, the same in both themes.

Charts encode by channel objects, such as `alt.X("at:Q")`: Altair takes 8 ms to find the class of a string or a value.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from core.types import Group
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
SOLID, DASHED, DOTTED = [1, 0], [6, 4], [2, 3]


def scale_of(values: Mapping[str, Any]) -> alt.Scale:
    """Return the scale that gives each name its colour, shape or dash."""
    return alt.Scale(domain=list(values), range=list(values.values()))


def groups_scale(marks: Mapping[Group, str]) -> alt.Scale:
    """Return the scale that gives each group, by name, its colour or shape."""
    return scale_of({GROUP_NAMES[group]: mark for group, mark in marks.items()})


def signed(sides: Mapping[str, str], widths: Sequence[float], *tips: alt.Tooltip) -> dict[str, Any]:
    """Return encodings of connections: colour and dash by their `side`, width by their `size`, and tooltips.

    Args:
        sides: Colour of each side, the supporting one first.
        widths: Smallest and largest width in pixels.
        tips: Further tooltips.
    """
    legend = alt.Legend(orient="top", title=None, columns=1, symbolType="stroke", symbolSize=300)
    dashes = dict(zip(sides, (SOLID, DASHED), strict=True))
    return {
        "detail": alt.Detail("edge:N"),
        "color": alt.Color("side:N", scale=scale_of(sides), legend=legend),
        "strokeDash": alt.StrokeDash("side:N", scale=scale_of(dashes), legend=legend),
        "strokeWidth": alt.StrokeWidth("size:Q", scale=alt.Scale(type="sqrt", range=list(widths)), legend=None),
        "tooltip": [
            alt.Tooltip("source:N", title=t("circuit-edge-in")),
            alt.Tooltip("target:N", title=t("circuit-edge-out")),
            alt.Tooltip("side:N", title=t("circuit-places-side")),
            alt.Tooltip("size:Q", title=t("circuit-places-strength"), format=".3f"),
            *tips,
        ],
    }


def lines(field: str, kinds: Mapping[str, tuple[str, Sequence[int]]], columns: int) -> dict[str, Any]:
    """Return encodings of lines that differ by colour and dash, with one legend for both.

    Args:
        field: Field of the data with the name of the line.
        kinds: Colour and dash of each name.
        columns: Columns of the legend.
    """
    legend = alt.Legend(
        orient="bottom", title=None, columns=columns, symbolType="stroke", symbolSize=300, labelLimit=240
    )
    colours, dashes = ({name: kind[index] for name, kind in kinds.items()} for index in (0, 1))
    return {
        "color": alt.Color(field, scale=scale_of(colours), legend=legend),
        "strokeDash": alt.StrokeDash(field, scale=scale_of(dashes), legend=legend),
    }
