"""Edge and node scores by attribution patching: EAP-IG (Hanna et al. 2024, arXiv 2403.17806) and plain EAP.

Edge u -> v: mean over examples of (z_u(x') - z_u(x)) . mean over points of dM/d in_v, the points lying on the
straight line between the token embeddings of x' and x. Node u: the same with dM/dz_u.
One ordinary forward and backward pass a point; heads stay in head space throughout.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.graph import destination_columns, destinations, source_rows, sources
from core.circuit.passes import (
    CLEAN,
    CORRUPTED,
    Batch,
    Contrast,
    Record,
    Visitor,
    accurate,
    batches,
    projections,
    split_heads,
    visited,
)
from core.models.families import Anatomy, Layer, anatomy, effective_weight

# Where on the line from x' (0) to x (1) gradients are taken; "left" is EAP-IG's, "clean" is plain EAP.
RULES: dict[str, Callable[[int], list[float]]] = {
    "midpoint": lambda steps: [(step + 0.5) / steps for step in range(steps)],
    "left": lambda steps: [step / steps for step in range(steps)],
    "clean": lambda steps: [1.0],
}
CHUNK = 2**26  # numbers in the largest temporary tensor: all sources' differences at some tokens


@dataclass(frozen=True)
class Attribution:
    """Scores in logits, negative where corrupting lowers the metric.

    nodes: per example and module, in the order of `Anatomy.modules`. edges: mean over examples, in the order of
    `graph.sources` x `graph.destinations`, zero where there is no path. clean, corrupted: the metric.
    """

    nodes: Float[Tensor, "n modules"]
    edges: Float[Tensor, "f b"]
    clean: Float[Tensor, " n"]
    corrupted: Float[Tensor, " n"]


def attribute(
    model: nn.Module,
    contrasts: Sequence[Contrast],
    steps: int = 5,
    rule: str = "midpoint",
    batch_size: int = 8,
    progress: Callable[[float], None] = lambda done: None,
) -> Attribution:
    """Scores of every edge and module; `progress` hears the share of examples done.

    The model (plain or with live LoRA) is left as it was. Needs 2 forward passes and one forward and backward
    pass for each of the rule's points. Raises ModelError for what `core.models.families` cannot open.
    """
    parts = anatomy(model)
    nodes = torch.zeros(len(contrasts), len(parts.modules), dtype=accurate(parts.embed.weight))
    edges = torch.zeros(len(sources(parts)), len(destinations(parts)), dtype=nodes.dtype)
    sides = torch.zeros(2, len(contrasts), dtype=nodes.dtype)
    done = 0
    for chosen, batch in batches(parts, contrasts, batch_size):
        difference, sides[:, chosen] = _differences(batch)
        slopes = _slopes(batch, RULES[rule](steps))
        nodes[chosen] = _node_scores(difference, slopes).cpu()
        edges += _edge_scores(parts, difference, slopes).cpu() / len(contrasts)
        done += len(chosen)
        progress(done / len(contrasts))
    return Attribution(nodes, edges, sides[CLEAN], sides[CORRUPTED])


@dataclass(frozen=True)
class _Differences:
    """z(x') - z(x) of the embeddings and, by layer, of heads and MLP."""

    input: Float[Tensor, "b p d"]
    head: list[Float[Tensor, "b p h k"]]
    mlp: list[Float[Tensor, "b p d"]]


@torch.no_grad()
def _differences(batch: Batch) -> tuple[_Differences, Float[Tensor, "2 b"]]:
    """Nothing differs before `batch.start`, so nothing is kept from there."""
    records, metrics = [], []
    for side in (CLEAN, CORRUPTED):
        records.append(Record(batch.start))
        with visited(batch.parts, records[side]):
            metrics.append(batch.metric(batch.embeddings(side)).cpu())
    clean, corrupted = records
    embeddings = batch.embeddings(CORRUPTED) - batch.embeddings(CLEAN)
    heads = [b - a for a, b in zip(clean.head, corrupted.head, strict=True)]
    mlps = [b - a for a, b in zip(clean.mlp, corrupted.mlp, strict=True)]
    return _Differences(embeddings[:, batch.start :], heads, mlps), torch.stack(metrics)


class _Slopes(Visitor):
    """Means over the points of dM/d(everything written and read), gathered while gradients flow back.

    The gradient at a head's q, k or v input is never formed here. With gamma the gradient at the projection's
    output, r = 1/sigma of the norm, n = its normalised input, w and b its weight and bias and P the
    subtraction of the mean over d (LayerNorm) or nothing (RMSNorm), it is
        r [P(w * W'gamma) - c n],   c = <q - const, gamma> / d,   const = W b + bias,
    so r gamma is summed over the points, r c and n are kept for each, and one product is left to the end.
    """

    def __init__(self, batch: Batch, points: int) -> None:
        parts, shape = batch.parts, (len(batch.mask), batch.mask.shape[1] - batch.start)
        self.parts, self.start, self.points = parts, batch.start, points
        dtype, device = accurate(parts.embed.weight), batch.mask.device

        def zeros(*more: int) -> list[Tensor]:
            return [torch.zeros(*shape, *more, dtype=dtype, device=device) for _ in parts.layers]

        self.head = zeros(parts.n_heads, parts.d_head)
        self.mlp = zeros(parts.d_model)
        self.mlp_in = zeros(parts.d_model)
        self.logits = torch.zeros_like(self.mlp[0])
        self.gamma = zeros(3 * parts.n_heads, parts.d_head)
        self.tilt: list[list[Tensor]] = [[] for _ in parts.layers]  # r c, [b p 3H] a point
        self.normal: list[list[Tensor]] = [[] for _ in parts.layers]  # n, [b p d] a point
        self.scale: list[Tensor] = [self.logits] * len(parts.layers)  # r, [b p 1] of the present point
        self.const = [_constants(parts, layer) for layer in parts.layers]

    def _gather(self, tensor: Tensor, total: Tensor) -> Tensor:
        def gather(slope: Tensor) -> None:
            total.add_(slope[:, self.start :], alpha=1 / self.points)

        tensor.register_hook(gather)
        return tensor

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        normal, self.scale[layer] = _normalise(self.parts.layers[layer].attention_norm, x[:, self.start :].detach())
        self.normal[layer].append(normal)
        self.tilt[layer].append(torch.zeros_like(self.gamma[layer][..., 0]))
        return x

    def project(self, layer: int, first: int, out: Tensor, again: Callable) -> Tensor:
        places = slice(first, first + out.shape[2])
        linear_part = out[:, self.start :].detach() - self.const[layer][places]

        def gather(slope: Tensor) -> None:
            scaled = slope[:, self.start :] * self.scale[layer][..., None] / self.points
            self.gamma[layer][:, :, places] += scaled
            self.tilt[layer][-1][:, :, places] = (linear_part * scaled).sum(-1) / self.parts.d_model

        out.register_hook(gather)
        return out

    def heads(self, layer: int, out: Tensor) -> Tensor:
        return self._gather(out, self.head[layer])

    # A view is a branch of its own: its gradient comes through the norm and not along the residual stream.
    def mlp_input(self, layer: int, x: Tensor) -> Tensor:
        return self._gather(x.view_as(x), self.mlp_in[layer])

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        return self._gather(out, self.mlp[layer])

    def logits_input(self, x: Tensor) -> Tensor:
        return self._gather(x.view_as(x), self.logits)


def _slopes(batch: Batch, points: list[float]) -> _Slopes:
    slopes = _Slopes(batch, len(points))
    clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
    with visited(batch.parts, slopes), torch.enable_grad():
        for point in points:
            embeddings = torch.lerp(corrupted, clean, point).requires_grad_()
            torch.autograd.grad(batch.metric(embeddings).sum(), embeddings)
    return slopes


def _normalise(norm: Any, x: Tensor) -> tuple[Tensor, Float[Tensor, "b p 1"]]:
    """The norm's input, normalised but not weighted, and 1/sigma."""
    x = x.to(accurate(x))
    if isinstance(norm, nn.LayerNorm):
        x = x - x.mean(-1, keepdim=True)
    epsilon = norm.eps if isinstance(norm, nn.LayerNorm) else norm.variance_epsilon
    scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon)
    return x * scale, scale


@torch.no_grad()
def _constants(parts: Anatomy, layer: Layer) -> Float[Tensor, "3h k"]:
    """What q, k and v are where the normalised input is zero."""
    bias = getattr(layer.attention_norm, "bias", None)
    bias = torch.zeros_like(layer.attention_norm.weight) if bias is None else bias
    return torch.cat([split_heads(parts, linear.forward(bias)) for _, linear in projections(parts, layer)])


def _node_scores(difference: _Differences, slopes: _Slopes) -> Float[Tensor, "b modules"]:
    columns = []
    for layer in range(len(difference.mlp)):
        columns.append(torch.einsum("bphk,bphk->bh", difference.head[layer].to(slopes.logits), slopes.head[layer]))
        columns.append(torch.einsum("bpd,bpd->b", difference.mlp[layer].to(slopes.logits), slopes.mlp[layer])[:, None])
    return torch.cat(columns, 1)


def _edge_scores(parts: Anatomy, difference: _Differences, slopes: _Slopes) -> Float[Tensor, "f b"]:
    """Sums over the batch, a chunk of tokens at a time."""
    result = slopes.logits.new_zeros(len(sources(parts)), len(destinations(parts)))
    written, read = zip(*((_written(parts, layer), _read(parts, layer)) for layer in parts.layers), strict=True)
    tokens, size = slopes.logits[..., 0].numel(), max(1, CHUNK // (len(result) * parts.d_model))
    for chunk in (slice(first, first + size) for first in range(0, tokens, size)):
        moved = _moved(difference, written, chunk, result.dtype)
        for layer in range(len(parts.layers)):
            rows, columns = source_rows(parts, layer), destination_columns(parts, layer)
            pull = _pull(slopes, layer, read[layer], chunk)
            result[: rows.start, columns] += torch.einsum("ftd,htd->fh", moved[: rows.start], pull)
            pull = slopes.mlp_in[layer].flatten(0, 1)[chunk]
            result[: rows.stop, columns.stop] += torch.einsum("ftd,td->f", moved[: rows.stop], pull)
        result[:, -1] += torch.einsum("ftd,td->f", moved, slopes.logits.flatten(0, 1)[chunk])
    return result


def _written(parts: Anatomy, layer: Layer) -> Float[Tensor, "h k d"]:
    """How each head writes to the residual stream."""
    return effective_weight(layer.attention_out).T.unflatten(0, (parts.n_heads, parts.d_head))


def _read(parts: Anatomy, layer: Layer) -> Float[Tensor, "3h k d"]:
    """How each head's q, k and v read the normed residual stream."""
    weights = [split_heads(parts, part.weight().T) for part in (layer.q, layer.k, layer.v)]
    return torch.cat(weights, 1).permute(1, 2, 0)


def _moved(
    difference: _Differences, written: Sequence[Tensor], chunk: slice, dtype: torch.dtype
) -> Float[Tensor, "f t d"]:
    """All sources' differences in the residual stream at the tokens of one chunk."""
    rows = [difference.input.flatten(0, 1)[chunk].to(dtype)[None]]
    for head, mlp, weight in zip(difference.head, difference.mlp, written, strict=True):
        rows.append(torch.einsum("thk,hkd->htd", head.flatten(0, 1)[chunk].to(dtype), weight.to(dtype)))
        rows.append(mlp.flatten(0, 1)[chunk].to(dtype)[None])
    return torch.cat(rows)


def _pull(slopes: _Slopes, layer: int, read: Tensor, chunk: slice) -> Float[Tensor, "3h t d"]:
    """The gradient at each head's q, k and v input (formula at `_Slopes`) at the tokens of one chunk."""
    norm = slopes.parts.layers[layer].attention_norm
    gamma = slopes.gamma[layer].flatten(0, 1)[chunk]
    pull = torch.einsum("thk,hkd->htd", gamma, read.to(gamma)) * norm.weight.detach().to(gamma)
    if isinstance(norm, nn.LayerNorm):
        pull -= pull.mean(-1, keepdim=True)
    for tilt, normal in zip(slopes.tilt[layer], slopes.normal[layer], strict=True):
        pull -= torch.einsum("th,td->htd", tilt.flatten(0, 1)[chunk], normal.flatten(0, 1)[chunk])
    return pull
