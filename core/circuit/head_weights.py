"""Matrices by which heads read from the residual stream and write to it.

All linear maps between a head and the residual stream are folded into one matrix per head:

1. Reading: the norm's weight and centring, then the query, key or value projection with its live adapter.
2. Writing: the output projection with its live adapter, then the weight and centring of a norm behind attention.

What is left of a norm is its scale r = 1/sigma, which depends on the token. See Elhage et al. 2021, "A Mathematical
Framework for Transformer Circuits", on heads that read from and write to the residual stream.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from core.models.families import Anatomy, Layer, Projection
from core.models.linear_weights import TorchModule, effective_weight
from core.models.norms import Norm, accumulation_dtype


@dataclass(frozen=True)
class QKVLinear:
    """A linear layer that computes queries, keys or values, or all of them.

    Attributes:
        linear: The layer.
        size: Width of one head.
        first: First of the decoder layer's 3H destinations that `linear` computes.
        order: Head of the output for each destination; None where they are in the same order.
        back: Inverse of `order`; None where no reordering is needed.
    """

    linear: TorchModule
    size: int
    first: int
    order: Tensor | None
    back: Tensor | None

    def split(self, out: Float[Tensor, "*b w"]) -> Float[Tensor, "*b n k"]:
        """Split an output by destination; shared key and value heads are repeated for each query head."""
        heads = torch.unflatten(out, -1, (-1, self.size))
        return heads if self.order is None else heads.index_select(-2, self.order)

    def join(self, heads: Float[Tensor, "*b n k"]) -> Float[Tensor, "*b w"]:
        """Inverse of `split`, but each query head keeps keys and values of its own."""
        return (heads if self.back is None else heads.index_select(-2, self.back)).flatten(-2)


def qkv_linears(parts: Anatomy, layer: Layer) -> list[QKVLinear]:
    """The layer's query, key and value linears; a fused one is listed once."""
    projections: dict[TorchModule, list[Projection]] = {}
    for projection in (layer.q, layer.k, layer.v):
        projections.setdefault(projection.linear, []).append(projection)
    result, first = [], 0
    for linear, members in projections.items():
        order = [
            projection.rows(head * projection.count // parts.n_heads).start // parts.d_head
            for projection in members
            for head in range(parts.n_heads)
        ]
        result.append(QKVLinear(linear, parts.d_head, first, *_orders(order, layer.device)))
        first += len(order)
    return result


def _orders(order: list[int], device: torch.device) -> tuple[Tensor | None, Tensor | None]:
    """(order, back) of `QKVLinear`."""
    if order == sorted(set(order)):
        return None, None
    places = torch.tensor(order, device=device)
    return places, places.argsort() if len(set(order)) == len(order) else None


@dataclass(frozen=True)
class HeadWeights:
    """Read and write matrices of all heads, one tensor per layer.

    Attributes:
        read: Maps the normalised residual stream n to each head's q, k and v, without `const`.
        const: Each head's q, k and v where n is zero.
        write: Maps a head's output (`Visitor.attention_output`) to its part of the residual stream.
    """

    read: list[Float[Tensor, "3h k d"]]
    const: list[Float[Tensor, "3h k"]]
    write: list[Float[Tensor, "h k d"]]


@torch.no_grad()
def head_weights(parts: Anatomy) -> HeadWeights:
    """Read and write matrices of a model.

    Raises:
        ModelError: A layer is quantised or has a DoRA adapter.
    """
    read, const, write = ([make(parts, layer) for layer in parts.layers] for make in (_read, _constants, _write))
    return HeadWeights(read, const, write)


def _read(parts: Anatomy, layer: Layer) -> Float[Tensor, "3h k d"]:
    norm, matrices = layer.attention_norm, []
    for qkv in qkv_linears(parts, layer):
        heads = torch.unflatten(effective_weight(qkv.linear), 0, (-1, parts.d_head))
        matrices.append(heads if qkv.order is None else heads[qkv.order])
    return norm.centre(torch.cat(matrices) * norm.weight).to(_matmul_dtype(matrices[0]))


def _constants(parts: Anatomy, layer: Layer) -> Float[Tensor, "3h k"]:
    constants = []
    for qkv in qkv_linears(parts, layer):
        bias = layer.attention_norm.bias.to(qkv.linear.weight.dtype)
        constants.append(qkv.split(qkv.linear.forward(bias)))
    return torch.cat(constants)


def _write(parts: Anatomy, layer: Layer) -> Float[Tensor, "h k d"]:
    weight = torch.unflatten(effective_weight(layer.attention_out).T, 0, (parts.n_heads, parts.d_head))
    norm: Norm | None = layer.after_attention
    return (weight if norm is None else norm.centre(weight) * norm.weight).to(_matmul_dtype(weight))


def _matmul_dtype(weight: Tensor) -> torch.dtype:
    """The model's dtype on GPUs, which sum in float32; float32 on CPUs, which gain nothing from half precision."""
    return weight.dtype if weight.is_cuda else accumulation_dtype(weight)


def stream(
    embeddings: Float[Tensor, "t d"],
    heads: Sequence[Float[Tensor, "t h k"]],
    mlps: Sequence[Float[Tensor, "t d"]],
    write: Sequence[Float[Tensor, "h k d"]],
) -> Float[Tensor, "sources t d"]:
    """What each source adds to the residual stream: the input, then the heads and the MLP of each layer.

    Args:
        embeddings: What the input writes.
        heads: Outputs of each layer's heads.
        mlps: Output of each layer's MLP; the last layer's may be missing.
        write: `HeadWeights.write`.
    """
    count = 1 + sum(len(weight) for weight, _ in zip(write, heads, strict=False)) + len(mlps)
    result, row = embeddings.new_empty(count, *embeddings.shape), 1
    result[0] = embeddings
    for layer, head in enumerate(heads):
        block = result[row : row + head.shape[1]]
        torch.bmm(head.transpose(0, 1).to(block), write[layer].to(block), out=block)
        row += len(block)
        for mlp in mlps[layer : layer + 1]:
            result[row] = mlp
            row += 1
    return result
