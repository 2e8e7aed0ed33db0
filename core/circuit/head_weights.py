"""How heads read from the residual stream and write to it: weights that take whole models' heads at once.

Whatever stands between a head and the stream and is linear there is folded in: a norm's weight and centring, an
adapter's delta, the weight of a norm behind attention.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from core.models.families import Anatomy, Layer, Module, Projection, effective_weight
from core.models.norms import Norm, accurate


@dataclass(frozen=True)
class Reader:
    """One linear that makes queries, keys or values, or all of them.

    first: the first of the layer's 3H destinations that it makes. order: which of its output's heads is which
    destination, None where they are in order. back: the order in which attention takes them from here.
    """

    linear: Module
    size: int
    first: int
    order: Tensor | None
    back: Tensor | None

    def cut(self, out: Float[Tensor, "*b w"]) -> Float[Tensor, "*b n k"]:
        """An output by destination, shared key and value heads repeated once for each query head."""
        heads = out.unflatten(-1, (-1, self.size))
        return heads if self.order is None else heads.index_select(-2, self.order)

    def join(self, heads: Float[Tensor, "*b n k"]) -> Float[Tensor, "*b w"]:
        """What attention expects, every head with keys and values of its own."""
        return (heads if self.back is None else heads.index_select(-2, self.back)).flatten(-2)


def readers(parts: Anatomy, layer: Layer) -> list[Reader]:
    """The layer's query, key and value linears, each once."""
    made: dict[Module, list[Projection]] = {}
    for projection in (layer.q, layer.k, layer.v):
        made.setdefault(projection.linear, []).append(projection)
    result, first = [], 0
    for linear, projections in made.items():
        order = [
            projection.rows(head * projection.count // parts.n_heads).start // parts.d_head
            for projection in projections
            for head in range(parts.n_heads)
        ]
        result.append(Reader(linear, parts.d_head, first, *_orders(order, layer.device)))
        first += len(order)
    return result


def _orders(order: list[int], device: torch.device) -> tuple[Tensor | None, Tensor | None]:
    if order == sorted(set(order)):
        return None, None
    places = torch.tensor(order, device=device)
    return places, places.argsort() if len(set(order)) == len(order) else None


@dataclass(frozen=True)
class Weights:
    """By layer. read: from the normalised stream n to each head's q, k and v, less `const`. write: from what
    `Visitor.attention_output` shows of a head to its part of the stream.
    """

    read: list[Float[Tensor, "3h k d"]]
    const: list[Float[Tensor, "3h k"]]
    write: list[Float[Tensor, "h k d"]]


@torch.no_grad()
def weights(parts: Anatomy) -> Weights:
    """Raises ModelError where a layer is quantised or has a DoRA adapter."""
    read, const, write = ([make(parts, layer) for layer in parts.layers] for make in (_read, _constants, _write))
    return Weights(read, const, write)


def _read(parts: Anatomy, layer: Layer) -> Float[Tensor, "3h k d"]:
    norm, found = layer.attention_norm, []
    for reader in readers(parts, layer):
        heads = effective_weight(reader.linear).unflatten(0, (-1, parts.d_head))
        found.append(heads if reader.order is None else heads[reader.order])
    return norm.centre(torch.cat(found) * norm.weight).to(_working(found[0]))


def _constants(parts: Anatomy, layer: Layer) -> Float[Tensor, "3h k"]:
    """What q, k and v are where the normalised stream is zero."""
    found = []
    for reader in readers(parts, layer):
        bias = layer.attention_norm.bias.to(reader.linear.weight.dtype)
        found.append(reader.cut(reader.linear.forward(bias)))
    return torch.cat(found)


def _write(parts: Anatomy, layer: Layer) -> Float[Tensor, "h k d"]:
    weight = effective_weight(layer.attention_out).T.unflatten(0, (parts.n_heads, parts.d_head))
    norm: Norm | None = layer.after_attention
    return (weight if norm is None else norm.centre(weight) * norm.weight).to(_working(weight))


def _working(weight: Tensor) -> torch.dtype:
    """GPUs multiply in the model's dtype and sum in float32; CPUs are no faster at half precision."""
    return weight.dtype if weight.is_cuda else accurate(weight)


def stream(
    input: Float[Tensor, "t d"],
    heads: Sequence[Float[Tensor, "t h k"]],
    mlps: Sequence[Float[Tensor, "t d"]],
    write: Sequence[Float[Tensor, "h k d"]],
) -> Float[Tensor, "f t d"]:
    """What the input, then each layer's heads and MLP write at some tokens; the last layer's MLP may be still to come."""
    count = 1 + sum(len(weight) for weight, _ in zip(write, heads, strict=False)) + len(mlps)
    result, row = input.new_empty(count, *input.shape), 1
    result[0] = input
    for layer, head in enumerate(heads):
        place = result[row : row + head.shape[1]]
        torch.bmm(head.transpose(0, 1).to(place), write[layer].to(place), out=place)
        row += len(place)
        for mlp in mlps[layer : layer + 1]:
            result[row] = mlp
            row += 1
    return result
