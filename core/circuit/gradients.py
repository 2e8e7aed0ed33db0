"""Gradients of the metric with respect to everything that modules read and write.

Gradients are summed over the points of an integrated gradient while they flow back. Only the two tensors that the
backward pass through a norm needs are kept for each point (see `Gradients`).
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from core.circuit.head_weights import HeadWeights
from core.circuit.hooks import Visitor, hooked
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, PairBatch
from core.models.norms import accumulation_dtype


class Gradients(Visitor):
    """Gradients of M, means over points, from position `batch.start` on.

    The gradient at the residual stream that one head's q, k or v reads has the shape [b, p, d] for each head, which is
    too large to keep. It is formed by `read_gradients` for a chunk of tokens at a time:

        dM/dx = R' (r gamma) - (r c) n,   c = <q - const, gamma> / d

    gamma is the gradient at q, r and n are the scale and the output (before its weight) of the norm, R and const are
    the head's `HeadWeights.read` and `HeadWeights.const`, and d is the width. r gamma is summed over points; r c and n
    are kept for each point. With frozen norm scales (RelP) the second term is absent.

    Attributes:
        attention: Gradient at what attention writes, by layer [b, p, d].
        mlp: Gradient at what the MLP writes, by layer [b, p, d].
        mlp_in: Gradient at the residual stream that the MLP's norm reads, by layer [b, p, d].
        logits: Gradient at the residual stream that the final norm reads [b, p, d].
        roots: Leaves of the autograd graph, to which the backward pass goes.
    """

    def __init__(self, batch: PairBatch, head_weights: HeadWeights, points: int, frozen: bool) -> None:
        parts, shape = batch.parts, (len(batch.mask), batch.mask.shape[1] - batch.start)
        self.parts, self.weights, self.start, self.points = parts, head_weights, batch.start, points
        self.frozen = frozen

        def zeros(*more: int) -> list[Tensor]:
            weights = [layer.attention_out.weight for layer in parts.layers]
            return [torch.zeros(*shape, *more, dtype=accumulation_dtype(w), device=w.device) for w in weights]

        self.attention, self.mlp, self.mlp_in = (zeros(parts.d_model) for _ in range(3))
        self.logits = torch.zeros_like(self.mlp[-1])
        self.roots: list[Tensor] = []
        self._scaled_gamma = zeros(3 * parts.n_heads, parts.d_head)  # r gamma, summed over points
        self._tilts: list[list[Tensor]] = [[] for _ in parts.layers]  # r c, [b p 3h] per point
        self._normals: list[list[Tensor]] = [[] for _ in parts.layers]  # n, [b p d] per point
        self._scale: list[Tensor] = [self.logits] * len(parts.layers)  # r, [b p 1] of the current point

    def _sum_into(self, tensor: Tensor, total: Tensor) -> Tensor:
        def add(gradient: Tensor) -> None:
            total.add_(gradient[:, self.start :], alpha=1 / self.points)

        _on_gradient(tensor, add)
        return tensor

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        """Keep the scale and output of the attention's norm at this point."""
        normal, self._scale[layer] = self.parts.layers[layer].attention_norm.normalise(x[:, self.start :].detach())
        if not self.frozen:
            self._normals[layer].append(normal.to(x.dtype))
            self._tilts[layer].append(torch.zeros_like(self._scaled_gamma[layer][..., 0]))
        return x

    def project(self, layer: int, first: int, out: Tensor) -> Tensor:
        """Sum r gamma and keep r c of these destinations when the gradient arrives."""
        projected = out[:, self.start :].detach()
        out = self._as_root(layer, out)
        _on_gradient(out, lambda gradient: self.add_gamma(layer, first, projected, gradient[:, self.start :]))
        return out

    def add_gamma(
        self, layer: int, first: int, projected: Float[Tensor, "b p n k"], gamma: Float[Tensor, "b p n k"]
    ) -> None:
        """Sum r gamma and keep r c of the destinations first ... first + n - 1 of a layer, at the current point.

        Args:
            layer: Index of the layer.
            first: First of the destinations.
            projected: Their queries, keys or values, from `start` on.
            gamma: Gradients there, as many; several calls at one point add up.
        """
        columns, scale = slice(first, first + gamma.shape[2]), self._scale[layer] / self.points
        self._scaled_gamma[layer][:, :, columns].addcmul_(gamma, scale[..., None])
        if not self.frozen:
            products = torch.linalg.vecdot((projected - self.weights.const[layer][columns]).to(gamma), gamma)
            self._tilts[layer][-1][:, :, columns] += products * (scale / self.parts.d_model)

    def _as_root(self, layer: int, tensor: Tensor) -> Tensor:
        """In the first layer, a leaf of the graph: the backward pass need not go further, to the embeddings."""
        if layer == 0:
            tensor = tensor.detach().requires_grad_()
            self.roots.append(tensor)
        return tensor

    def attention_output(self, layer: int, _heads: Tensor, out: Tensor) -> Tensor:
        """Sum the gradient at what attention writes."""
        return self._sum_into(out, self.attention[layer])

    def mlp_input(self, layer: int, x: Tensor) -> Tensor:
        """Sum the gradient that flows back through the MLP's norm.

        A view is a separate branch of the graph, so the gradient along the residual stream is not included.
        """
        view = x.view_as(x)
        return self._sum_into(self._as_root(layer, view) if self.parts.parallel else view, self.mlp_in[layer])

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        """Sum the gradient at what the MLP writes."""
        return self._sum_into(out, self.mlp[layer])

    def logits_input(self, x: Tensor) -> Tensor:
        """Sum the gradient that flows back through the final norm."""
        return self._sum_into(x.view_as(x), self.logits)

    def read_gradients(self, layer: int, chunk: slice, out: Float[Tensor, "n t d"]) -> None:
        """Fill `out` with gradients at the residual stream that each destination of a layer reads.

        Args:
            layer: Index of the layer.
            chunk: Which tokens of the flattened batch.
            out: Filled in place: n = 3H + 1 destinations, the heads' q, k and v, then the MLP.
        """
        gamma, out[-1] = (values[layer].flatten(0, 1)[chunk] for values in (self._scaled_gamma, self.mlp_in))
        heads = torch.bmm(gamma.transpose(0, 1).to(out), self.weights.read[layer], out=out[:-1])
        for tilt, normal in zip(self._tilts[layer], self._normals[layer], strict=True):
            tilts, normals = tilt.flatten(0, 1)[chunk].T.to(out), normal.flatten(0, 1)[chunk].to(out)
            heads.addcmul_(tilts[..., None], normals, value=-1)


def compute_gradients(
    batch: PairBatch, head_weights: HeadWeights, points: Sequence[float], frozen: bool, offload: bool
) -> Gradients:
    """Mean gradients over points on the line from the corrupted (0) to the clean (1) token embeddings.

    Takes one forward and one backward pass per point.

    Args:
        batch: The prompt pairs.
        head_weights: Read matrices of the model.
        points: Positions on the line, between 0 and 1.
        frozen: If True, no gradient flows through the scale of norms.
        offload: If True, activations saved for the backward pass are kept in main memory.
    """
    gradients = Gradients(batch, head_weights, len(points), frozen)
    clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
    saved = torch.autograd.graph.save_on_cpu() if offload else nullcontext()
    with hooked(batch.parts, gradients), torch.enable_grad(), saved:
        for point in points:
            torch.autograd.grad(batch.metric(torch.lerp(corrupted, clean, point)).sum(), gradients.roots)
            gradients.roots.clear()  # their hooks refer to `gradients`: the cycle would keep it alive after its batch
    return gradients


def _on_gradient(tensor: Tensor, hook: Callable[[Tensor], None]) -> None:
    tensor.register_hook(hook)  # type: ignore[no-untyped-call] # torch does not annotate this method
