"""Attribution graphs as graph JSON, the format of circuit-tracer and of Neuronpedia's graph viewer.

The published schema is hijohnnylin/neuronpedia: apps/webapp/app/api/graph/graph-schema.json; `transcoder_list` and
`sg_pos` are needed by circuit-tracer (circuit_tracer/frontend/graph_models.py). The fields hold:

    metadata.prompt_tokens   the parts of the prompt, one for each column
    nodes.layer              "E" for the input, the layer of a module, number of layers + 1 for the logits
    nodes.feature            the column of an input, the head of an attention head, -1 for an MLP, 0 for the logits
    nodes.feature_type       "embedding", "attention head", "mlp" or "logit"
    nodes.influence          share of all absolute scores that the nodes up to this one have, strongest first
    links.weight             score of an edge, in logits
    qParams.pinnedIds        the pinned nodes
    qParams.supernodes       a label and its nodes, for each supernode

Two fields are ours: `score` of a node, and `by_input` of a link, the scores of q, k and v that sum to its weight.
"""

import math
import re
from itertools import accumulate
from typing import Any

from core.errors import WorkspaceError
from core.types import INPUT, LOGITS, AttributionGraph, Circuit, GraphEdge, GraphNode, NodeKey, Supernode
from core.types.attribution_graph import merged

TYPES = {"embedding": INPUT, "logit": LOGITS, "attention head": "a{layer}.h{feature}", "mlp": "m{layer}"}
MOST_LAYERS = 1000  # of a graph that is read
GENERATOR = {"name": "CURE Lens"}


def to_graph_json(graph: AttributionGraph, token_prob: float = 0.0) -> dict[str, Any]:
    """The graph as the content of a graph JSON file.

    Args:
        graph: The graph.
        token_prob: Probability of the right answer, for the logits' node.
    """
    ids = {node.key: _node_id(node.key, graph.layers) for node in graph.nodes}
    metadata = {
        "slug": graph.name,
        "scan": graph.model,
        "transcoder_list": [],
        "prompt_tokens": list(graph.columns),
        "prompt": "\n".join(graph.columns),
        "info": {"description": graph.description, "generator": GENERATOR},
    }
    pinned = [ids[key] for key in graph.pinned]
    supernodes = [[one.label, *(ids[key] for key in one.nodes)] for one in graph.supernodes]
    view = {"pinnedIds": pinned, "supernodes": supernodes, "linkType": "both", "clickedId": "", "sg_pos": ""}
    links = [
        {"source": ids[edge.source], "target": ids[edge.target], "weight": edge.score, "by_input": edge.by_input}
        for edge in graph.edges
    ]
    return {"metadata": metadata, "qParams": view, "nodes": _nodes(graph, token_prob), "links": links}


def from_graph_json(content: dict[str, Any]) -> AttributionGraph:
    """The graph of a graph JSON file of attention heads and MLPs.

    Raises:
        WorkspaceError: A field is missing, or a node is of another kind, such as a transcoder's feature.
    """
    try:
        return _read(content)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WorkspaceError(f"The graph JSON cannot be read ({error!r}): export the graph again.") from error


def graph_name(*parts: str) -> str:
    """A name for a graph: letters, digits and hyphens, at most 80."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-")[:80]


def circuit_as_graph(circuit: Circuit, name: str, model: str, description: str = "") -> AttributionGraph:
    """The circuit of a run in one column, with its members pinned.

    Args:
        circuit: The circuit.
        name: Name of the graph.
        model: Name of the model.
        description: Which prompts it was found with.
    """
    nodes = [GraphNode(module, 0, score) for module, score in zip(circuit.modules, circuit.scores, strict=True)]
    ranked = sorted(nodes, key=lambda node: -abs(node.score))
    ends = GraphNode(INPUT, 0, 0.0), GraphNode(LOGITS, 0, 0.0)
    layers, pinned = sum(".h" not in module for module in circuit.modules), tuple((m, 0) for m in circuit.members)
    edges = sorted(merged(circuit.edges), key=lambda edge: -abs(edge.score))
    return AttributionGraph(name, model, layers, (description,), (*ranked, *ends), tuple(edges), pinned, description)


def _nodes(graph: AttributionGraph, token_prob: float) -> list[dict[str, Any]]:
    total = sum(abs(node.score) for node in graph.nodes) or 1.0
    influences = accumulate(abs(node.score) / total for node in graph.nodes)
    return [_node(node, influence, graph, token_prob) for node, influence in zip(graph.nodes, influences, strict=True)]


def _node(node: GraphNode, influence: float, graph: AttributionGraph, token_prob: float) -> dict[str, Any]:
    kind, layer, feature = _place(node.key, graph.layers)
    logits = node.module == LOGITS
    prefix = "L" if logits else layer
    return {
        "node_id": _node_id(node.key, graph.layers),
        "feature": feature,
        "layer": layer,
        "ctx_idx": node.column,
        "feature_type": kind,
        "token_prob": token_prob if logits else 0.0,
        "is_target_logit": logits,
        "run_idx": 0,
        "reverse_ctx_idx": 0,
        "jsNodeId": f"{prefix}_{feature}-{node.column}",
        "clerp": node.module,
        "influence": influence,
        "score": node.score,
    }


def _node_id(key: NodeKey, layers: int) -> str:
    _, layer, feature = _place(key, layers)
    return f"{layer}_{feature}_{key[1]}"


def _place(key: NodeKey, layers: int) -> tuple[str, str, int]:
    """feature_type, layer and feature of a node."""
    module, column = key
    if module == INPUT:
        return "embedding", "E", column
    if module == LOGITS:
        return "logit", str(layers + 1), 0
    layer, _, head = module[1:].partition(".h")
    return ("attention head", layer, int(head)) if head else ("mlp", layer, -1)


def _read(content: dict[str, Any]) -> AttributionGraph:
    metadata = content["metadata"]
    columns = tuple(map(str, metadata["prompt_tokens"]))
    nodes = {str(node["node_id"]): _read_node(node, len(columns)) for node in content["nodes"]}
    logits = next((int(node["layer"]) for node in content["nodes"] if node["feature_type"] == "logit"), None)
    if logits is None:
        raise WorkspaceError("The graph JSON has no node of type 'logit': export the graph with its prediction.")
    if not 1 < logits <= MOST_LAYERS:
        raise WorkspaceError(f"The 'logit' node of the graph JSON is in layer {logits}: choose 2 to {MOST_LAYERS}.")
    for name, node in nodes.items():
        if node.module not in (INPUT, LOGITS) and int(node.module[1:].partition(".")[0]) >= logits - 1:
            raise WorkspaceError(f"Node {name!r} of the graph JSON is above the last layer, {logits - 2}: correct it.")
    edges = (
        GraphEdge(
            nodes[link["source"]].key,
            nodes[link["target"]].key,
            {str(name): _finite(score) for name, score in link.get("by_input", {"": link["weight"]}).items()},
        )
        for link in content["links"]
    )
    return AttributionGraph(
        name=str(metadata["slug"]),
        model=str(metadata["scan"]),
        layers=logits - 1,
        columns=columns,
        nodes=tuple(nodes.values()),
        edges=tuple(edges),
        pinned=tuple(nodes[name].key for name in content["qParams"].get("pinnedIds", ())),
        description=str(metadata.get("info", {}).get("description", "")),
        supernodes=tuple(
            Supernode(str(label), tuple(nodes[name].key for name in members))
            for label, *members in content["qParams"].get("supernodes", ())
            if members
        ),
    )


def _read_node(node: dict[str, Any], columns: int) -> GraphNode:
    kind, column = node["feature_type"], int(node["ctx_idx"])
    name = f"Node {node['node_id']!r} of the graph JSON"
    if kind not in TYPES:
        raise WorkspaceError(f"{name} is of type {kind!r}: only {', '.join(TYPES)} can be read.")
    if not 0 <= column < columns:
        raise WorkspaceError(f"{name} has ctx_idx {column}: choose 0 to {columns - 1}.")
    module = TYPES[kind].format(layer=node["layer"], feature=node["feature"])
    if kind not in ("embedding", "logit") and not re.fullmatch(r"a\d+\.h\d+|m\d+", module):
        raise WorkspaceError(f"{name} has no layer and head: give both as numbers.")
    return GraphNode(module, column, _finite(node.get("score", 0.0)))


def _finite(score: float) -> float:
    if not math.isfinite(float(score)):
        raise WorkspaceError(f"A score of the graph JSON is {score}: give a finite number.")
    return float(score)
