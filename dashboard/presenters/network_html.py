"""A circuit as a network to rearrange: one stand-alone HTML page of pyvis, in which modules can be dragged.

The page Circuit draws with fixed places; here a presenter lays out the modules that a talk is about. At first layers go
up, heads go across, and the MLP stands at the right end of its row. Tags that load from a CDN are removed, a content
security policy blocks all other requests, and node ids are integers, so that no name reaches the page as HTML.
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import networkx as nx
from pyvis.network import Network

from core.types import Group, ModuleGroup
from dashboard.presenters.circuit_html import POLICY, embedded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, module_title
from dashboard.presenters.theme import COLOURS, LIGHT, OPPOSES, SUPPORTS, VIS_SHAPES

REMOTE = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=[^>]*>(?:\s*</script>)?", re.IGNORECASE)
LABELLED = 150  # in a larger graph, only modules inside a group are labelled
OPTIONS = """{"physics": {"enabled": false},
 "interaction": {"hover": true, "tooltipDelay": 80, "dragNodes": true, "dragView": false, "zoomView": false}}"""
BENDS = 5  # roundings, so that connections between the same layers lie side by side

# Scales the positions (0 to 1) to the size of the frame. Zoom works in full screen only, because elsewhere it would
# capture the scrolling of the page.
SCRIPT = """
<button id="full" type="button"></button>
<script>
function place() {
  const w = innerWidth, h = innerHeight;
  const k = Math.min(1.3, (w - 70) / COLUMNS / 62, (h - 60) / ROWS / 62);
  nodes.update(nodes.get().map(n => ({id: n.id,
    x: 40 + n.across * (w - 70) - w / 2, y: h - 30 - n.up * (h - 60) - h / 2,
    size: Math.max(2, n.radius * k)})));
  network.moveTo({position: {x: 0, y: 0}, scale: 1});
}
function free() {
  const on = !!document.fullscreenElement;
  network.setOptions({interaction: {dragView: on, zoomView: on}});
  document.getElementById('full').textContent = on ? LEAVE : FULL;
}
addEventListener('resize', place);
document.addEventListener('fullscreenchange', free);
document.getElementById('full').onclick = () =>
  document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
place();
free();
</script>
"""
STYLE = """<style>
html, body {{ margin: 0; height: 100%; overflow: hidden; background: {back}; font-family: sans-serif; }}
.card, #mynetwork {{ width: 100% !important; height: 100vh !important; border: 0 !important; float: none !important; }}
div.vis-tooltip {{ background: {back}; color: {ink}; border: 1px solid {quiet}; border-radius: 6px; padding: 6px 10px;
  font: 13px/1.4 sans-serif; white-space: pre; box-shadow: none; }}
#full {{ position: fixed; right: 8px; top: 8px; font: 12px sans-serif; color: {ink}; background: {back};
  border: 1px solid {quiet}; border-radius: 6px; padding: 4px 8px; cursor: pointer; }}
h1 {{ display: none; }}
</style>"""


def page(graph: nx.MultiDiGraph, groups: tuple[ModuleGroup, ...], edges: int) -> str:
    """Draw a circuit graph as one HTML page, light as the page of the explorer that is saved beside it.

    Args:
        graph: Nodes with kind, layer and score; edges with input and score (`core.circuit.graph`).
        groups: Group of each module.
        edges: Number of connections drawn, the strongest; q, k and v of one pair of modules count as one.

    Returns:
        The HTML document.
    """
    ids = {name: index for index, name in enumerate(graph)}
    network = Network(cdn_resources="in_line", bgcolor=LIGHT.back)
    columns, rows = _add_nodes(network, graph, {group.module: group for group in groups})
    _add_edges(network, pairs(graph)[:edges], ids)
    network.set_options(OPTIONS)
    return offline(network.generate_html(), columns, rows)


def pairs(graph: nx.MultiDiGraph) -> list[tuple[str, str, dict[str, float]]]:
    """List (source, target, score per input) of each connected pair, strongest first."""
    connected: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for source, target, data in graph.edges(data=True):
        connected[source, target][data["input"]] = data["score"]
    return sorted(((*pair, scores) for pair, scores in connected.items()), key=lambda row: -strength(row[2]))


def strength(scores: dict[str, float]) -> float:
    """Return the strength of a pair, the sum of its absolute scores."""
    return sum(map(abs, scores.values()))


def offline(html: str, columns: int, rows: int) -> str:
    """Remove the remote tags of pyvis and add the policy, the style and the script that fits the graph to its frame.

    Raises:
        RuntimeError: A remote tag is left, because pyvis has changed its template.
    """
    html = REMOTE.sub("", html)
    head = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    html = html.replace("<html>", '<html lang="en">', 1)
    html = html.replace("<head>", f"<!-- CURE Lens --><head>{head}<title>CURE Lens</title>", 1)
    html = html.replace("</head>", STYLE.format(back=LIGHT.back, ink=LIGHT.ink, quiet=LIGHT.quiet) + "</head>", 1)
    values = {
        "COLUMNS": columns,
        "ROWS": rows,
        "LEAVE": t("circuit-explorer-leave-full"),
        "FULL": t("circuit-explorer-full"),
    }
    shown = {name: embedded(value) for name, value in values.items()}
    script = re.sub("|".join(shown), lambda name: shown[name[0]], SCRIPT)
    html = "<!doctype html>" + html.replace("</body>", script + "</body>", 1)
    if REMOTE.search(html):
        raise RuntimeError(
            "The HTML of the circuit links to the network: adapt dashboard/presenters/network_html.py to this pyvis."
        )
    return html


def _add_nodes(network: Network, graph: nx.MultiDiGraph, groups: dict[str, ModuleGroup]) -> tuple[int, int]:
    """Add every node with its position as a share of the frame; return (columns, rows) of the grid."""
    layers = max(data["layer"] for _, data in graph.nodes(data=True))
    heads = max((_head(name) for name, data in graph.nodes(data=True) if data["kind"] == "head"), default=0) + 1
    columns, rows = heads + 2, layers + 2
    top = max((abs(data["score"]) for _, data in graph.nodes(data=True)), default=0) or 1
    many = len(graph) > LABELLED
    for index, (name, data) in enumerate(graph.nodes(data=True)):
        group = groups[name].group if name in groups else Group.OUTSIDE
        column = (
            1 + _head(name) if data["kind"] == "head" else heads + 1.3 if data["kind"] == "mlp" else (heads + 1) / 2
        )
        ends = data["kind"] in ("input", "logits")
        network.add_node(
            index,
            label=_label(name, data["kind"]) if ends or not many or group is not Group.OUTSIDE else " ",
            title=_tooltip(name, data, groups.get(name)),
            shape="box" if ends else VIS_SHAPES[group],
            color=LIGHT.back if ends else _fill(group, groups.get(name)),
            font={
                "color": LIGHT.ink if ends else LIGHT.quiet,
                "size": 13 if ends else 11,
                "vadjust": 0 if ends else -4,
                "strokeWidth": 3,
                "strokeColor": LIGHT.back,
            },
            across=column / (columns - 0.5),
            up=(data["layer"] + 1) / (layers + 1),
            radius=5 if group is Group.OUTSIDE else 7 + 15 * math.sqrt(abs(data["score"]) / top),
        )
    for layer in range(layers):
        network.add_node(
            len(graph) + layer,
            label=t("circuit-layer", layer=layer),
            shape="text",
            across=0,
            up=(layer + 1) / (layers + 1),
            radius=1,
            font={"color": LIGHT.quiet, "size": 12},
        )
    return columns, rows


def _add_edges(
    network: Network,
    shown: Sequence[tuple[str, str, dict[str, float]]],
    ids: dict[str, int],
) -> None:
    """Add curved lines: width and opacity show the strength, colour and dashes the sign of the sum of the scores."""
    top = strength(shown[0][2]) if shown else 1.0
    for index, (source, target, scores) in reversed(list(enumerate(shown))):
        share, opposes = strength(scores) / (top or 1.0), sum(scores.values()) > 0
        colour, _ = OPPOSES if opposes else SUPPORTS
        reads = ", ".join(f"{name or t('circuit-graph-reads')} {score:+.3f}" for name, score in scores.items())
        ends = t("circuit-connection-title", source=module_title(source), target=module_title(target))
        network.add_edge(
            ids[source],
            ids[target],
            width=0.6 + 3.4 * share,
            title=_plain(f"{ends}\n{reads}"),
            color={"color": colour, "opacity": 0.25 + 0.65 * share, "hover": colour, "highlight": colour},
            dashes=opposes,
            smooth={"type": "curvedCW", "roundness": 0.08 + 0.22 * (index % BENDS) / BENDS},
        )


def _fill(group: Group, row: ModuleGroup | None) -> dict[str, str]:
    """Return the outline in the group's colour, and a fill that is paler for a less certain group."""
    colour, certainty = COLOURS[group], row.membership_probability if row else 1.0
    channels = zip(_rgb(colour), _rgb(LIGHT.back), strict=True)
    fill = "#" + "".join(f"{round(certainty * own + (1 - certainty) * back):02X}" for own, back in channels)
    return {"border": colour, "background": fill}


def _rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def _head(name: str) -> int:
    return int(name.rpartition(".h")[2])


def _label(name: str, kind: str) -> str:
    if kind == "head":
        return t("module-head-short", head=_head(name))
    return t("module-mlp-short") if kind == "mlp" else module_title(name)


def _tooltip(name: str, data: dict[str, Any], group: ModuleGroup | None) -> str:
    lines = [module_title(name)]
    if group:
        lines += [
            t("circuit-graph-group", group=GROUP_NAMES[group.group], certainty=f"{group.membership_probability:.0%}"),
            t("circuit-graph-effect", score=f"{data['score']:+.3f}"),
            t("circuit-graph-shares", forget=f"{group.forget:.1%}", retain=f"{group.retain:.1%}"),
        ]
    return _plain("\n".join(lines))


def _plain(title: str) -> str:
    """Break the word "href" with an invisible joiner, because pyvis turns a tooltip that holds it into HTML."""
    return title.replace("href", "h\u2060ref")
