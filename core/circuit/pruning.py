"""Edge scores to circuits of edges.

`top` keeps the strongest edges; `greedy` grows the circuit from the logits down (as in EAP-IG, Hanna et al. 2024, arXiv
2403.17806). Both drop edges that lie on no path from the input to the logits.
"""

import heapq

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from core.circuit.graph import destinations, paths, sources
from core.models.families import Anatomy

QueuedEdge = tuple[float, int, int]  # (-strength, row, column): a heap yields its smallest entry first


def top(
    parts: Anatomy, scores: Float[Tensor, "sources destinations"], count: int, absolute: bool = True
) -> Bool[Tensor, "sources destinations"]:
    """Mask of the `count` edges of largest score, without those on no path from the input to the logits.

    Args:
        parts: The model.
        scores: Score of each edge.
        count: Number of edges before edges on no path are dropped.
        absolute: Compare absolute scores; if False, signed ones.
    """
    strengths = _strengths(parts, scores, absolute).flatten()
    keep = torch.zeros_like(strengths, dtype=torch.bool)
    keep[strengths.argsort(descending=True, stable=True)[:count]] = True
    return connected(parts, keep.view_as(scores) & paths(parts))


def greedy(
    parts: Anatomy, scores: Float[Tensor, "sources destinations"], count: int, absolute: bool = True
) -> Bool[Tensor, "sources destinations"]:
    """Mask of `count` edges found from the logits down, without those on no path from the input to the logits.

    1. Begin with the edges into the logits.
    2. Take the strongest edge that is available; the edges into its source become available.
    3. Repeat until `count` edges are taken.

    Arguments are those of `top`.
    """
    possible, owner, strengths = paths(parts), owners(parts), _strengths(parts, scores, absolute)
    keep, reached = torch.zeros_like(possible), {len(scores)}
    heap = _edges_into(len(scores), owner, possible, strengths)
    heapq.heapify(heap)
    for _ in range(min(count, int(possible.sum()))):
        _, row, column = heapq.heappop(heap)
        keep[row, column] = True
        if row not in reached:
            reached.add(row)
            for edge in _edges_into(row, owner, possible, strengths):
                heapq.heappush(heap, edge)
    return connected(parts, keep)


def connected(parts: Anatomy, keep: Bool[Tensor, "sources destinations"]) -> Bool[Tensor, "sources destinations"]:
    """The edges of a mask that lie on some path of kept edges from the input to the logits."""
    count, owner = len(keep), owners(parts)
    from_input, to_logits = (torch.zeros(count + 1, dtype=torch.bool) for _ in range(2))
    from_input[0] = to_logits[count] = True
    for row in range(1, count):
        from_input[row] = keep[:, owner == row].any(1)[from_input[:count]].any()
    for row in reversed(range(count)):
        to_logits[row] = to_logits[owner[keep[row]]].any()
    alive = from_input & to_logits
    return keep & alive[:count, None] & (alive | (torch.arange(count + 1) == count))[owner]


def owners(parts: Anatomy) -> Int[Tensor, " b"]:
    """Row of the module that each destination belongs to; for the logits, the number of rows."""
    rows = {name: row for row, name in enumerate(sources(parts))}
    return torch.tensor([rows.get(name, len(rows)) for name, _ in destinations(parts)])


def _strengths(
    parts: Anatomy, scores: Float[Tensor, "sources destinations"], absolute: bool
) -> Float[Tensor, "sources destinations"]:
    return (scores.abs() if absolute else scores).masked_fill(~paths(parts), -torch.inf)


def _edges_into(row: int, owner: Tensor, possible: Tensor, strengths: Tensor) -> list[QueuedEdge]:
    """All possible edges into the module of a row."""
    edges = (possible & (owner == row)).nonzero().tolist()
    return [(-strengths[source, column].item(), source, column) for source, column in edges]
