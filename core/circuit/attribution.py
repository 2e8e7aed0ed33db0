"""Edge and node scores by attribution patching.

Edge u -> v: mean over examples of (z_u(x') - z_u(x)) . mean over points of dM/d in_v, the points lying on the
straight line between the token embeddings of x' and x. Node u: the same with dM/dz_u. One ordinary forward and
backward pass a point; heads stay in head space but for a chunk of tokens at a time.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.gradients import Slopes, slopes
from core.circuit.graph import destination_columns, destinations, mlp_sources, paths, source_rows, sources
from core.circuit.head_weights import stream, weights
from core.circuit.hooks import CLEAN, CORRUPTED, Batch, Contrast, Record, batches, visited
from core.models.families import Anatomy, anatomy
from core.models.norms import accurate

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Rule:
    """cuts: places on the line from x' (0) to x (1); what is written differs from one to the next by z(x') - z(x) in
    all. points: where gradients are taken between each two cuts. frozen: without those of norms' scales.
    """

    cuts: Numbers
    points: tuple[Numbers, ...]
    frozen: bool = False


def _whole(*points: float, frozen: bool = False) -> Rule:
    return Rule((0.0, 1.0), (points,), frozen)


# By the number of gradients asked for.
RULES: dict[str, Callable[[int], Rule]] = {
    # EAP-IG (Hanna et al. 2024, arXiv 2403.17806) by the midpoint rule, and by the left rule of its code.
    "midpoint": lambda m: _whole(*((step + 0.5) / m for step in range(m))),
    "left": lambda m: _whole(*(step / m for step in range(m))),
    # EAP (Syed et al. 2023, arXiv 2310.10348).
    "clean": lambda m: _whole(1.0),
    # EAP with RelP's rule for norms (Jafari et al. 2025, arXiv 2508.21258), not its other rules.
    "frozen": lambda m: _whole(1.0, frozen=True),
    # Conductance (Dhamdhere et al. 2018, arXiv 1805.12233): the change along the line, step by step. The scores of all
    # that writes to the logits sum to M(x') - M(x) as m grows.
    "conductance": lambda m: Rule(
        tuple(step / m for step in range(m + 1)), tuple(((step + 0.5) / m,) for step in range(m))
    ),
}


@dataclass(frozen=True)
class Attribution:
    """Scores in logits, negative where corrupting lowers the metric.

    nodes: per example and module, in the order of `Anatomy.modules`. edges: mean over examples, in the order of
    `graph.sources` x `graph.destinations`, zero where there is no path. noise: standard error of `edges` from
    their spread over batches, nan where there was one batch. reads, writes: each module's part of all its
    incoming, of all its outgoing edges by the place in the prompt (`Contrast.slots`), means over examples.
    clean, corrupted: the metric.
    """

    nodes: Float[Tensor, "n modules"]
    edges: Float[Tensor, "f b"]
    noise: Float[Tensor, "f b"]
    reads: Float[Tensor, "slots modules"]
    writes: Float[Tensor, "slots modules"]
    clean: Float[Tensor, " n"]
    corrupted: Float[Tensor, " n"]


def attribute(
    model: nn.Module,
    contrasts: Sequence[Contrast],
    steps: int = 5,
    rule: str = "midpoint",
    batch_size: int = 8,
    memory: int = 64,
    offload: bool = False,
    progress: Callable[[float], None] = lambda done: None,
) -> Attribution:
    """Scores of every edge and module; `progress` hears the share of examples done.

    rule, steps: see RULES. memory: MiB for the largest temporary tensors, the sources' differences at a chunk of
    tokens. offload: keep what the backward passes need in main memory, for prompts too long for a GPU.
    The model (plain or with live LoRA) is left as it was. Needs a forward pass for each of the rule's cuts and one
    forward and backward pass for each of its points. Raises ModelError for what `core.models.families` cannot open.
    """
    parts, plan, n = anatomy(model), RULES[rule](steps), len(contrasts)
    slots = 1 + max(slot for contrast in contrasts for slot in contrast.slots)
    sums, done, opened = _Scores.zeros(parts, n, slots), 0, weights(parts)
    squares = torch.zeros_like(sums.edges)
    sides = torch.zeros(2, n, dtype=sums.nodes.dtype)
    for chosen, batch in batches(parts, contrasts, batch_size):
        scores, records = _Scores.zeros(parts, len(chosen), slots), _records(batch, plan.cuts)
        before, sides[CORRUPTED, chosen] = next(records)
        for points, (after, sides[CLEAN, chosen]) in zip(plan.points, records, strict=True):
            difference, before = _minus(before, after), after
            scores.add(_score(batch, difference, slopes(batch, opened, points, plan.frozen, offload), slots, memory))
        sums.add(scores, chosen)
        squares += scores.edges.cpu() ** 2 / len(chosen)
        done += len(chosen)
        progress(done / n)
    noise = _standard_error(sums.edges / n, squares, n, math.ceil(n / batch_size))
    return Attribution(
        sums.nodes, sums.edges / n, noise, sums.reads / n, sums.writes / n, sides[CLEAN], sides[CORRUPTED]
    )


@dataclass
class _Scores:
    """Sums over examples; nodes by example."""

    nodes: Float[Tensor, "n modules"]
    edges: Float[Tensor, "f b"]
    reads: Float[Tensor, "slots modules"]
    writes: Float[Tensor, "slots modules"]

    @staticmethod
    def zeros(parts: Anatomy, n: int, slots: int) -> "_Scores":
        modules, shape = len(parts.modules), (len(sources(parts)), len(destinations(parts)))
        sizes = (n, modules), shape, (slots, modules), (slots, modules)
        return _Scores(*(torch.zeros(size, dtype=accurate(parts.embed.weight)) for size in sizes))

    def add(self, other: "_Scores", rows: slice | list[int] = slice(None)) -> None:
        self.nodes[rows] += other.nodes.cpu()
        for mine, new in ((self.edges, other.edges), (self.reads, other.reads), (self.writes, other.writes)):
            mine += new.cpu()


def _standard_error(mean: Tensor, squares: Tensor, n: int, groups: int) -> Tensor:
    """Of a mean over n examples in `groups` batches; squares: sum over batches of (sum over its examples)^2 / its size."""
    if groups < 2:
        return torch.full_like(mean, math.nan)
    return ((squares - n * mean**2).clamp(min=0) / (n * (groups - 1))).sqrt()


def _records(batch: Batch, cuts: Numbers) -> Iterator[tuple[Record, Float[Tensor, " b"]]]:
    """What is written at each cut, and the metric there. Nothing differs before `batch.start`."""
    clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
    for cut in cuts:
        record = Record(batch.start)
        with visited(batch.parts, record), torch.no_grad():
            metric = batch.metric(torch.lerp(corrupted, clean, cut)).cpu()
        yield record, metric


def _minus(left: Record, right: Record) -> Record:
    """What is written there and not here."""
    result = Record(left.start)
    for name in ("input", "head", "mlp"):
        setattr(result, name, [a - b for a, b in zip(getattr(left, name), getattr(right, name), strict=True)])
    return result


def _score(batch: Batch, difference: Record, found: Slopes, slots: int, memory: int) -> _Scores:
    parts = batch.parts
    effects = _effects(difference, found)
    edges, reads = _edges(parts, difference, found, memory)
    places = batch.slots[:, batch.start :].flatten().cpu()
    by_slot = [
        torch.zeros(slots, len(parts.modules), dtype=edges.dtype).index_add_(0, places, tokens.flatten(0, -2).cpu())
        for tokens in (reads, effects)
    ]
    return _Scores(effects.sum(1), edges, *by_slot)


def _effects(difference: Record, found: Slopes) -> Float[Tensor, "b p modules"]:
    """Node scores by token."""
    columns = []
    for layer, weight in enumerate(found.weights.write):
        head, mlp = (values[layer].to(found.mlp[layer]) for values in (difference.head, difference.mlp))
        slope = torch.einsum("bpd,hkd->bphk", found.attention[layer], weight.to(head))
        columns += [(head * slope).sum(-1), (mlp * found.mlp[layer]).sum(-1, keepdim=True)]
    return torch.cat([column.to(columns[0].device) for column in columns], -1)


def _edges(
    parts: Anatomy, difference: Record, found: Slopes, memory: int
) -> tuple[Float[Tensor, "f b"], Float[Tensor, "t modules"]]:
    """Edge scores summed over the batch, and what each module reads by token; a chunk of tokens at a time."""
    write, destination = found.weights.write, 3 * parts.n_heads + 1
    edges = found.mlp[0].new_zeros(len(sources(parts)), len(destinations(parts)))
    input, head, mlp = (
        [value.flatten(0, 1) for value in values] for values in (difference.input, difference.head, difference.mlp)
    )
    width = (len(edges) + 2 * destination) * parts.d_model * write[0].element_size()
    reads = []
    for chunk in _chunks(len(input[0]), max(1, memory * 2**20 // width)):
        heads, mlps = ([value[chunk] for value in values] for values in (head, mlp))
        moved = stream(input[0][chunk].to(write[0]), heads, mlps, write)
        reads.append(_chunk_edges(parts, moved, found, chunk, edges))
    return edges * paths(parts).to(edges), torch.cat(reads)


def _chunks(tokens: int, size: int) -> Iterator[slice]:
    return (slice(first, min(first + size, tokens)) for first in range(0, tokens, size))


def _chunk_edges(
    parts: Anatomy, moved: Float[Tensor, "f t d"], found: Slopes, chunk: slice, edges: Tensor
) -> Float[Tensor, "t modules"]:
    """Adds the scores of one chunk to `edges`, also where there is no path; returns what each module reads there."""
    pull = moved.new_empty(3 * parts.n_heads + 1, *moved.shape[1:])  # one for all layers: to get new memory is slow
    before, columns = moved[0], []
    for layer in range(len(parts.layers)):
        # layers may be on several GPUs
        moved, pull, before = (tensor.to(found.mlp[layer].device) for tensor in (moved, pull, before))
        found.pull(layer, chunk, pull)
        stop, rows, places = mlp_sources(parts, layer), source_rows(parts, layer), destination_columns(parts, layer)
        edges[:stop, places.start : places.stop + 1] += _product(moved[:stop], pull).to(edges)
        between = before + moved[rows.start : stop].sum(0)
        heads = torch.bmm(pull[:-1].transpose(0, 1), before[..., None])[..., 0]
        columns += [heads.unflatten(1, (3, -1)).sum(1), (between * pull[-1]).sum(-1, keepdim=True)]
        before = before + moved[rows.start : rows.stop + 1].sum(0)
    last = found.logits.flatten(0, 1)[None, chunk].to(moved)
    edges[:, -1] += _product(moved, last)[:, 0].to(edges)
    return torch.cat([column.to(edges) for column in columns], 1)


def _product(moved: Float[Tensor, "f t d"], pull: Float[Tensor, "n t d"]) -> Float[Tensor, "f n"]:
    return (pull.flatten(1) @ moved.flatten(1).T).T  # faster than the other way round
