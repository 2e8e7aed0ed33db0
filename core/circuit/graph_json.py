"""Scores and circuits as other tools know them: EAP-IG's JSON and networkx.

EAP-IG scores an edge by what corrupting it does to a loss, we by what it does to the metric: in its files signs change.
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

Matrices = tuple[Float[Tensor, "f b"], Bool[Tensor, "f b"]]


def write_eap_ig(path: Path, parts: Anatomy, scores: Float[Tensor, "f b"], keep: Bool[Tensor, "f b"]) -> None:
    """Write all edges with their scores, and which of them the circuit keeps, as EAP-IG's `Graph.to_json` does."""
    config = {"n_layers": len(parts.layers), "n_heads": parts.n_heads, "d_model": parts.d_model}
    nodes = {name: {"in_graph": bool(keep[row].any())} for row, name in enumerate(sources(parts))}
    edges = {
        name: {"score": -scores[place].item(), "in_graph": bool(keep[place])} for name, place in _edges(parts).items()
    }
    content = {"cfg": config | {"parallel_attn_mlp": parts.parallel}, "nodes": nodes | {"logits": {"in_graph": True}}}
    write_json(path, content | {"edges": edges})


def read_eap_ig(path: Path, parts: Anatomy) -> Matrices:
    """(scores, keep) of a file of EAP-IG's `Graph.to_json`. Raises WorkspaceError where it is of another model."""
    edges, places = read_json(path).get("edges", {}), _edges(parts)
    if edges.keys() != places.keys():
        odd = min(edges.keys() ^ places.keys())
        raise WorkspaceError(f"{path} is not of this model (edge {odd!r}): choose the file that was made from it.")
    scores, keep = _empty(parts)
    for name, place in places.items():
        scores[place], keep[place] = -edges[name]["score"], edges[name]["in_graph"]
    return scores, keep


def to_networkx(parts: Anatomy, scores: Float[Tensor, "f b"], keep: Bool[Tensor, "f b"]) -> nx.MultiDiGraph:
    """The kept edges as a graph; q, k and v edges between two heads are parallel, keyed by their input."""
    names, targets = sources(parts), destinations(parts)
    result = nx.MultiDiGraph()
    result.add_nodes_from(("input", "logits"))
    for row, column in keep.nonzero().tolist():
        target, which = targets[column]
        result.add_edge(names[row], target, key=which, score=scores[row, column].item())
    return result


def from_networkx(parts: Anatomy, graph: nx.MultiDiGraph) -> Matrices:
    """(scores, keep) of a graph made by `to_networkx`; edges that it lacks score zero."""
    places = _edges(parts)
    scores, keep = _empty(parts)
    for source, target, which, score in graph.edges(keys=True, data="score"):
        place = places[_name(source, target, which)]
        scores[place], keep[place] = score, True
    return scores, keep


def _empty(parts: Anatomy) -> tuple[Tensor, Tensor]:
    possible = paths(parts)
    return torch.zeros(possible.shape), torch.zeros_like(possible)


def _edges(parts: Anatomy) -> dict[str, tuple[int, int]]:
    return dict(_named(parts))


def _named(parts: Anatomy) -> Iterator[tuple[str, tuple[int, int]]]:
    names, targets = sources(parts), destinations(parts)
    for row, column in paths(parts).nonzero().tolist():
        yield _name(names[row], *targets[column]), (row, column)


def _name(source: str, target: str, which: str) -> str:
    return f"{source}->{target}<{which}>" if which else f"{source}->{target}"
