"""What top lists hold, as altair charts: pure, like charts.py."""

from collections import Counter
from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from core.types import Group, Item, Overlap, Recommendation
from dashboard.charts import DASHED, MODELS, SOLID, Chart, line_kinds, palette_scale
from dashboard.palette import AFTER, COLOURS, QUIET
from dashboard.texts import t
from dashboard.words import move

CHANGES = {"stays in the list": (QUIET, SOLID), "new": (AFTER, SOLID), "removed": (COLOURS[Group.FORGET], DASHED)}


def genres(lists: Mapping[str, Sequence[Recommendation]], items: Mapping[str, Item]) -> Chart:
    """How many titles of each genre stand in each model's list, the commonest genre first."""
    names = dict(zip(("original", "unlearned", "reference"), MODELS, strict=False))
    rows = [
        (genre, names[model], count)
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
        tooltip=["genre:N", "model:N", "titles:Q"],
    )
    kinds = {name: MODELS[name] for name in names.values()}
    colour = alt.Color("model:N", scale=palette_scale({name: kind[0] for name, kind in kinds.items()}), legend=legend)
    shape = alt.Shape("model:N", scale=palette_scale({name: kind[1] for name, kind in kinds.items()}), legend=legend)
    span = base.mark_rule(color=QUIET, opacity=0.5).encode(x="min(titles):Q", x2="max(titles):Q", tooltip=[])
    return alt.layer(
        span, base.mark_point(filled=True, size=80, opacity=1).encode(color=colour, shape=shape)
    ).properties(height=alt.Step(26))


def _genres(items: Mapping[str, Item], item: str) -> tuple[str, ...]:
    return items[item].genres if item in items else ()


def overlaps(found: Sequence[Overlap]) -> Chart:
    """How many kept people keep how many titles of their top 10, after the run and in a model trained anew."""
    rows = [("after", round(10 * one.after)) for one in found]
    rows += [("reference", round(10 * one.reference)) for one in found if one.reference is not None]
    data = pd.DataFrame(rows, columns=["model", "stay"]).value_counts().reset_index(name="people")
    colours = {name: MODELS[name][0] for name in ("after", "reference")}
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
            color=alt.Color("model:N", scale=palette_scale(colours), legend=alt.Legend(orient="bottom", title=None)),
            tooltip=["model:N", "stay:O", "people:Q"],
        )
        .properties(height=280)
    )


def slopes(
    before: Sequence[Recommendation], after: Sequence[Recommendation], names: tuple[str, str] = ("before", "after")
) -> Chart:
    """Where each title of the list before went, and where each title of the list after came from."""
    sides = dict(zip(names, (before, after), strict=True))
    beyond = 1.4 + max(len(before), len(after))
    rows = []
    for item, title in {row.item: row.title for row in (*before, *after)}.items():
        change = move(item, before, after)
        for side, found in sides.items():
            rank = next((rank for rank, row in enumerate(found, 1) if row.item == item), None)
            rows.append(
                (
                    item,
                    title,
                    side,
                    rank or beyond,
                    change,
                    change if change in CHANGES else "stays in the list",
                    rank is not None,
                )
            )
    data = pd.DataFrame(rows, columns=["item", "title", "side", "rank", "change", "kind", "listed"])
    axis = alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False, labelFontWeight="bold")
    encodings = line_kinds("kind:N", CHANGES, 3)
    base = alt.Chart(data).encode(
        x=alt.X("side:N", sort=list(sides), title=None, scale=alt.Scale(padding=0.8), axis=axis),
        y=alt.Y("rank:Q", scale=alt.Scale(domain=[beyond + 0.2, 0.4], nice=False), axis=None),
        tooltip=["title:N", "change:N"],
    )
    titles = base.encode(text="title:N").transform_filter(alt.datum.listed)
    room = alt.expr("width * 0.3 - 14")
    return alt.layer(
        base.mark_line(strokeWidth=2, opacity=0.8).encode(detail="item:N", **encodings),
        base.mark_circle(size=50, opacity=1).encode(color=encodings["color"]).transform_filter(alt.datum.listed),
        titles.mark_text(align="right", dx=-10, fontSize=12, color=QUIET, limit=room).transform_filter(
            alt.datum.side == names[0]
        ),
        titles.mark_text(align="left", dx=10, fontSize=12, color=QUIET, limit=room).transform_filter(
            alt.datum.side == names[1]
        ),
    ).properties(height=400)
