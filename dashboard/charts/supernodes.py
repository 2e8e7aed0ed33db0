"""Chart of supernodes: the user history, the supernodes and the prediction, with their connections summed with sign."""

from collections.abc import Mapping, Sequence
from typing import cast

import altair as alt
import pandas as pd

from core.types import INPUT, LOGITS, Circuit
from dashboard.charts.circuit import sides
from dashboard.charts.encodings import Chart, scale_of, signed
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import module_title
from dashboard.presenters.supernodes import SupernodeEdge, effects, places, summed
from dashboard.presenters.theme import QUIET

ROW = 84  # pixels
STEPS = 16  # straight pieces of a curve
BOW = 0.12  # how far a line that passes a row swings out, as a share of the width, for each row


def supernodes(circuit: Circuit, found: Mapping[str, Sequence[str]]) -> Chart:
    """Draw the supernodes.

    Args:
        circuit: The circuit shown.
        found: Modules by label, as `presenters.supernodes.parsed` gives them.
    """
    spots = places(found)
    labels = [t("supernode-numbered", number=number, label=label) for number, label in enumerate(found, 1)]
    names = [module_title(INPUT), *labels, module_title(LOGITS)]
    top = spots[-1][1]
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[-0.5, top + 0.5], nice=False))
    edges = _edges(summed(circuit.edges, found), spots, names)
    nodes = _nodes(spots, names, [0.0, *effects(circuit, found), 0.0], [(), *found.values(), ()])
    layers = [layer.encode(x=x, y=y) for layer in (edges, *nodes)]
    return alt.layer(*layers).properties(height=ROW * (top + 1))


def _side(score: float) -> str:
    """Cutting what supports the prediction lowers the metric, so its score is negative."""
    return t("circuit-places-supports") if score <= 0 else t("circuit-places-against")


def _edges(edges: Sequence[SupernodeEdge], spots: Sequence[tuple[float, float]], names: Sequence[str]) -> alt.Chart:
    rows = [
        (*point, number, step, abs(edge.score), _side(edge.score), edge.count, names[edge.source], names[edge.target])
        for number, edge in enumerate(edges)
        for step, point in enumerate(_curve(spots[edge.source], spots[edge.target]))
    ]
    columns = ["x", "y", "edge", "step", "size", "side", "count", "source", "target"]
    count = alt.Tooltip("count:Q", title=t("supernode-column-connections"))
    chart = (
        alt.Chart(pd.DataFrame(rows, columns=columns))
        .mark_line(strokeCap="round", opacity=0.75, clip=False)
        .encode(order=alt.Order("step:Q"), **signed(sides(), (0.8, 8), count))
    )
    return cast(alt.Chart, chart)


def _curve(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """Points of a line, upright at both ends; one that passes rows swings out, away from the middle."""
    (left, low), (right, high) = start, end
    passed = abs(high - low) - 1
    away = BOW * min(passed, 3) * (1 if left + right >= 1 else -1) if passed > 0 else 0.0
    points = []
    for step in range(STEPS + 1):
        s = step / STEPS
        near, far = (1 - s) ** 2 * (1 + 2 * s), s**2 * (3 - 2 * s)
        points.append((near * left + far * right + 4 * s * (1 - s) * away, low + s * (high - low)))
    return points


def _nodes(
    spots: Sequence[tuple[float, float]],
    names: Sequence[str],
    scores: Sequence[float],
    modules: Sequence[Sequence[str]],
) -> tuple[alt.Chart, alt.Chart]:
    """Marks of the supernodes and of both ends, and their labels at the right."""
    rows = [
        (*spot, name, ", ".join(map(module_title, own)), abs(score), _side(score), "node" if own else "end")
        for spot, name, score, own in zip(spots, names, scores, modules, strict=True)
    ]
    base = alt.Chart(pd.DataFrame(rows, columns=["x", "y", "name", "modules", "size", "side", "kind"]))
    marks = base.mark_point(filled=True, opacity=1).encode(
        color=alt.Color("side:N", scale=scale_of(sides()), legend=None),
        shape=alt.Shape("kind:N", scale=scale_of({"node": "circle", "end": "square"}), legend=None),
        size=alt.Size("size:Q", scale=alt.Scale(range=[90, 500]), legend=None),
        tooltip=[
            alt.Tooltip("name:N", title=t("supernode-column-label")),
            alt.Tooltip("modules:N", title=t("supernode-column-modules")),
            alt.Tooltip("side:N", title=t("circuit-places-side")),
            alt.Tooltip("size:Q", title=t("circuit-places-strength"), format=".3f"),
        ],
    )
    labels = base.mark_text(align="left", dx=16, fontSize=13, limit=240, color=QUIET).encode(text=alt.Text("name:N"))
    return marks, labels
