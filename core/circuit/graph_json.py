"""Edge scores and circuits in the formats of other tools: EAP-IG's JSON and networkx.

EAP-IG scores an edge by the effect of corrupting it on a loss, this package by the effect on the metric, so signs are
flipped in its files.
"""

from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.circuit.graph import destinations, paths, sources
from core.errors import WorkspaceError
from core.models.families import Anatomy
from core.utils.serialization import read_json, write_json

ScoresAndMask = tuple[Float[Tensor, "sources destinations"], Bool[Tensor, "sources destinations"]]


def write_eap_ig(
    path: Path,
    parts: Anatomy,
    scores: Float[Tensor, "sources destinations"],
    keep: Bool[Tensor, "sources destinations"],
) -> None:
    """Write a file in the format of EAP-IG's `Graph.to_json`.

    Args:
        path: The file.
        parts: The model.
        scores: Score of each edge, in logits.
        keep: The edges of the circuit.
    """
    config = {"n_layers": len(parts.layers), "n_heads": parts.n_heads, "d_model": parts.d_model}
    nodes = {name: {"in_graph": bool(keep[row].any())} for row, name in enumerate(sources(parts))}
    edges = {
        name: {"score": -scores[index].item(), "in_graph": bool(keep[index])} for name, index in _edges(parts).items()
    }
    content = {"cfg": config | {"parallel_attn_mlp": parts.parallel}, "nodes": nodes | {"logits": {"in_graph": True}}}
    write_json(path.resolve(), content | {"edges": edges})


def read_eap_ig(path: Path, parts: Anatomy) -> ScoresAndMask:
    """Read (scores, keep) from a file of EAP-IG's `Graph.to_json`.

    Raises:
        WorkspaceError: The file is not JSON or belongs to another model.
    """
    edges, indices = read_json(path).get("edges", {}), _edges(parts)
    if edges.keys() != indices.keys():
        unmatched = min(edges.keys() ^ indices.keys())
        raise WorkspaceError(f"{path} is not of this model (edge {unmatched!r}): choose this model's file.")
    scores, keep = _empty(parts)
    for name, index in indices.items():
        scores[index], keep[index] = -edges[name]["score"], edges[name]["in_graph"]
    return scores, keep


def to_networkx(
    parts: Anatomy, scores: Float[Tensor, "sources destinations"], keep: Bool[Tensor, "sources destinations"]
) -> nx.MultiDiGraph:
    """The kept edges as a graph; edges between two heads are parallel, with their input q, k or v as the key."""
    names, targets = sources(parts), destinations(parts)
    result = nx.MultiDiGraph()
    result.add_nodes_from(("input", "logits"))
    for row, column in keep.nonzero().tolist():
        target, which = targets[column]
        result.add_edge(names[row], target, key=which, score=scores[row, column].item())
    return result


def from_networkx(parts: Anatomy, graph: nx.MultiDiGraph) -> ScoresAndMask:
    """(scores, keep) of a graph made by `to_networkx`; edges that are not in the graph have score zero."""
    indices = _edges(parts)
    scores, keep = _empty(parts)
    for source, target, which, score in graph.edges(keys=True, data="score"):
        index = indices[_name(source, target, which)]
        scores[index], keep[index] = score, True
    return scores, keep


def _empty(parts: Anatomy) -> ScoresAndMask:
    possible = paths(parts)
    return torch.zeros(possible.shape), torch.zeros_like(possible)


def _edges(parts: Anatomy) -> dict[str, tuple[int, int]]:
    """(row, column) of every possible edge by its name in EAP-IG."""
    return dict(_named(parts))


def _named(parts: Anatomy) -> Iterator[tuple[str, tuple[int, int]]]:
    names, targets = sources(parts), destinations(parts)
    for row, column in paths(parts).nonzero().tolist():
        yield _name(names[row], *targets[column]), (row, column)


def _name(source: str, target: str, which: str) -> str:
    return f"{source}->{target}<{which}>" if which else f"{source}->{target}"
