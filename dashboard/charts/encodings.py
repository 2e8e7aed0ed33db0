"""What the charts share: how groups, lines and dashes look, the same in both themes."""

from collections.abc import Mapping

import altair as alt

from core.types import Group
from dashboard.presenters.phrases import GROUP_NAMES

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
SOLID, DASHED, DOTTED = [1, 0], [6, 4], [2, 3]


def scale_of(values: Mapping) -> alt.Scale:
    """Each name with its colour, shape or dash."""
    return alt.Scale(domain=list(values), range=list(values.values()))


def groups_scale(marks: Mapping[Group, str]) -> alt.Scale:
    """The groups, by name, with their colour or shape."""
    return scale_of({GROUP_NAMES[group]: mark for group, mark in marks.items()})


def lines(field: str, kinds: Mapping[str, tuple], columns: int) -> dict:
    """Encodings of lines that differ by colour and dash, with one legend for both."""
    legend = alt.Legend(
        orient="bottom", title=None, columns=columns, symbolType="stroke", symbolSize=300, labelLimit=240
    )
    colours, dashes = ({name: kind[index] for name, kind in kinds.items()} for index in (0, 1))
    return {
        "color": alt.Color(field, scale=scale_of(colours), legend=legend),
        "strokeDash": alt.StrokeDash(field, scale=scale_of(dashes), legend=legend),
    }
