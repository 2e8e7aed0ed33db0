"""A single prompt's graph in sentences and as a table; pure functions without Streamlit."""

from collections.abc import Mapping

import pandas as pd

from core.types import INPUT, LOGITS, AttributionGraph, Interaction, Item, NodeKey, PromptCircuit
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape, module_title
from dashboard.presenters.prompt_layout import touching


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
