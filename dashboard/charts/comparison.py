"""Charts that compare the model before and after a run with the retrained references."""

import json
from collections.abc import Sequence
from typing import Literal, cast

import altair as alt
import pandas as pd

from core.types import Closeness, Group, Recommendation
from dashboard.charts.encodings import DASHED, SOLID, Chart, lines, scale_of
from dashboard.presenters.i18n import t
from dashboard.presenters.list_phrases import rank_change
from dashboard.presenters.tables import MODELS
from dashboard.presenters.theme import AFTER, COLOURS, QUIET

MODEL_MARKS = {
    "before": (COLOURS[Group.FORGET], "triangle-up"),
    "after": (AFTER, "circle"),
    "reference": (QUIET, "square"),
    "item_mean": (QUIET, "cross"),
}
PADDING = 1.0  # of the slopes: room for titles on each side, as a share of the distance between the two lists
NARROW = 520  # pixels; slopes below this width break long titles into two lines
ONE_LINE = 14  # characters of a title that fit into one line on a phone


def distance(closeness: Closeness, floor: Sequence[Closeness]) -> Chart:
    """Draw the residual of the unlearned model, from 1 (nothing done) to 0 (no difference), beside the references."""
    left = closeness.residual
    scale = alt.Scale(domain=[max(1.05, 1.05 * left), 0], nice=False)
    nothing, equal = json.dumps(t("before-after-distance-nothing")), json.dumps(t("before-after-distance-equal"))
    labels = f'datum.value == 1 ? {nothing} : datum.value == 0 ? {equal} : format(datum.value, ".1f")'
    axis = alt.Axis(values=[1, 0.8, 0.6, 0.4, 0.2, 0], labelExpr=labels, grid=False, labelFlush=True)
    x, line = alt.X("at:Q", scale=scale, title=None, axis=axis), alt.YValue(34)
    name = t("before-after-distance-after", residual=f"{left:.2f}")
    after = alt.Chart(pd.DataFrame({"at": [left], "to": [1.0], "name": [name]})).encode(x=x, y=line)
    layers = [
        after.mark_rule(strokeWidth=4, color=AFTER).encode(x2=alt.X2("to:Q")),
        after.mark_circle(size=170, color=AFTER, opacity=1),
        after.mark_text(dy=-27, fontSize=12, fontWeight="bold", color=AFTER).encode(text=alt.Text("name:N")),
    ]
    if floor:
        layers[:0] = _floor([reference.residual for reference in floor], scale)
    return alt.layer(*layers).properties(height=112)


def _floor(residuals: Sequence[float], scale: alt.Scale) -> list[alt.Chart]:
    """Draw the distances of the references from each other as a band with its name below it."""
    ends = {"at": [max(residuals)], "to": [min(residuals)], "middle": [sum(residuals) / len(residuals)]}
    data = pd.DataFrame({**ends, "name": [t("before-after-distance-references")]})
    band = alt.Chart(data).encode(
        tooltip=[
            alt.Tooltip("to:Q", title=t("before-after-distance-nearest"), format=".2f"),
            alt.Tooltip("at:Q", title=t("before-after-distance-farthest"), format=".2f"),
        ]
    )
    area = band.mark_rect(color=QUIET, opacity=0.3, cornerRadius=3)
    text = band.mark_text(color=QUIET, fontSize=11).encode(x=alt.X("middle:Q", scale=scale), y=alt.YValue(66))
    x = alt.X("at:Q", scale=scale)
    return [
        area.encode(x=x, x2=alt.X2("to:Q"), y=alt.YValue(14), y2=alt.Y2Value(54)),
        text.encode(text=alt.Text("name:N")),
    ]


def intervals(data: pd.DataFrame) -> Chart:
    """Draw one measure of the models with 95 % intervals (data of `tables.intervals`), one row per model."""
    names = alt.Axis(grid=False, ticks=False, domain=False, labelOverlap=False, minExtent=62)
    low = alt.X("low:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    colours, shapes = ({MODELS[name]: mark[index] for name, mark in MODEL_MARKS.items()} for index in (0, 1))
    base = alt.Chart(data).encode(
        y=alt.Y("model:N", sort=list(colours), title=None, axis=names),
        color=alt.Color("model:N", scale=scale_of(colours), legend=None),
        tooltip=[
            alt.Tooltip("model:N", title=t("before-after-interval-model")),
            alt.Tooltip("value:Q", title=t("before-after-interval-value"), format=".3f"),
            alt.Tooltip("low:Q", title=t("before-after-interval-low"), format=".3f"),
            alt.Tooltip("high:Q", title=t("before-after-interval-high"), format=".3f"),
        ],
    )
    shape = alt.Shape("model:N", scale=scale_of(shapes), legend=None)
    rule = base.mark_rule(strokeWidth=2, opacity=0.5).encode(x=low, x2=alt.X2("high:Q"))
    point = base.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("value:Q", title=None), shape=shape)
    return cast(Chart, (rule + point).properties(height=150))


def slopes(
    before: Sequence[Recommendation], after: Sequence[Recommendation], names: tuple[str, str] | None = None
) -> Chart:
    """Draw the rank of each title in two lists as one line.

    Args:
        before: The list on the left.
        after: The list on the right.
        names: Names of the lists, "before" and "after" by default.
    """
    left, right = names or (MODELS["before"], MODELS["after"])
    sides = {left: before, right: after}
    beyond = 1.4 + max(len(before), len(after))
    kinds = {
        t("before-after-slopes-stays"): (QUIET, SOLID),
        t("move-new"): (AFTER, SOLID),
        t("move-removed"): (COLOURS[Group.FORGET], DASHED),
    }
    rows = []
    for item, title in {row.item: row.title for row in (*before, *after)}.items():
        change = rank_change(item, before, after)
        kind = change if change in kinds else next(iter(kinds))
        for side, listed in sides.items():
            rank = next((rank for rank, row in enumerate(listed, 1) if row.item == item), None)
            rows.append((item, title, _in_two_lines(title), side, rank or beyond, change, kind, rank is not None))
    data = pd.DataFrame(rows, columns=["item", "title", "label", "side", "rank", "change", "kind", "listed"])
    axis = alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False, labelFontWeight="bold")
    encodings = lines("kind:N", kinds, 3)
    base = alt.Chart(data).encode(
        x=alt.X("side:N", sort=list(sides), title=None, scale=alt.Scale(padding=PADDING), axis=axis),
        y=alt.Y("rank:Q", scale=alt.Scale(domain=[beyond + 0.2, 0.4], nice=False), axis=None),
        tooltip=[
            alt.Tooltip("title:N", title=t("before-after-slopes-title")),
            alt.Tooltip("change:N", title=t("before-after-slopes-change")),
        ],
    )
    titles = base.encode(text=alt.Text("label:N")).transform_filter(alt.datum.listed)
    return alt.layer(
        base.mark_line(strokeWidth=2, opacity=0.8).encode(detail=alt.Detail("item:N"), **encodings),
        base.mark_circle(size=50, opacity=1).encode(color=encodings["color"]).transform_filter(alt.datum.listed),
        _beside(titles, left, "right", -10),
        _beside(titles, right, "left", 10),
    ).properties(height=400)


def _beside(names: alt.Chart, side: str, align: Literal["left", "right"], dx: int) -> alt.Chart:
    """Write the titles on one side of the slopes, in two lines in a narrow chart, cut to the room there is."""
    room = alt.expr(f"width * {PADDING / (1 + 2 * PADDING):.3f} - 14")
    text = names.mark_text(
        align=align,
        dx=dx,
        dy=alt.expr(f"width < {NARROW} && indexof(datum.label, '\\n') > 0 ? -6 : 0"),
        fontSize=12,
        lineHeight=12,
        lineBreak=alt.expr(f"width < {NARROW} ? '\\n' : '\\r'"),
        color=QUIET,
        limit=room,
    )
    return cast(alt.Chart, text.transform_filter(alt.datum.side == side))


def _in_two_lines(title: str) -> str:
    """Return a title with one line break at the space nearest to its middle; a short title stays as it is."""
    spaces = [place for place, letter in enumerate(title) if letter == " "]
    if len(title) <= ONE_LINE or not spaces:
        return title
    middle = min(spaces, key=lambda place: abs(place - len(title) / 2))
    return f"{title[:middle]}\n{title[middle + 1 :]}"
