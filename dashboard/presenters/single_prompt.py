"""A single prompt's graph in sentences and as a table; pure functions without Streamlit."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from core.types import INPUT, LOGITS, AttributionGraph, Interaction, Item, NodeKey, PromptCircuit
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape, module_title
from dashboard.presenters.prompt_layout import touching

MOST_NODES, MOST_EDGES = 60, 90  # of an imported graph that are drawn


def effect_sentence(circuit: PromptCircuit, target: Interaction, items: Mapping[str, Item]) -> str:
    """Say, as Markdown, what the user answered and how far the history moves the model towards it."""
    effect = circuit.clean - circuit.corrupted
    return t(
        "prompt-sentence",
        user=escape(target.user),
        liked="yes" if target.liked else "no",
        title=escape(items[target.item].title),
        way="towards" if effect > 0 else "away",
        effect=f"{abs(effect):.2f}",
    )


def kept_sentence(circuit: PromptCircuit) -> str:
    """Say, as plain text, how much of the effect the drawn nodes and edges keep."""
    kept = sum(node.module not in (INPUT, LOGITS) for node in circuit.graph.nodes)
    share, edges = f"{circuit.faithfulness:.0%}", f"{circuit.edge_share:.0%}"
    sentence = t("prompt-kept", kept=kept, all=circuit.all_nodes, share=share, edges=edges)
    return sentence if circuit.is_faithful else f"{sentence} {t('prompt-not-whole')}"


def node_title(graph: AttributionGraph, key: NodeKey) -> str:
    """Name a node: its module, and the title where it writes."""
    return t("prompt-node-at", module=module_title(key[0]), title=graph.columns[key[1]])


def strongest_part(graph: AttributionGraph) -> AttributionGraph:
    """Return the graph with its `MOST_NODES` strongest modules and the `MOST_EDGES` strongest edges between them."""
    passes: dict[NodeKey, float] = defaultdict(float)
    for edge in graph.edges:
        passes[edge.source] += abs(edge.score)
        passes[edge.target] += abs(edge.score)
    inner = [node for node in graph.nodes if node.module not in (INPUT, LOGITS)]
    kept = set(sorted(inner, key=lambda node: -max(abs(node.score), passes[node.key]))[:MOST_NODES])
    keys = {node.key for node in graph.nodes if node in kept or node.module in (INPUT, LOGITS)}
    between = [edge for edge in graph.edges if edge.source in keys and edge.target in keys]
    edges = sorted(between, key=lambda edge: -abs(edge.score))[:MOST_EDGES]
    used = {key for edge in edges for key in (edge.source, edge.target)}
    nodes = tuple(node for node in graph.nodes if node in kept or node.key in used or node.module == LOGITS)
    return replace(graph, nodes=nodes, edges=tuple(edges))


def connections(graph: AttributionGraph, picked: NodeKey | None) -> pd.DataFrame:
    """The drawn edges, strongest first: all of them, or those of one node."""
    edges = touching(graph.edges, picked) if picked else graph.edges
    rows = [
        {
            t("prompt-edge-from"): node_title(graph, edge.source),
            t("prompt-edge-to"): node_title(graph, edge.target),
            t("circuit-edge-input"): ", ".join(filter(None, edge.by_input)),
            t("prompt-edge-support"): round(-edge.score, 4),
        }
        for edge in edges
    ]
    return pd.DataFrame(rows)
