"""Gradients of the metric with respect to all that modules write and read, summed over points while they flow back."""

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from jaxtyping import Float
from torch import Tensor

from core.circuit.head_weights import Weights
from core.circuit.hooks import CLEAN, CORRUPTED, Batch, Visitor, visited
from core.models.norms import accurate


class Slopes(Visitor):
    """Means over the points of dM/d(everything written and read), from `batch.start` on.

    The gradient at a head's q, k or v input is never formed here. With gamma the gradient at the projection's
    output, r and n the norm's scale and output before its weight, and R and const the head's `space.Weights`, it is
        R'(r gamma) - (r c) n,   c = <q - const, gamma> / d,
    so r gamma is summed over the points, r c and n are kept for each, and one product is left to the end.
    Where scales are frozen (RelP), c is dropped.
    """

    def __init__(self, batch: Batch, weights: Weights, points: int, frozen: bool) -> None:
        parts, shape = batch.parts, (len(batch.mask), batch.mask.shape[1] - batch.start)
        self.parts, self.weights, self.start, self.points, self.frozen = parts, weights, batch.start, points, frozen

        def zeros(*more: int) -> list[Tensor]:
            weights = [layer.attention_out.weight for layer in parts.layers]
            return [torch.zeros(*shape, *more, dtype=accurate(w), device=w.device) for w in weights]

        self.attention, self.mlp, self.mlp_in = (zeros(parts.d_model) for _ in range(3))
        self.logits = torch.zeros_like(self.mlp[-1])
        self.roots: list[
            Tensor
        ] = []  # the first layer's q, k and v and, if its MLP does not read those heads, its input
        self.gamma = zeros(3 * parts.n_heads, parts.d_head)  # r gamma
        self.tilt: list[list[Tensor]] = [[] for _ in parts.layers]  # r c, [b p 3H] a point
        self.normal: list[list[Tensor]] = [[] for _ in parts.layers]  # n, [b p d] a point
        self.scale: list[Tensor] = [self.logits] * len(parts.layers)  # r, [b p 1] of the present point

    def _gather(self, tensor: Tensor, total: Tensor) -> Tensor:
        def gather(slope: Tensor) -> None:
            total.add_(slope[:, self.start :], alpha=1 / self.points)

        tensor.register_hook(gather)
        return tensor

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        normal, self.scale[layer] = self.parts.layers[layer].attention_norm.normalise(x[:, self.start :].detach())
        if not self.frozen:
            self.normal[layer].append(normal.to(x.dtype))
            self.tilt[layer].append(torch.zeros_like(self.gamma[layer][..., 0]))
        return x

    def project(self, layer: int, first: int, out: Tensor) -> Tensor:
        places = slice(first, first + out.shape[2])
        const, gamma = self.weights.const[layer][places], self.gamma[layer][:, :, places]
        seen = out[:, self.start :].detach()

        def gather(slope: Tensor) -> None:
            slope, scale = slope[:, self.start :], self.scale[layer] / self.points
            gamma.addcmul_(slope, scale[..., None])
            if not self.frozen:
                tilt = torch.linalg.vecdot((seen - const).to(slope), slope)
                self.tilt[layer][-1][:, :, places] = tilt * (scale / self.parts.d_model)

        out = self._rooted(layer, out)
        out.register_hook(gather)
        return out

    def _rooted(self, layer: int, tensor: Tensor) -> Tensor:
        """Gradients are wanted from the first layer on, not as far back as the embeddings."""
        if layer == 0:
            tensor = tensor.detach().requires_grad_()
            self.roots.append(tensor)
        return tensor

    def attention_output(self, layer: int, heads: Tensor, out: Tensor) -> Tensor:
        return self._gather(out, self.attention[layer])

    # A view is a branch of its own: its gradient comes through the norm and not along the residual stream.
    def mlp_input(self, layer: int, x: Tensor) -> Tensor:
        view = x.view_as(x)
        return self._gather(self._rooted(layer, view) if self.parts.parallel else view, self.mlp_in[layer])

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        return self._gather(out, self.mlp[layer])

    def logits_input(self, x: Tensor) -> Tensor:
        return self._gather(x.view_as(x), self.logits)

    def pull(self, layer: int, chunk: slice, out: Float[Tensor, "n t d"]) -> None:
        """Fills `out` with the gradient at each head's q, k and v input, last that at the MLP's, at some tokens."""
        gamma, out[-1] = (values[layer].flatten(0, 1)[chunk] for values in (self.gamma, self.mlp_in))
        heads = torch.bmm(gamma.transpose(0, 1).to(out), self.weights.read[layer], out=out[:-1])
        for tilt, normal in zip(self.tilt[layer], self.normal[layer], strict=True):
            tilts, normals = tilt.flatten(0, 1)[chunk].T.to(out), normal.flatten(0, 1)[chunk].to(out)
            heads.addcmul_(tilts[..., None], normals, value=-1)


def slopes(batch: Batch, weights: Weights, points: Sequence[float], frozen: bool, offload: bool) -> Slopes:
    """One forward and one backward pass a point on the line from x' (0) to x (1)."""
    found = Slopes(batch, weights, len(points), frozen)
    clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
    place = torch.autograd.graph.save_on_cpu() if offload else nullcontext()
    with visited(batch.parts, found), torch.enable_grad(), place:
        for point in points:
            torch.autograd.grad(batch.metric(torch.lerp(corrupted, clean, point)).sum(), found.roots)
            found.roots.clear()  # their hooks hold `found`: it would outlive its batch
    return found
