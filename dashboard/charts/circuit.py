"""The circuit as charts: whom its parts serve, whether it is enough, what its parts read."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from core.types import Circuit, Group, ModuleGroup
from dashboard.charts.encodings import DASHED, DOTTED, SOLID, Chart, groups_scale, lines, scale_of
from dashboard.palette import AFTER, COLOURS, QUIET, VEGA_SHAPES
from dashboard.texts import t
from dashboard.words import GROUP_NAMES, GROUP_WORDS, module_title, place

MARGIN = 0.15  # delta of method section 3: a ratio of one half plus or minus this counts as shared
AGAINST = "#A0692C"


def contributions(groups: Sequence[ModuleGroup], margin: float = MARGIN) -> Chart:
    """Each part's share for the forgotten data against its share for everyone else, with group regions and noise."""
    data = pd.DataFrame([_contribution(row) for row in groups])
    top = 1.2 * float(data[["forget", "retain"]].to_numpy().max()) or 1.0
    scale = alt.Scale(type="sqrt", domain=[0, top], nice=False)
    axis = alt.Axis(format=".0%", tickCount=5, grid=False)
    legend = alt.Legend(orient="bottom", title=None, columns=4, symbolOpacity=1)
    colour = alt.Color("group:N", scale=groups_scale(COLOURS), legend=legend)
    base = alt.Chart(data).encode(color=colour)
    left, high = alt.X("retain_low:Q", scale=scale), alt.Y("forget_high:Q", scale=scale)
    noise = base.mark_rule(opacity=0.45, clip=True).encode(x=left, x2="retain_high:Q", y=high, y2="forget_low:Q")
    points = base.mark_point(filled=True, clip=True).encode(
        opacity=alt.Opacity("sure:Q", scale=alt.Scale(domain=[0, 1], range=[0.2, 1]), legend=None),
        x=alt.X("retain:Q", scale=scale, axis=axis, title=t("groups-chart-retain-axis")),
        y=alt.Y("forget:Q", scale=scale, axis=axis, title=t("groups-chart-forget-axis")),
        shape=alt.Shape("group:N", scale=groups_scale(VEGA_SHAPES), legend=legend),
        size=alt.condition(alt.datum.group == GROUP_NAMES[Group.OUTSIDE], alt.value(25), alt.value(95)),
        tooltip=[
            alt.Tooltip("part:N", title=t("groups-chart-part")),
            alt.Tooltip("serves:N", title=t("groups-chart-serves")),
            alt.Tooltip("forget:Q", title=t("groups-chart-forget"), format=".2%"),
            alt.Tooltip("retain:Q", title=t("groups-chart-retain"), format=".2%"),
            alt.Tooltip("noise:Q", title=t("groups-chart-noise"), format=".2f"),
            alt.Tooltip("sure:Q", title=t("groups-chart-sure"), format=".0%"),
        ],
    )
    return alt.layer(*_regions(top, margin, scale), noise, points).properties(height=430)


def _contribution(row: ModuleGroup) -> dict:
    """Coordinates of one part; its noise runs along the line of equal total contribution."""
    total, low, high = row.forget + row.retain, max(0, row.ratio - row.noise), min(1, row.ratio + row.noise)
    return {
        "part": module_title(row.module),
        "group": GROUP_NAMES[row.group],
        "serves": GROUP_WORDS[row.group],
        "noise": row.noise,
        "sure": row.sure,
        "forget": row.forget,
        "retain": row.retain,
        "forget_low": total * low,
        "forget_high": total * high,
        "retain_low": total * (1 - high),
        "retain_high": total * (1 - low),
    }


def _regions(top: float, margin: float, scale: alt.Scale) -> list[alt.Chart]:
    """The three regions of the ratio as faint areas with their names."""
    steep = (0.5 + margin) / (0.5 - margin)
    bounds = {Group.FORGET: (steep, steep), Group.SHARED: (1 / steep, steep), Group.RETAIN: (0, 1 / steep)}
    places = {Group.FORGET: (0.26, 0.93), Group.SHARED: (0.985, 0.93), Group.RETAIN: (0.985, 0.02)}
    layers = []
    for group, (low, high) in bounds.items():
        first = steep * top if group is Group.FORGET else 0.0
        area = pd.DataFrame({"x": [0, top], "low": [0, low * top], "high": [first, high * top]})
        name = pd.DataFrame(
            {"x": [places[group][0] * top], "low": [places[group][1] * top], "name": [GROUP_NAMES[group]]}
        )
        x, y = alt.X("x:Q", scale=scale), alt.Y("low:Q", scale=scale, stack=None)
        mark = alt.Chart(area).mark_area(color=COLOURS[group], opacity=0.08, clip=True)
        text = alt.Chart(name).mark_text(align="right", fontSize=11, color=QUIET, clip=True)
        layers += [mark.encode(x=x, y=y, y2="high:Q"), text.encode(x=x, y=y, text="name:N")]
    return layers


def faithfulness(circuit: Circuit) -> Chart:
    """How much of the model's behaviour remains with only the strongest parts kept, and with random ones."""
    kinds = {
        t("circuit-curve-strongest"): (COLOURS[Group.RETAIN], SOLID),
        t("circuit-curve-random"): (QUIET, DASHED),
    }
    rows = [
        (point.modules, value, kind)
        for point in circuit.curve
        for kind, value in zip(kinds, (point.faithfulness, point.random), strict=True)
    ]
    curves = (
        alt.Chart(pd.DataFrame(rows, columns=["parts", "kept", "which"]))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("parts:Q", title=t("circuit-curve-parts"), axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y("kept:Q", title=t("circuit-curve-kept"), axis=alt.Axis(format=".0%", tickCount=5)),
            tooltip=[
                alt.Tooltip("which:N", title=t("circuit-curve-which")),
                alt.Tooltip("parts:Q", title=t("circuit-curve-parts")),
                alt.Tooltip("kept:Q", title=t("circuit-curve-kept"), format=".1%"),
            ],
            **lines("which:N", kinds, 2),
        )
    )
    needed = t("circuit-curve-needed", share=f"{circuit.threshold:.0%}")
    mark = alt.Chart(pd.DataFrame({"y": [circuit.threshold], "x": [len(circuit.members)], "name": [needed]}))
    rule = mark.mark_rule(strokeDash=DOTTED, color=QUIET)
    label = mark.mark_text(align="left", dx=4, dy=10, fontSize=11, color=QUIET)
    return alt.layer(
        rule.encode(y="y:Q"), rule.encode(x="x:Q"), curves, label.encode(x=alt.value(0), y="y:Q", text="name:N")
    ).properties(height=280)


def places(circuit: Circuit, parts: int) -> alt.Chart:
    """Where in the prompt the strongest parts read what moves the answer, titles counted back from the target."""
    strongest = sorted(circuit.members, key=lambda name: -abs(circuit.scores[circuit.modules.index(name)]))[:parts]
    names = [place(slot) for slot in range(len(circuit.reads))]
    rows = [
        (module_title(name), names[slot], -reads[circuit.modules.index(name)])
        for name in strongest
        for slot, reads in enumerate(circuit.reads)
    ]
    data = pd.DataFrame(rows, columns=["part", "place", "support"])
    sides = {t("circuit-places-supports"): AFTER, t("circuit-places-against"): AGAINST}
    data["side"] = [list(sides)[value < 0] for value in data["support"]]
    data["strength"] = data["support"].abs()
    reading = [names[0], *names[:1:-1], names[1]]
    return (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x=alt.X("place:N", sort=reading, title=t("circuit-places-axis"), axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("part:N", sort=None, title=None, axis=alt.Axis(labelLimit=160)),
            color=alt.Color("side:N", scale=scale_of(sides), legend=alt.Legend(orient="bottom", title=None)),
            opacity=alt.Opacity("strength:Q", scale=alt.Scale(type="sqrt", range=[0, 1]), legend=None),
            tooltip=[
                alt.Tooltip("part:N", title=t("circuit-places-part")),
                alt.Tooltip("place:N", title=t("circuit-places-place")),
                alt.Tooltip("side:N", title=t("circuit-places-side")),
                alt.Tooltip("strength:Q", title=t("circuit-places-strength"), format=".3f"),
            ],
        )
        .properties(height=alt.Step(22))
    )
