"""The checks of a verification as shares of what is allowed."""

import json
from typing import cast

import altair as alt
import pandas as pd

from core.types import Group, Verdict
from dashboard.charts.encodings import Chart, scale_of
from dashboard.presenters.i18n import t
from dashboard.presenters.questions import DOMAIN
from dashboard.presenters.theme import AFTER, COLOURS, QUIET

MARKS = {
    Verdict.PASS: (AFTER, "circle"),
    Verdict.FAIL: (COLOURS[Group.FORGET], "cross"),
    Verdict.INCONCLUSIVE: (QUIET, "diamond"),
}
ROW = 30  # pixels


def bounds(data: pd.DataFrame, words: dict[Verdict, str], harmless: str) -> Chart:
    """Draw each check with its interval, and what is allowed as a band.

    Args:
        data: Table of `questions.bounds_frame`.
        words: Word of each verdict.
        harmless: Label of the value 0.
    """
    none, allowed = json.dumps(harmless), json.dumps(t("bounds-bound"))
    labels = f'datum.value == 0 ? {none} : datum.value == 1 ? {allowed} : ""'
    side = alt.condition("datum.value == 0", alt.value("right"), alt.value("left"))  # the labels fit a narrow screen
    axis = alt.Axis(
        values=[0, 1], labelExpr=labels, title=None, domain=False, ticks=False, labelOverlap=False, orient="top",
        labelAlign=side, labelPadding=4,
    )  # fmt: skip
    x = alt.X("value:Q", scale=alt.Scale(domain=DOMAIN, nice=False), axis=axis)
    colours, shapes = ({words[one]: mark[index] for one, mark in MARKS.items()} for index in (0, 1))
    base = alt.Chart(data).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=150, ticks=False, domain=False, grid=False)),
        tooltip=[
            alt.Tooltip("name:N", title=t("review-column-name")),
            alt.Tooltip("verdict:N", title=t("review-column-verdict")),
            alt.Tooltip("measured:Q", title=t("review-column-value"), format=".3f"),
            alt.Tooltip("value:Q", title=t("bounds-share"), format=".0%"),
        ],
    )
    colour = alt.Color("verdict:N", scale=scale_of(colours), legend=None)
    band = base.mark_bar(color=AFTER, opacity=0.13, height=ROW - 8).encode(x=alt.X("from:Q"), x2=alt.X2("to:Q"))
    line = base.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q"), x2=alt.X2("high:Q"), color=colour)
    point = base.mark_point(filled=True, size=85, opacity=1).encode(
        x=x, color=colour, shape=alt.Shape("verdict:N", scale=scale_of(shapes), legend=None)
    )
    return cast(Chart, (band + line + point).properties(height=ROW * len(data) + 40))
