"""The graph of a single prompt: which module, at which part of the prompt, moves the answer, and through what.

A node is a module at one part of the prompt (an item of the history, the target or the instruction). An edge runs from
a node to a later module that reads there and writes at the same or a later part.

1. Score each edge between parts by EAP-IG (`attribution.py`, `slot_gradients.py`). Summed over parts, these are the
   edge scores of `attribution.attribute_pairs`; the outgoing edges of a node sum to its score.
2. Rank the nodes by absolute score. For prefixes of the ranking, run the prompt with all other nodes corrupted
   (`patching.run_node_circuits`): the faithfulness is exact.
3. `prune` keeps a prefix, each node's strongest edge, and the strongest other edges.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.attribution import (
    ATTRIBUTION_RULES,
    activation_caches,
    activation_difference,
    add_token_scores,
)
from core.circuit.gradients import Gradients
from core.circuit.graph import destinations, paths, sources
from core.circuit.head_weights import head_weights, stream
from core.circuit.hooks import ActivationCache
from core.circuit.patching import run_node_circuits
from core.circuit.prompt_pairs import PairBatch, PromptPair, batches
from core.circuit.slot_gradients import compute_slot_gradients
from core.errors import RunError
from core.models.families import Anatomy, anatomy
from core.types.attribution_graph import (
    LOGITS,
    TOLERANCE,
    AttributionGraph,
    GraphEdge,
    GraphNode,
    NodeKey,
    PromptCircuit,
)

SIZES = (5, 10, 15, 20, 30, 40, 60, 80, 120, 180, 270, 400)  # prefixes whose faithfulness is measured
READABLE = 60  # nodes that a drawing of the whole prompt can show
EDGES_PER_NODE = 2

SlotScores = dict[tuple[int, int], Float[Tensor, "sources destinations"]]


@dataclass(frozen=True)
class PromptAttribution:
    """All nodes and edges of one prompt, in logits; negative where corrupting them lowers the metric.

    Attributes:
        sources: Names of the rows of the edge scores (`graph.sources`).
        destinations: Names of their columns (`graph.destinations`).
        layers: Number of layers of the model.
        slots: Parts of the prompt (`PromptPair.slots`), in reading order; a column is an index in it.
        edges: Scores of the edges that read in one column and write in another, by (read, written).
        nodes: The modules by column, strongest first.
        inputs: The token embeddings by column, where they differ from the counterfactual prompt.
        faithfulness: Share of the effect that prefixes of `nodes` keep, by their length.
        clean: Metric on the prompt.
        corrupted: Metric on the counterfactual prompt.
    """

    sources: tuple[str, ...]
    destinations: tuple[tuple[str, str], ...]
    layers: int
    slots: tuple[int, ...]
    edges: SlotScores
    nodes: tuple[GraphNode, ...]
    inputs: tuple[GraphNode, ...]
    faithfulness: dict[int, float]
    clean: float
    corrupted: float

    @property
    def readable(self) -> int:
        """The shortest measured prefix that is faithful, or else the longest with at most READABLE nodes."""
        readable = [size for size in self.faithfulness if size <= READABLE]
        faithful = (size for size in readable if abs(self.faithfulness[size] - 1) <= TOLERANCE)
        return next(faithful, max(readable))


def attribute_prompt(
    model: nn.Module,
    pair: PromptPair,
    steps: int = 5,
    rule: str = "midpoint",
    progress: Callable[[float], None] = lambda _share: None,
) -> PromptAttribution:
    """Score every edge between the parts of one prompt.

    Needs [sources, destinations] floats for every two parts of the prompt from the first difference on.

    Args:
        model: A Hugging Face causal LM, plain or with a live LoRA adapter. The model is not changed.
        pair: The prompt and its counterfactual prompt.
        steps: Number of gradients on the line between both.
        rule: Where gradients are taken, a key of `attribution.ATTRIBUTION_RULES`.
        progress: Called with the share of the work done; it may raise to stop.

    Raises:
        ModelError: The model's family is not supported, or a layer is quantised or has a DoRA adapter.
        RunError: Both prompts give the same metric, so there is no effect to explain.
    """
    parts, plan = anatomy(model), ATTRIBUTION_RULES[rule](steps)
    ((_, batch),) = batches(parts, [pair], 1)
    slots = _reading_order(pair)
    edges: SlotScores = {}
    caches = activation_caches(batch, plan.activations)
    previous, *metric = next(caches)
    for points, (current, value) in zip(plan.gradients, caches, strict=True):
        _add_edges(edges, batch, activation_difference(previous, current), points, plan.frozen, slots)
        previous = current
        metric.append(value)
        progress((len(metric) - 1) / len(plan.gradients) / 2)
    corrupted, clean = metric[0].item(), metric[-1].item()
    if clean == corrupted:
        raise RunError("The history does not change the answer of this prompt: choose another title.")
    inputs, *nodes = _nodes(parts, edges, len(slots))
    ranked = tuple(sorted((node for of in nodes for node in of), key=lambda node: -abs(node.score)))
    faithfulness = _faithfulness(model, pair, ranked, slots, (clean, corrupted), progress)
    names = sources(parts), destinations(parts)
    return PromptAttribution(
        *names, len(parts.layers), slots, edges, ranked, tuple(inputs), faithfulness, clean, corrupted
    )


def prune(found: PromptAttribution, size: int, name: str, model: str, columns: tuple[str, ...]) -> PromptCircuit:
    """Keep the `size` strongest nodes, each one's strongest edge, and the strongest other edges between them.

    Args:
        found: All nodes and edges of the prompt.
        size: One of the lengths in `found.faithfulness`.
        name: Name of the graph.
        model: Name of the model.
        columns: Text of each part of the prompt, as many as `found.slots`.
    """
    kept = found.nodes[:size]
    logits = GraphNode(LOGITS, len(columns) - 1, 0.0)
    edges = _edges_between(found, {node.key for node in (*kept, *found.inputs, logits)})
    chosen = _strongest(edges, EDGES_PER_NODE * size)
    weight, total = (sum(abs(edge.score) for edge in some) for some in (chosen, edges))
    graph = AttributionGraph(name, model, found.layers, columns, (*kept, *found.inputs, logits), chosen)
    share = found.faithfulness[size]
    return PromptCircuit(graph, found.clean, found.corrupted, share, weight / total, len(found.nodes))


def _reading_order(pair: PromptPair) -> tuple[int, ...]:
    """The parts of the prompt that have tokens, in the order in which they are read."""
    return tuple(dict.fromkeys(pair.slots))


def _add_edges(
    edges: SlotScores,
    batch: PairBatch,
    difference: ActivationCache,
    points: tuple[float, ...],
    frozen: bool,
    slots: tuple[int, ...],
) -> None:
    """Add the scores of all edges by the columns in which they read and write."""
    parts, weights = batch.parts, head_weights(batch.parts)
    gradients = compute_slot_gradients(batch, weights, points, frozen, 1 + max(slots))
    of_token = batch.slots[0, batch.start :].tolist()
    embeddings, head, mlp = (
        [value[0] for value in values] for values in (difference.input, difference.head, difference.mlp)
    )
    for read, slot in enumerate(slots):
        if slot not in of_token:
            continue
        first = of_token.index(slot)
        chunk = slice(first, first + of_token.count(slot))
        heads, mlps = ([value[chunk] for value in values] for values in (head, mlp))
        changes = stream(embeddings[0][chunk].to(weights.write[0]), heads, mlps, weights.write)
        for written in range(read, len(slots)):
            block = _block(parts, changes, gradients[slots[written]], chunk)
            edges[read, written] = edges.get((read, written), 0) + block


def _block(
    parts: Anatomy, changes: Float[Tensor, "sources t d"], gradients: Gradients, chunk: slice
) -> Float[Tensor, "sources destinations"]:
    """Scores of all edges that read in one part of the prompt and write in another."""
    possible = paths(parts)
    scores = changes.new_zeros(possible.shape)
    add_token_scores(parts, changes, gradients, chunk, scores)
    return scores.cpu() * possible


def _nodes(parts: Anatomy, edges: SlotScores, columns: int) -> list[list[GraphNode]]:
    """The node of each source in each column that differs from the counterfactual prompt, by source."""
    scores = torch.zeros(len(sources(parts)), columns)
    for (read, _), block in edges.items():
        scores[:, read] += block.sum(1).to(scores)
    return [
        [GraphNode(name, column, score) for column, score in enumerate(row) if score]
        for name, row in zip(sources(parts), scores.tolist(), strict=True)
    ]


def _faithfulness(
    model: nn.Module,
    pair: PromptPair,
    ranked: tuple[GraphNode, ...],
    slots: tuple[int, ...],
    metric: tuple[float, float],
    progress: Callable[[float], None],
) -> dict[int, float]:
    """Share of the effect that each prefix of the ranking keeps."""
    clean, corrupted = metric
    sizes = [*(size for size in SIZES if size < len(ranked)), len(ranked)]
    found = {}
    for done, size in enumerate(sizes, 1):
        nodes = {(node.module, slots[node.column]) for node in ranked[:size]}
        kept = run_node_circuits(model, [pair], [nodes])[0].item()
        found[size] = (kept - corrupted) / (clean - corrupted)
        progress((1 + done / len(sizes)) / 2)
    return found


def _edges_between(found: PromptAttribution, kept: set[NodeKey]) -> list[GraphEdge]:
    """All edges between kept nodes, strongest first."""
    edges: dict[tuple[NodeKey, NodeKey], dict[str, float]] = {}
    for (read, written), block in found.edges.items():
        rows = [row for row, name in enumerate(found.sources) if (name, read) in kept]
        columns = [index for index, (name, _) in enumerate(found.destinations) if (name, written) in kept]
        for row, scores in zip(rows, block[rows][:, columns].tolist(), strict=True):
            for index, score in zip(columns, scores, strict=True):
                name, which = found.destinations[index]
                if score:
                    edges.setdefault(((found.sources[row], read), (name, written)), {})[which] = score
    merged = (GraphEdge(source, target, by_input) for (source, target), by_input in edges.items())
    return sorted(merged, key=lambda edge: -abs(edge.score))


def _strongest(edges: Iterable[GraphEdge], count: int) -> tuple[GraphEdge, ...]:
    """The strongest edge out of each node, and the strongest others up to `count` edges; strongest first."""
    ranked, firsts = list(edges), dict[NodeKey, GraphEdge]()
    for edge in ranked:
        firsts.setdefault(edge.source, edge)
    chosen = list(firsts.values())
    rest = [edge for edge in ranked if firsts[edge.source] is not edge][: max(0, count - len(chosen))]
    return tuple(sorted((*chosen, *rest), key=lambda edge: -abs(edge.score)))
