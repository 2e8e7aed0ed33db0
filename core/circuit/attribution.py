"""Scores of edges and modules by attribution patching with integrated gradients (EAP-IG).

x is a clean prompt, x' its counterfactual prompt, z_u(x) the output of source u, in_v the input of destination v and
M = logit[right] - logit[wrong] the metric. A score estimates how M changes when x' replaces x on one edge or module:

    score(u -> v) = mean over pairs of <z_u(x') - z_u(x), mean over points of dM/d in_v>
    score(u)      = mean over pairs of <z_u(x') - z_u(x), mean over points of dM/d z_u>

1. Run x' and x without gradients and keep what every source writes.
2. Take gradients at points on the straight line between the token embeddings of x' and x, with one ordinary forward
   and backward pass per point.
3. Multiply the difference of the activations with the mean gradients. Head outputs stay in head space; they are
   mapped to the residual stream for one chunk of tokens at a time, as many as the memory budget allows.
4. Sum over tokens and batches. The spread over batches gives the standard error of edge scores.

Sources:
    EAP: Syed et al. 2023, arXiv 2310.10348. Gradients at x only.
    EAP-IG: Hanna et al. 2024, arXiv 2403.17806. Gradients at m points on the line.
    Conductance: Dhamdhere et al. 2018, arXiv 1805.12233. Activation differences between neighbouring points.
    RelP: Jafari et al. 2025, arXiv 2508.21258. Gradients do not flow through the scale of norms.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.gradients import Gradients, compute_gradients
from core.circuit.graph import destination_columns, destinations, mlp_sources, paths, source_rows, sources
from core.circuit.head_weights import head_weights, stream
from core.circuit.hooks import ActivationCache, hooked
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, PairBatch, PromptPair, batches
from core.models.families import Anatomy, anatomy
from core.models.norms import accumulation_dtype

Positions = tuple[float, ...]


@dataclass(frozen=True)
class Rule:
    """Positions on the line from the corrupted (0) to the clean (1) embeddings at which the model is run.

    Attributes:
        activations: Where activations are kept; the scores use the differences of neighbours, which sum to
            z(x') - z(x).
        gradients: For each pair of neighbours, where gradients are taken.
        frozen: If True, no gradient flows through the scale of norms.
    """

    activations: Positions
    gradients: tuple[Positions, ...]
    frozen: bool = False


def _whole_line(*points: float, frozen: bool = False) -> Rule:
    return Rule((0.0, 1.0), (points,), frozen)


def _conductance(steps: int) -> Rule:
    return Rule(
        tuple(step / steps for step in range(steps + 1)), tuple(((step + 0.5) / steps,) for step in range(steps))
    )


# By name; the argument is the number of gradients. "clean" and "frozen" always take one.
ATTRIBUTION_RULES: dict[str, Callable[[int], Rule]] = {
    "midpoint": lambda m: _whole_line(*((step + 0.5) / m for step in range(m))),  # EAP-IG by the midpoint rule
    "left": lambda m: _whole_line(*(step / m for step in range(m))),  # EAP-IG as its authors' code has it
    "clean": lambda _m: _whole_line(1.0),  # EAP
    "frozen": lambda _m: _whole_line(1.0, frozen=True),  # EAP with RelP's rule for norms, without its other rules
    "conductance": _conductance,  # the scores of edges into the logits sum to M(x') - M(x) as m grows
}


@dataclass(frozen=True)
class Attribution:
    """Scores in logits; negative where corrupting the edge or module lowers the metric.

    Attributes:
        nodes: Score of each module (`Anatomy.modules`) on each pair.
        edges: Score of each edge, mean over pairs; rows are `graph.sources`, columns `graph.destinations`. Zero where
            no path exists.
        noise: Standard error of `edges`, from the spread over batches; NaN if there was one batch.
        reads: Sum of the scores of each module's incoming edges by part of the prompt (`PromptPair.slots`), mean
            over pairs.
        writes: The same for its outgoing edges.
        clean: Metric of each pair on the clean prompt.
        corrupted: Metric of each pair on the counterfactual prompt.
    """

    nodes: Float[Tensor, "n modules"]
    edges: Float[Tensor, "sources destinations"]
    noise: Float[Tensor, "sources destinations"]
    reads: Float[Tensor, "slots modules"]
    writes: Float[Tensor, "slots modules"]
    clean: Float[Tensor, " n"]
    corrupted: Float[Tensor, " n"]


def attribute_pairs(
    model: nn.Module,
    pairs: Sequence[PromptPair],
    steps: int = 5,
    rule: str = "midpoint",
    batch_size: int = 8,
    memory_budget_mib: int = 64,
    offload: bool = False,
    progress: Callable[[float], None] = lambda _share: None,
) -> Attribution:
    """Score every edge and module of a model on prompt pairs.

    Takes one forward pass for each activation position of the rule and one forward and backward pass for each of its
    gradient positions. The model is not changed.

    Args:
        model: A Hugging Face causal LM, plain or with a live LoRA adapter.
        pairs: The prompt pairs.
        steps: Number of gradients per pair.
        rule: Where gradients are taken, a key of `ATTRIBUTION_RULES`.
        batch_size: Pairs per batch.
        memory_budget_mib: MiB for the largest temporary tensors.
        offload: If True, activations saved for the backward pass are kept in main memory, for prompts that are too
            long for a GPU.
        progress: Called after each batch with the share of pairs done.

    Raises:
        ModelError: The model's family is not supported, or a layer is quantised or has a DoRA adapter.
    """
    parts, plan, n = anatomy(model), ATTRIBUTION_RULES[rule](steps), len(pairs)
    slots = 1 + max(slot for pair in pairs for slot in pair.slots)
    totals, done, weights = _ScoreSums.zeros(parts, n, slots), 0, head_weights(parts)
    squares = torch.zeros_like(totals.edges)
    metric = torch.zeros(2, n, dtype=totals.nodes.dtype)
    for chosen, batch in batches(parts, pairs, batch_size):
        sums, caches = _ScoreSums.zeros(parts, len(chosen), slots), activation_caches(batch, plan.activations)
        previous, metric[CORRUPTED, chosen] = next(caches)
        for points, (current, metric[CLEAN, chosen]) in zip(plan.gradients, caches, strict=True):
            difference, previous = activation_difference(previous, current), current
            gradients = compute_gradients(batch, weights, points, plan.frozen, offload)
            sums.add(_score(batch, difference, gradients, slots, memory_budget_mib))
        totals.add(sums, chosen)
        squares += sums.edges.cpu() ** 2 / len(chosen)
        done += len(chosen)
        progress(done / n)
    noise = _standard_error(totals.edges / n, squares, n, math.ceil(n / batch_size))
    return Attribution(
        totals.nodes, totals.edges / n, noise, totals.reads / n, totals.writes / n, metric[CLEAN], metric[CORRUPTED]
    )


@dataclass
class _ScoreSums:
    """Fields of `Attribution`, but sums over pairs; `nodes` has one row per pair."""

    nodes: Float[Tensor, "n modules"]
    edges: Float[Tensor, "sources destinations"]
    reads: Float[Tensor, "slots modules"]
    writes: Float[Tensor, "slots modules"]

    @staticmethod
    def zeros(parts: Anatomy, n: int, slots: int) -> "_ScoreSums":
        modules, shape = len(parts.modules), (len(sources(parts)), len(destinations(parts)))
        sizes = (n, modules), shape, (slots, modules), (slots, modules)
        return _ScoreSums(*(torch.zeros(size, dtype=accumulation_dtype(parts.embed.weight)) for size in sizes))

    def add(self, other: "_ScoreSums", rows: slice | list[int] = slice(None)) -> None:
        self.nodes[rows] += other.nodes.cpu()
        for mine, new in ((self.edges, other.edges), (self.reads, other.reads), (self.writes, other.writes)):
            mine += new.cpu()


def _standard_error(mean: Tensor, squares: Tensor, n: int, groups: int) -> Tensor:
    """Standard error of a mean over n pairs, estimated from `groups` batches.

    squares: sum over batches of (sum over the batch's pairs)^2 / size of the batch.
    """
    if groups < 2:
        return torch.full_like(mean, math.nan)
    return ((squares - n * mean**2).clamp(min=0) / (n * (groups - 1))).sqrt()


def activation_caches(batch: PairBatch, positions: Positions) -> Iterator[tuple[ActivationCache, Float[Tensor, " b"]]]:
    """What all sources write at each position on the line, and the metric there."""
    clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
    for position in positions:
        cache = ActivationCache(batch.start)  # no activation differs before the start
        with hooked(batch.parts, cache), torch.no_grad():
            metric = batch.metric(torch.lerp(corrupted, clean, position)).cpu()
        yield cache, metric


def activation_difference(left: ActivationCache, right: ActivationCache) -> ActivationCache:
    """Difference of two activation caches."""
    result = ActivationCache(left.start)
    for name in ("input", "head", "mlp"):
        setattr(result, name, [a - b for a, b in zip(getattr(left, name), getattr(right, name), strict=True)])
    return result


def _score(
    batch: PairBatch, difference: ActivationCache, gradients: Gradients, slots: int, memory_budget_mib: int
) -> _ScoreSums:
    parts = batch.parts
    nodes = _node_scores(difference, gradients)
    edges, reads = _edge_scores(parts, difference, gradients, memory_budget_mib)
    slot_of_token = batch.slots[:, batch.start :].flatten().cpu()
    by_slot = [
        torch.zeros(slots, len(parts.modules), dtype=edges.dtype).index_add_(
            0, slot_of_token, by_token.flatten(0, -2).cpu()
        )
        for by_token in (reads, nodes)
    ]
    return _ScoreSums(nodes.sum(1), edges, *by_slot)


def _node_scores(difference: ActivationCache, gradients: Gradients) -> Float[Tensor, "b p modules"]:
    """Score of each module by token."""
    columns = []
    for layer, weight in enumerate(gradients.weights.write):
        head, mlp = (values[layer].to(gradients.mlp[layer]) for values in (difference.head, difference.mlp))
        head_gradient = torch.einsum("bpd,hkd->bphk", gradients.attention[layer], weight.to(head))
        columns += [(head * head_gradient).sum(-1), (mlp * gradients.mlp[layer]).sum(-1, keepdim=True)]
    return torch.cat([column.to(columns[0].device) for column in columns], -1)


def _edge_scores(
    parts: Anatomy, difference: ActivationCache, gradients: Gradients, memory_budget_mib: int
) -> tuple[Float[Tensor, "sources destinations"], Float[Tensor, "t modules"]]:
    """Edge scores summed over the batch, and each module's incoming scores by token; a chunk of tokens at a time."""
    write, per_layer = gradients.weights.write, 3 * parts.n_heads + 1
    edges = gradients.mlp[0].new_zeros(len(sources(parts)), len(destinations(parts)))
    embeddings, head, mlp = (
        [value.flatten(0, 1) for value in values] for values in (difference.input, difference.head, difference.mlp)
    )
    bytes_per_token = (len(edges) + 2 * per_layer) * parts.d_model * write[0].element_size()
    reads = []
    for chunk in _chunks(len(embeddings[0]), max(1, memory_budget_mib * 2**20 // bytes_per_token)):
        heads, mlps = ([value[chunk] for value in values] for values in (head, mlp))
        changes = stream(embeddings[0][chunk].to(write[0]), heads, mlps, write)
        reads.append(add_token_scores(parts, changes, gradients, chunk, edges))
    return edges * paths(parts).to(edges), torch.cat(reads)


def _chunks(tokens: int, size: int) -> Iterator[slice]:
    return (slice(first, min(first + size, tokens)) for first in range(0, tokens, size))


def add_token_scores(
    parts: Anatomy, changes: Float[Tensor, "sources t d"], gradients: Gradients, chunk: slice, edges: Tensor
) -> Float[Tensor, "t modules"]:
    """Add one chunk's edge scores to `edges`, and return each module's incoming scores by token.

    changes: z_u(x') - z_u(x) of every source. Scores are also added where no path exists; the caller masks them.
    """
    gradient = changes.new_empty(3 * parts.n_heads + 1, *changes.shape[1:])  # shared by layers: allocation is slow
    before, columns = changes[0], []
    for layer in range(len(parts.layers)):
        device = gradients.mlp[layer].device  # layers may be on several GPUs
        changes, gradient, before = (tensor.to(device) for tensor in (changes, gradient, before))
        gradients.read_gradients(layer, chunk, gradient)
        stop, rows, places = mlp_sources(parts, layer), source_rows(parts, layer), destination_columns(parts, layer)
        edges[:stop, places.start : places.stop + 1] += _product(changes[:stop], gradient).to(edges)
        mlp_before = before + changes[rows.start : stop].sum(0)
        heads = torch.bmm(gradient[:-1].transpose(0, 1), before[..., None])[..., 0]
        columns += [torch.unflatten(heads, 1, (3, -1)).sum(1), (mlp_before * gradient[-1]).sum(-1, keepdim=True)]
        before = before + changes[rows.start : rows.stop + 1].sum(0)
    last = gradients.logits.flatten(0, 1)[None, chunk].to(changes)
    edges[:, -1] += _product(changes, last)[:, 0].to(edges)
    return torch.cat([column.to(edges) for column in columns], 1)


def _product(changes: Float[Tensor, "sources t d"], gradient: Float[Tensor, "n t d"]) -> Float[Tensor, "sources n"]:
    return (gradient.flatten(1) @ changes.flatten(1).T).T  # faster than changes @ gradient.T
