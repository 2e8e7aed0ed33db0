"""Results as altair charts. Pure; colours for both themes, every mark with a tooltip, meaning never by colour alone."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from core.types import Circuit, Closeness, Group
from dashboard.palette import AFTER, COLOURS, QUIET
from dashboard.texts import t
from dashboard.words import module_title, place

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
SOLID, DASHED, DOTTED = [1, 0], [6, 4], [2, 3]
# Only what can be compared: the same loss on different people, not the objectives of a step.
LOSSES = {
    "forget_nll": ("forgotten data", COLOURS[Group.FORGET], SOLID),
    "validation_loss": ("everyone else, unseen", COLOURS[Group.RETAIN], DOTTED),
    "holdout_loss": ("strangers", QUIET, DASHED),
    "loss": ("training anew", COLOURS[Group.RETAIN], SOLID),
}
MODELS = {
    "before": (COLOURS[Group.FORGET], "triangle-up"),
    "after": (AFTER, "circle"),
    "reference": (QUIET, "square"),
    "item mean": (QUIET, "cross"),
}
PLACES = "titles back from the one asked for"
SIDES = {"supports the answer": AFTER, "speaks against it": "#A0692C"}


def palette_scale(values: Mapping) -> alt.Scale:
    """Each name with its colour, shape or dash."""
    return alt.Scale(domain=list(values), range=list(values.values()))


def line_kinds(field: str, kinds: Mapping[str, tuple], columns: int) -> dict:
    """Encodings of lines that differ by colour and dash, with one legend for both."""
    legend = alt.Legend(
        orient="bottom", title=None, columns=columns, symbolType="stroke", symbolSize=300, labelLimit=240
    )
    colours, dashes = ({name: kind[index] for name, kind in kinds.items()} for index in (0, 1))
    return {
        "color": alt.Color(field, scale=palette_scale(colours), legend=legend),
        "strokeDash": alt.StrokeDash(field, scale=palette_scale(dashes), legend=legend),
    }


# ---------------------------------------------------------------- circuit


def faithfulness(circuit: Circuit) -> Chart:
    """How much of the model's behaviour remains with only the strongest parts kept, and with random ones."""
    kinds = {"strongest parts": (COLOURS[Group.RETAIN], SOLID), "random parts": (QUIET, DASHED)}
    rows = [
        (point.modules, value, kind)
        for point in circuit.curve
        for kind, value in zip(kinds, (point.faithfulness, point.random), strict=True)
    ]
    lines = (
        alt.Chart(pd.DataFrame(rows, columns=["parts", "kept", "which"]))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("parts:Q", title="parts kept", axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y("kept:Q", title="behaviour that remains", axis=alt.Axis(format=".0%", tickCount=5)),
            tooltip=["which:N", "parts:Q", alt.Tooltip("kept:Q", format=".1%")],
            **line_kinds("which:N", kinds, 2),
        )
    )
    needed = f"needed: {circuit.threshold:.0%}"
    mark = alt.Chart(pd.DataFrame({"y": [circuit.threshold], "x": [len(circuit.members)], "name": [needed]}))
    rule = mark.mark_rule(strokeDash=DOTTED, color=QUIET)
    label = mark.mark_text(align="left", dx=4, dy=10, fontSize=11, color=QUIET)
    return alt.layer(
        rule.encode(y="y:Q"), rule.encode(x="x:Q"), lines, label.encode(x=alt.value(0), y="y:Q", text="name:N")
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
    data["side"] = [list(SIDES)[value < 0] for value in data["support"]]
    data["strength"] = data["support"].abs()
    reading = [names[0], *names[:1:-1], names[1]]
    return (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x=alt.X("place:N", sort=reading, title=PLACES, axis=alt.Axis(labelAngle=-45)),
            y=alt.Y("part:N", sort=None, title=None, axis=alt.Axis(labelLimit=160)),
            color=alt.Color("side:N", scale=palette_scale(SIDES), legend=alt.Legend(orient="bottom", title=None)),
            opacity=alt.Opacity("strength:Q", scale=alt.Scale(type="sqrt", range=[0, 1]), legend=None),
            tooltip=["part:N", "place:N", "side:N", alt.Tooltip("strength:Q", title="by, in logits", format=".3f")],
        )
        .properties(height=alt.Step(22))
    )


def reads(circuit: Circuit, module: str) -> alt.Chart:
    """Where in the prompt one part reads what moves the answer, titles counted back from the target."""
    column = circuit.modules.index(module)
    data = pd.DataFrame(
        [(place(slot), -row[column]) for slot, row in enumerate(circuit.reads)], columns=["place", "support"]
    )
    data["side"] = [list(SIDES)[value < 0] for value in data["support"]]
    names = list(data["place"])
    return (
        alt.Chart(data)
        .mark_bar()
        .encode(
            x=alt.X("place:N", sort=[names[0], *names[:1:-1], names[1]], title=None, axis=alt.Axis(labelAngle=-60)),
            y=alt.Y("support:Q", title=t("circuit-panel-reads-axis"), axis=alt.Axis(tickCount=3)),
            color=alt.Color("side:N", scale=palette_scale(SIDES), legend=None),
            tooltip=["place:N", "side:N", alt.Tooltip("support:Q", format=".3f")],
        )
        .properties(height=150)
    )


# ---------------------------------------------------------------- run


def losses(events: Sequence[dict]) -> alt.Chart | None:
    """The losses of the unlearning steps so far; None while there is none."""
    rows = [
        (event["step"], event[name], title)
        for event in events
        if event.get("kind") == "step"
        for name, (title, *_) in LOSSES.items()
        if event.get(name) is not None
    ]
    if not rows:
        return None
    found = {title for _, _, title in rows}
    return (
        alt.Chart(pd.DataFrame(rows, columns=["step", "loss", "measured on"]))
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30))
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(grid=False, tickMinStep=1)),
            y=alt.Y(
                "loss:Q", title="loss (higher: knows less)", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)
            ),
            tooltip=["measured on:N", "step:Q", alt.Tooltip("loss:Q", format=".3f")],
            **line_kinds("measured on:N", {t: (c, d) for t, c, d in LOSSES.values() if t in found}, 2),
        )
        .properties(height=300)
    )


# ---------------------------------------------------------------- before and after


def distance(closeness: Closeness, floor: Sequence[Closeness]) -> Chart:
    """The way from "did nothing" to "never saw it": where the unlearned model stands, and the references' own spread."""
    left = closeness.residual
    scale = alt.Scale(domain=[max(1.05, 1.05 * left), 0], nice=False)
    labels = 'datum.value == 1 ? "1: nothing done" : datum.value == 0 ? "0: no difference" : format(datum.value, ".1f")'
    axis = alt.Axis(values=[1, 0.8, 0.6, 0.4, 0.2, 0], labelExpr=labels, grid=False, labelFlush=True)
    x, line = alt.X("at:Q", scale=scale, title=None, axis=axis), alt.value(34)
    after = alt.Chart(pd.DataFrame({"at": [left], "to": [1.0], "name": [f"after: {left:.2f}"]})).encode(x=x, y=line)
    layers = [
        after.mark_rule(strokeWidth=4, color=AFTER).encode(x2="to:Q"),
        after.mark_circle(size=170, color=AFTER, opacity=1),
        after.mark_text(dy=-27, fontSize=12, fontWeight="bold", color=AFTER).encode(text="name:N"),
    ]
    if floor:
        found = [one.residual for one in floor]
        middle = sum(found) / len(found)
        data = pd.DataFrame(
            {"at": [max(found)], "to": [min(found)], "middle": [middle], "name": ["references among themselves"]}
        )
        band = alt.Chart(data).encode(tooltip=[alt.Tooltip("to:Q", format=".2f"), alt.Tooltip("at:Q", format=".2f")])
        area = band.mark_rect(color=QUIET, opacity=0.3, cornerRadius=3)
        name = band.mark_text(color=QUIET, fontSize=11).encode(x=alt.X("middle:Q", scale=scale), y=alt.value(66))
        layers[:0] = [area.encode(x=x, x2="to:Q", y=alt.value(14), y2=alt.value(54)), name.encode(text="name:N")]
    return alt.layer(*layers).properties(height=112)


def intervals(data: pd.DataFrame) -> Chart:
    """The models' values of one measure with their 95 % intervals (the table of `tables.intervals`), one row a model."""
    names = alt.Axis(grid=False, ticks=False, domain=False, labelOverlap=False, minExtent=62)
    low = alt.X("low:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4))
    base = alt.Chart(data).encode(
        y=alt.Y("model:N", sort=list(MODELS), title=None, axis=names),
        color=alt.Color("model:N", scale=palette_scale({name: kind[0] for name, kind in MODELS.items()}), legend=None),
        tooltip=["model:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("value", "low", "high"))],
    )
    shape = alt.Shape("model:N", scale=palette_scale({name: kind[1] for name, kind in MODELS.items()}), legend=None)
    rule = base.mark_rule(strokeWidth=2, opacity=0.5).encode(x=low, x2="high:Q")
    point = base.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("value:Q", title=None), shape=shape)
    return (rule + point).properties(height=150)
