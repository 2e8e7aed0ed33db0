"""Charts of a circuit: its faithfulness, what its modules read, and the memory contrast."""

from collections.abc import Sequence
from typing import cast

import altair as alt
import pandas as pd

from core.types import Circuit, Group, MemoryContrast
from dashboard.charts.encodings import DASHED, DOTTED, SOLID, Chart, groups_scale, lines, scale_of
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, module_title, position_name
from dashboard.presenters.theme import AFTER, COLOURS, QUIET

AGAINST = "#A0692C"


def faithfulness(circuit: Circuit) -> Chart:
    """Draw the behaviour that remains by the number of modules kept, for the strongest and for random modules."""
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
        alt.Chart(pd.DataFrame(rows, columns=["modules", "kept", "which"]))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("modules:Q", title=t("circuit-curve-modules"), axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y("kept:Q", title=t("circuit-curve-kept"), axis=alt.Axis(format=".0%", tickCount=5)),
            tooltip=[
                alt.Tooltip("which:N", title=t("circuit-curve-which")),
                alt.Tooltip("modules:Q", title=t("circuit-curve-modules")),
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
        rule.encode(y=alt.Y("y:Q")),
        rule.encode(x=alt.X("x:Q")),
        curves,
        label.encode(x=alt.XValue(0), y=alt.Y("y:Q"), text=alt.Text("name:N")),
    ).properties(height=280)


def memory(modules: Sequence[MemoryContrast], count: int) -> Chart:
    """Draw the memory contrast of the `count` modules with the largest contrast, with 95 % intervals."""
    strongest = sorted((row for row in modules if row.has_lora), key=lambda row: -abs(row.contrast))[:count]
    rows = [
        (
            module_title(row.module),
            GROUP_NAMES[row.group],
            row.contrast,
            row.contrast - row.contrast_noise,
            row.contrast + row.contrast_noise,
        )
        for row in sorted(strongest, key=lambda row: -row.contrast)
    ]
    base = alt.Chart(pd.DataFrame(rows, columns=["module", "group", "contrast", "low", "high"])).encode(
        y=alt.Y(
            "module:N",
            sort=None,
            title=None,
            scale=alt.Scale(padding=1),
            axis=alt.Axis(grid=False, ticks=False, domain=False, labelLimit=160),
        ),
        color=alt.Color(
            "group:N", scale=groups_scale(COLOURS), legend=alt.Legend(orient="bottom", title=None, columns=2)
        ),
        tooltip=[
            alt.Tooltip("module:N", title=t("memory-module")),
            alt.Tooltip("group:N", title=t("memory-group")),
            alt.Tooltip("contrast:Q", title=t("memory-contrast"), format="+.3f"),
            alt.Tooltip("low:Q", title=t("before-after-interval-low"), format="+.3f"),
            alt.Tooltip("high:Q", title=t("before-after-interval-high"), format="+.3f"),
        ],
    )
    zero = (
        alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(color=QUIET, strokeDash=DOTTED, aria=False).encode(x=alt.X("x:Q"))
    )
    span = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=t("memory-contrast"), axis=alt.Axis(tickCount=6)), x2=alt.X2("high:Q")
    )
    return alt.layer(
        zero, span, base.mark_point(size=70, filled=True, opacity=1).encode(x=alt.X("contrast:Q"))
    ).properties(height=alt.Step(20))


def places(circuit: Circuit, count: int) -> alt.Chart:
    """Draw the positions of the prompt that the `count` strongest modules read; titles count back from the target."""
    scores = circuit.score_by_module
    strongest = sorted(circuit.members, key=lambda name: -abs(scores[name]))[:count]
    names = [position_name(slot) for slot in range(len(circuit.reads))]
    rows = [
        (module_title(name), names[slot], -reads[circuit.modules.index(name)])
        for name in strongest
        for slot, reads in enumerate(circuit.reads)
    ]
    data = pd.DataFrame(rows, columns=["module", "place", "support"])
    colours, legend = sides(), alt.Legend(orient="bottom", title=None, columns=1)
    data["side"] = [list(colours)[value < 0] for value in data["support"]]
    data["strength"] = data["support"].abs()
    reading = [names[0], *names[:1:-1], names[1]]
    chart = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x=alt.X("place:N", sort=reading, title=t("circuit-places-axis"), axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("module:N", sort=None, title=None, axis=alt.Axis(labelLimit=160)),
            color=alt.Color("side:N", scale=scale_of(colours), legend=legend),
            opacity=alt.Opacity("strength:Q", scale=alt.Scale(type="sqrt", range=[0, 1]), legend=None),
            tooltip=[
                alt.Tooltip("module:N", title=t("circuit-places-module")),
                alt.Tooltip("place:N", title=t("circuit-places-place")),
                alt.Tooltip("side:N", title=t("circuit-places-side")),
                alt.Tooltip("strength:Q", title=t("circuit-places-strength"), format=".3f"),
            ],
        )
        .properties(height=alt.Step(22))
    )
    return cast(alt.Chart, chart)


def reads(circuit: Circuit, module: str) -> alt.Chart:
    """Draw the positions of the prompt that one module reads; titles count back from the target title."""
    column = circuit.modules.index(module)
    data = pd.DataFrame(
        [(position_name(slot), -row[column]) for slot, row in enumerate(circuit.reads)], columns=["place", "support"]
    )
    colours = sides()
    data["side"] = [list(colours)[value < 0] for value in data["support"]]
    names = list(data["place"])
    chart = (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("place:N", sort=[names[0], *names[:1:-1], names[1]], title=None, axis=alt.Axis(labelAngle=-60)),
            y=alt.Y("support:Q", title=t("circuit-panel-reads-axis"), axis=alt.Axis(tickCount=3)),
            color=alt.Color("side:N", scale=scale_of(colours), legend=None),
            tooltip=[
                alt.Tooltip("place:N", title=t("circuit-places-place")),
                alt.Tooltip("side:N", title=t("circuit-places-side")),
                alt.Tooltip("support:Q", title=t("circuit-places-strength"), format=".3f"),
            ],
        )
        .properties(height=190)
    )
    return cast(alt.Chart, chart)


def sides() -> dict[str, str]:
    """Return the colour of reading that supports or opposes the prediction."""
    return {t("circuit-places-supports"): AFTER, t("circuit-places-against"): AGAINST}
