"""Scores to circuits of edges: the strongest, or those met on the way down from the logits; nothing left hanging."""

import heapq

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from core.circuit.graph import destinations, paths, sources
from core.models.families import Anatomy


def top(parts: Anatomy, scores: Float[Tensor, "f b"], count: int, absolute: bool = True) -> Bool[Tensor, "f b"]:
    """The `count` edges of largest score, by strength or with their signs, less those on no path from input to logits."""
    ranks = _ranks(parts, scores, absolute).flatten()
    keep = torch.zeros_like(ranks, dtype=torch.bool)
    keep[ranks.argsort(descending=True, stable=True)[:count]] = True
    return connected(parts, keep.view_as(scores) & paths(parts))


def greedy(parts: Anatomy, scores: Float[Tensor, "f b"], count: int, absolute: bool = True) -> Bool[Tensor, "f b"]:
    """`count` edges, each the strongest of those that lead to a module already reached from the logits; then pruned."""
    possible, owner, ranks = paths(parts), owners(parts), _ranks(parts, scores, absolute)
    keep, reached = torch.zeros_like(possible), {len(scores)}
    heap = _into(len(scores), owner, possible, ranks)
    heapq.heapify(heap)
    for _ in range(min(count, int(possible.sum()))):
        _, row, column = heapq.heappop(heap)
        keep[row, column] = True
        if row not in reached:
            reached.add(row)
            for edge in _into(row, owner, possible, ranks):
                heapq.heappush(heap, edge)
    return connected(parts, keep)


def connected(parts: Anatomy, keep: Bool[Tensor, "f b"]) -> Bool[Tensor, "f b"]:
    """The edges on some path from the input to the logits."""
    count, owner = len(keep), owners(parts)
    fed, used = torch.zeros(count + 1, dtype=torch.bool), torch.zeros(count + 1, dtype=torch.bool)
    fed[0] = used[count] = True
    for row in range(1, count):
        fed[row] = keep[:, owner == row].any(1)[fed[:count]].any()
    for row in reversed(range(count)):
        used[row] = used[owner[keep[row]]].any()
    alive = fed & used
    return keep & alive[:count, None] & (alive | (torch.arange(count + 1) == count))[owner]


def owners(parts: Anatomy) -> Int[Tensor, " b"]:
    """The row of the module that each destination belongs to; the number of rows for the logits."""
    rows = {name: row for row, name in enumerate(sources(parts))}
    return torch.tensor([rows.get(name, len(rows)) for name, _ in destinations(parts)])


def _ranks(parts: Anatomy, scores: Tensor, absolute: bool) -> Tensor:
    return (scores.abs() if absolute else scores).masked_fill(~paths(parts), -torch.inf)


def _into(row: int, owner: Tensor, possible: Tensor, ranks: Tensor) -> list[tuple[float, int, int]]:
    """The edges into one module as (-rank, row, column)."""
    edges = (possible & (owner == row)).nonzero().tolist()
    return [(-ranks[source, column].item(), source, column) for source, column in edges]
