"""What top lists hold, as charts: genres, and how much of everybody's list stays."""

from collections import Counter
from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from core.types import Item, Overlap, Recommendation
from dashboard.charts.comparison import MODEL_MARKS
from dashboard.charts.encodings import Chart, scale_of
from dashboard.presenters.i18n import t
from dashboard.presenters.tables import MODELS
from dashboard.presenters.theme import QUIET


def genres(lists: Mapping[str, Sequence[Recommendation]], items: Mapping[str, Item]) -> Chart:
    """How many titles of each genre stand in each model's list, the commonest genre first."""
    names = dict(zip(("original", "unlearned", "reference"), MODEL_MARKS, strict=False))
    rows = [
        (genre, MODELS[names[model]], count)
        for model, found in lists.items()
        for genre, count in Counter(genre for row in found for genre in _genres(items, row.item)).items()
    ]
    data = pd.DataFrame(rows, columns=["genre", "model", "titles"])
    legend = alt.Legend(orient="bottom", title=None)
    base = alt.Chart(data).encode(
        y=alt.Y("genre:N", sort="-x", title=None),
        x=alt.X(
            "titles:Q",
            title=t("before-titles"),
            axis=alt.Axis(tickMinStep=1),
            scale=alt.Scale(domain=[0, 1 + max(data["titles"])]),
        ),
        tooltip=[
            alt.Tooltip("genre:N", title=t("before-genre")),
            alt.Tooltip("model:N", title=t("before-after-interval-model")),
            alt.Tooltip("titles:Q", title=t("before-titles")),
        ],
    )
    kinds = {MODELS[name]: MODEL_MARKS[name] for name in names.values()}
    colour = alt.Color("model:N", scale=scale_of({name: kind[0] for name, kind in kinds.items()}), legend=legend)
    shape = alt.Shape("model:N", scale=scale_of({name: kind[1] for name, kind in kinds.items()}), legend=legend)
    span = base.mark_rule(color=QUIET, opacity=0.5).encode(x="min(titles):Q", x2="max(titles):Q", tooltip=[])
    return alt.layer(
        span, base.mark_point(filled=True, size=80, opacity=1).encode(color=colour, shape=shape)
    ).properties(height=alt.Step(26))


def _genres(items: Mapping[str, Item], item: str) -> tuple[str, ...]:
    return items[item].genres if item in items else ()


def overlaps(found: Sequence[Overlap]) -> Chart:
    """How many kept people keep how many titles of their top 10, after the run and in a model trained anew."""
    rows = [(MODELS["after"], round(10 * one.after)) for one in found]
    rows += [(MODELS["reference"], round(10 * one.reference)) for one in found if one.reference is not None]
    data = pd.DataFrame(rows, columns=["model", "stay"]).value_counts().reset_index(name="people")
    colours = {MODELS[name]: MODEL_MARKS[name][0] for name in ("after", "reference")}
    return (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X(
                "stay:O",
                title=t("before-axis-titles"),
                scale=alt.Scale(domain=list(range(11))),
                axis=alt.Axis(labelAngle=0),
            ),
            xOffset=alt.XOffset("model:N", sort=list(colours)),
            y=alt.Y("people:Q", title=t("before-axis-people")),
            color=alt.Color("model:N", scale=scale_of(colours), legend=alt.Legend(orient="bottom", title=None)),
            tooltip=[
                alt.Tooltip("model:N", title=t("before-after-interval-model")),
                alt.Tooltip("stay:O", title=t("before-axis-titles")),
                alt.Tooltip("people:Q", title=t("before-axis-people")),
            ],
        )
        .properties(height=280)
    )
