"""Order and names of the rows and columns of edge matrices, and the circuit as a networkx graph.

A source writes to the residual stream, a destination reads from it, and an edge connects a source to a later
destination. Names and order are those of EAP-IG (Hanna et al. 2024, arXiv 2403.17806; github.com/hannamw/EAP-IG), so
that score matrices can be exchanged:

    sources (rows)           "input", then for each layer the heads "a0.h0", "a0.h1", ... and the MLP "m0"
    destinations (columns)   for each layer all heads' q, all k, all v, then the MLP; last the logits
"""

import networkx as nx
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.models.families import Anatomy
from core.types import Circuit, Edge

INPUTS = "qkv"


def sources(parts: Anatomy) -> tuple[str, ...]:
    """Names of the F = 1 + L(H + 1) sources, the rows of an edge matrix."""
    return ("input", *parts.modules)


def destinations(parts: Anatomy) -> tuple[tuple[str, str], ...]:
    """(name, input) of the B = L(3H + 1) + 1 destinations, the columns of an edge matrix.

    input is "q", "k" or "v" for heads and "" for MLPs and the logits.
    """
    names = []
    for layer in range(len(parts.layers)):
        names += [(f"a{layer}.h{head}", which) for which in INPUTS for head in range(parts.n_heads)]
        names.append((f"m{layer}", ""))
    return (*names, ("logits", ""))


def source_rows(parts: Anatomy, layer: int) -> slice:
    """Rows of the heads of a layer; the row after them is its MLP, the rows before them are all earlier sources."""
    start = 1 + layer * (parts.n_heads + 1)
    return slice(start, start + parts.n_heads)


def destination_columns(parts: Anatomy, layer: int) -> slice:
    """Columns of the q, k and v of a layer; the column after them is its MLP."""
    start = layer * (3 * parts.n_heads + 1)
    return slice(start, start + 3 * parts.n_heads)


def mlp_sources(parts: Anatomy, layer: int) -> int:
    """Number of sources, from the first, that a layer's MLP reads: includes its heads unless they run in parallel."""
    rows = source_rows(parts, layer)
    return int(rows.start if parts.parallel else rows.stop)


def paths(parts: Anatomy) -> Bool[Tensor, "sources destinations"]:
    """Mask of the edges that can exist: those from a source to a later destination."""
    mask = torch.zeros(len(sources(parts)), len(destinations(parts)), dtype=torch.bool)
    for layer in range(len(parts.layers)):
        columns = destination_columns(parts, layer)
        mask[: source_rows(parts, layer).start, columns] = True
        mask[: mlp_sources(parts, layer), columns.stop] = True
    mask[:, -1] = True
    return mask


def strongest(parts: Anatomy, scores: Float[Tensor, "sources destinations"], count: int) -> tuple[Edge, ...]:
    """The `count` edges of largest absolute score, strongest first, without edges of score zero."""
    names, targets = sources(parts), destinations(parts)
    flat = scores.flatten()
    order = torch.argsort(flat.abs(), descending=True, stable=True)[:count].tolist()
    edges = []
    for index in order:
        row, column = divmod(index, len(targets))
        edges.append(Edge(names[row], targets[column][0], targets[column][1], flat[index].item()))
    return tuple(edge for edge in edges if edge.score)


def circuit_graph(circuit: Circuit) -> nx.MultiDiGraph:
    """The circuit as a networkx graph; edges between two heads are parallel, with their input q, k or v as the key.

    Returns:
        Nodes have the attributes layer (-1 for the input, the number of layers for the logits), kind ("input",
        "head", "mlp" or "logits"), score (in logits; 0 for input and logits) and member (of the circuit).
        Edges have the attributes input and score.
    """
    result = nx.MultiDiGraph()
    members = set(circuit.members)
    layers = 1 + max(layer_of(name) for name in circuit.modules)
    result.add_node("input", layer=-1, kind="input", score=0.0, member=True)
    for name, score in zip(circuit.modules, circuit.scores, strict=True):
        kind = "mlp" if name.startswith("m") else "head"
        result.add_node(name, layer=layer_of(name), kind=kind, score=score, member=name in members)
    result.add_node("logits", layer=layers, kind="logits", score=0.0, member=True)
    for edge in circuit.edges:
        result.add_edge(edge.source, edge.target, key=edge.input, input=edge.input, score=edge.score)
    return result


def layer_of(module: str) -> int:
    """Layer of a module, of which "a3.h1" and "m3" are names."""
    return int(module[1:].split(".")[0])
