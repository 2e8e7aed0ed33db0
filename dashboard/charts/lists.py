"""Charts of recommendation lists: their genres, and the share of other users' lists that stays."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

import altair as alt
import pandas as pd

from core.types import Item, Overlap, Recommendation
from dashboard.charts.comparison import MODEL_MARKS
from dashboard.charts.encodings import Chart, scale_of
from dashboard.presenters.i18n import t
from dashboard.presenters.tables import MODELS
from dashboard.presenters.theme import QUIET


def genres(lists: Mapping[str, Sequence[Recommendation]], items: Mapping[str, Item]) -> Chart | None:
    """Count the titles of each genre in each model's list, the most frequent genre first; None without genres."""
    names = dict(zip(("original", "unlearned", "reference"), MODEL_MARKS, strict=False))
    counts = [
        (genre, MODELS[names[model]], count)
        for model, rows in lists.items()
        for genre, count in Counter(genre for row in rows for genre in _genres(items, row.item)).items()
    ]
    if not counts:
        return None
    data = pd.DataFrame(counts, columns=["genre", "model", "titles"])
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
    span = base.mark_rule(color=QUIET, opacity=0.5).encode(
        x=alt.X("min(titles):Q"), x2=alt.X2("max(titles):Q"), tooltip=[]
    )
    return alt.layer(
        span, base.mark_point(filled=True, size=80, opacity=1).encode(color=colour, shape=shape)
    ).properties(height=alt.Step(26))


def _genres(items: Mapping[str, Item], item: str) -> tuple[str, ...]:
    return items[item].genres if item in items else ()


def overlaps(users: Sequence[Overlap]) -> Chart:
    """Count the other users by the titles of their top 10 that stay, after the run and in a retrained reference."""
    rows = [(MODELS["after"], round(10 * user.after)) for user in users]
    rows += [(MODELS["reference"], round(10 * user.reference)) for user in users if user.reference is not None]
    data = pd.DataFrame(rows, columns=["model", "stay"]).value_counts().reset_index(name="users")
    colours = {MODELS[name]: MODEL_MARKS[name][0] for name in ("after", "reference")}
    chart = (
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
            y=alt.Y("users:Q", title=t("before-axis-users")),
            color=alt.Color("model:N", scale=scale_of(colours), legend=alt.Legend(orient="bottom", title=None)),
            tooltip=[
                alt.Tooltip("model:N", title=t("before-after-interval-model")),
                alt.Tooltip("stay:O", title=t("before-axis-titles")),
                alt.Tooltip("users:Q", title=t("before-axis-users")),
            ],
        )
        .properties(height=280)
    )
    return cast(Chart, chart)
