"""Chart of a single prompt's graph: which module, at which title of the history, moves the answer."""

import json
from typing import Any, cast

import altair as alt
import pandas as pd

from core.types import INPUT, LOGITS, AttributionGraph, GraphEdge, GraphNode, NodeKey
from dashboard.charts.circuit import AGAINST
from dashboard.charts.encodings import Chart, scale_of, signed
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import module_title
from dashboard.presenters.prompt_layout import Layout, layout, touching
from dashboard.presenters.single_prompt import node_title
from dashboard.presenters.theme import AFTER, QUIET

ROW = 78  # pixels of a row
BELOW, ABOVE = 0.35, 0.4  # free room below the input and above the logits, in rows
TITLE = 120  # pixels for the titles below the columns
LONGEST = 26  # characters of a title below its column
LABELLED = 24  # nodes with their names beside them, the strongest first
WIDE = 600  # pixels of the drawing from which on names fit
FAINT = 0.2


def prompt_graph(graph: AttributionGraph, picked: NodeKey | None = None) -> Chart:
    """Draw the graph of one prompt; only what touches the picked node is in full colour.

    Args:
        graph: The graph.
        picked: A node.
    """
    places, top = layout(graph), graph.layers + 1
    across, up = ((0.0, places.width), (-BELOW - TITLE / ROW, top + ABOVE))
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=across, nice=False, zero=False))
    y = alt.Y("y:Q", axis=_rows(graph.layers), scale=alt.Scale(domain=up, nice=False))
    layers = [
        _bands(graph, places).encode(x=x, y=y),
        _edges(graph, places, picked).encode(x=x, y=y),
        *(layer.encode(x=x, y=y) for layer in _nodes(graph, places, picked)),
        _titles(graph, places).encode(x=x, y=y),
    ]
    return alt.layer(*layers).properties(height=ROW * (top + 1) + TITLE)


def _rows(layers: int) -> alt.Axis:
    """The names of the rows; no title stands in this expression, since a title may look like one."""
    names = {0: module_title(INPUT), layers + 1: module_title(LOGITS)}
    names |= {layer + 1: t("circuit-layer", layer=layer) for layer in range(layers)}
    label = f"{json.dumps(list(names.values()))}[indexof({json.dumps(list(names))}, datum.value)]"
    return alt.Axis(values=list(names), labelExpr=label, title=None, grid=False, ticks=False, domain=False)


def _titles(graph: AttributionGraph, places: Layout) -> alt.Chart:
    """The titles below the columns."""
    texts = [graph.columns[column.index] for column in places.columns]
    rows = [(column.middle, -BELOW, _short(text), text) for column, text in zip(places.columns, texts, strict=True)]
    chart = alt.Chart(pd.DataFrame(rows, columns=["x", "y", "short", "title"])).mark_text(
        angle=315, align="right", baseline="middle", fontSize=12, color=QUIET
    )
    return cast(
        alt.Chart, chart.encode(text=alt.Text("short:N"), tooltip=alt.Tooltip("title:N", title=t("prompt-column")))
    )


def _short(title: str) -> str:
    return title if len(title) <= LONGEST else title[: LONGEST - 1].rstrip() + "…"


def _bands(graph: AttributionGraph, places: Layout) -> alt.Chart:
    """Bands behind every second column, so that the eye keeps to a column."""
    rows = [(column.left, column.right, -BELOW + 0.1, graph.layers + 1 + ABOVE) for column in places.columns[::2]]
    chart = alt.Chart(pd.DataFrame(rows, columns=["x", "x2", "y", "y2"]))
    return cast(
        alt.Chart, chart.mark_rect(color=QUIET, opacity=0.09, aria=False).encode(x2=alt.X2("x2:Q"), y2=alt.Y2("y2:Q"))
    )


def _sides() -> dict[str, str]:
    return {t("prompt-supports"): AFTER, t("prompt-opposes"): AGAINST}


def _side(score: float) -> str:
    """Corrupting what supports the answer lowers the metric, so its score is negative."""
    return t("prompt-supports") if score <= 0 else t("prompt-opposes")


def _edges(graph: AttributionGraph, places: Layout, picked: NodeKey | None) -> alt.Chart:
    full = touching(graph.edges, picked) if picked else graph.edges
    rows: list[tuple[Any, ...]] = []
    for number, edge in enumerate(graph.edges):
        rest = (number, abs(edge.score), _side(edge.score), 1.0 if edge in full else FAINT, *_ends(graph, edge))
        rows += [(point, *place, *rest) for point, place in enumerate(places.curve(edge))]
    names = ["point", "x", "y", "edge", "size", "side", "opacity", "source", "target"]
    chart = (
        alt.Chart(pd.DataFrame(rows, columns=names))
        .mark_line(strokeCap="round", clip=False)
        .encode(
            order=alt.Order("point:Q"),
            opacity=alt.Opacity("opacity:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.75]), legend=None),
            **signed(_sides(), (0.4, 6)),
        )
    )
    return cast(alt.Chart, chart)


def _ends(graph: AttributionGraph, edge: GraphEdge) -> tuple[str, str]:
    return node_title(graph, edge.source), node_title(graph, edge.target)


def _nodes(graph: AttributionGraph, places: Layout, picked: NodeKey | None) -> tuple[alt.Chart, alt.Chart]:
    """Marks of the nodes, and their short names beside them."""
    ends = (end for edge in touching(graph.edges, picked) for end in (edge.source, edge.target)) if picked else ()
    near = {picked, *ends}
    rows = [
        _node(node, graph, places, number < LABELLED, picked is None or node.key in near)
        for number, node in enumerate(graph.nodes)
    ]
    columns = ["x", "y", "name", "module", "title", "side", "size", "opacity", "kind"]
    sides = _sides()
    kinds = {"end": "square", "head": "circle", "mlp": "diamond"}
    base = alt.Chart(pd.DataFrame(rows, columns=columns)).encode(
        opacity=alt.Opacity("opacity:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None)
    )
    marks = base.mark_point(filled=True).encode(
        color=alt.Color("side:N", scale=scale_of(sides), legend=None),
        shape=alt.Shape("kind:N", scale=scale_of(kinds), legend=None),
        size=alt.Size("size:Q", scale=alt.Scale(range=[40, 420]), legend=None),
        tooltip=[
            alt.Tooltip("module:N", title=t("circuit-places-module")),
            alt.Tooltip("title:N", title=t("prompt-column")),
            alt.Tooltip("side:N", title=t("circuit-places-side")),
            alt.Tooltip("size:Q", title=t("circuit-places-strength"), format=".3f"),
        ],
    )
    names = base.mark_text(align="left", dx=9, fontSize=11, color=QUIET).encode(
        text=alt.TextValue("", condition={"test": f"width > {WIDE}", "field": "name", "type": "nominal"})
    )
    return marks, names


def _node(node: GraphNode, graph: AttributionGraph, places: Layout, labelled: bool, full: bool) -> tuple[Any, ...]:
    end = node.module in (INPUT, LOGITS)
    kind = "end" if end else "head" if ".h" in node.module else "mlp"
    short = t("module-head-short", head=node.module.partition(".h")[2]) if kind == "head" else t("module-mlp-short")
    names = (short if labelled and not end else "", module_title(node.module), graph.columns[node.column])
    return (*places.places[node.key], *names, _side(node.score), abs(node.score), 1.0 if full else FAINT, kind)
