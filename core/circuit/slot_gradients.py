"""Gradients at what modules read, split by the part of the prompt in which the modules write.

An attention head reads keys and values in one part of the prompt and writes in another. With G the gradient of the
metric M at the heads' outputs and p a part of the prompt, the gradient at a head's q, k or v that goes through its
writing in p is the vector-Jacobian product of the layer's attention alone:

    gamma_p = (G restricted to the tokens of p)^T d(heads) / d(q, k, v)

The sum of gamma_p over all parts is the whole gradient. MLPs and the logits write where they read.

Source: edges between positions, Haklay et al. 2025, "Position-aware Automatic Circuit Discovery", arXiv 2502.04577.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.gradients import Gradients
from core.circuit.head_weights import HeadWeights
from core.circuit.hooks import hooked
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, PairBatch


class SlotGradients(Gradients):
    """Gradients of M, means over points, for each part of the prompt (`PromptPair.slots`) on its own.

    Attributes:
        by_slot: For each part, the gradients that go through what is written in it.
    """

    def __init__(self, batch: PairBatch, head_weights: HeadWeights, points: int, frozen: bool, slots: int) -> None:
        super().__init__(batch, head_weights, points, frozen)
        self.by_slot = [Gradients(batch, head_weights, points, frozen) for _ in range(slots)]
        self._masks = [(batch.slots == slot)[..., None] for slot in range(slots)]  # [b, p, 1]
        self._projected: list[list[tuple[int, Tensor]]] = [[] for _ in self.parts.layers]
        self._heads: list[Tensor] = []

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        """Keep the scale and output of the attention's norm at this point, for every part of the prompt."""
        for gradients in self.by_slot:
            gradients.attention_input(layer, x)
        return x

    def project(self, layer: int, first: int, out: Tensor) -> Tensor:
        """Keep these destinations, to which `add_point` takes the gradient back."""
        out = self._as_root(layer, out)
        self._projected[layer].append((first, out))
        return out

    @contextmanager
    def heads_kept(self) -> Iterator[None]:
        """Keep the heads' outputs, with their graph, of the forward pass inside the context."""

        def keep(_module: nn.Module, args: tuple[Any, ...]) -> None:
            self._heads.append(args[0])

        handles = [  # in front: in the last layer, a later hook cuts off all positions but the last
            layer.attention_out.register_forward_pre_hook(keep, prepend=True) for layer in self.parts.layers
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def add_point(self, metric: Float[Tensor, ""]) -> None:
        """Take the gradient of the metric of the forward pass that was just run, and split it by part."""
        found = torch.autograd.grad(metric, [*self.roots, *self._heads], retain_graph=True)
        for layer, gradient in enumerate(found[len(self.roots) :]):
            firsts, projected = zip(*self._projected[layer], strict=True)
            for gradients, mask in zip(self.by_slot, self._masks, strict=True):
                gammas = torch.autograd.grad(
                    self._heads[layer], projected, gradient * mask.to(gradient), retain_graph=True
                )
                for first, out, gamma in zip(firsts, projected, gammas, strict=True):
                    gradients.add_gamma(layer, first, out[:, self.start :].detach(), gamma[:, self.start :])
            self._projected[layer].clear()
        self.roots.clear()
        self._heads.clear()

    def share_rest(self) -> None:
        """Give each part its share of the gradients at the MLPs and the logits, after the last point."""
        for gradients, mask in zip(self.by_slot, self._masks, strict=True):
            here = mask[:, self.start :]
            gradients.mlp_in = [values * here.to(values) for values in self.mlp_in]
            gradients.logits = self.logits * here.to(self.logits)


def compute_slot_gradients(
    batch: PairBatch, head_weights: HeadWeights, points: Sequence[float], frozen: bool, slots: int
) -> list[Gradients]:
    """Gradients for each part of the prompt, means over points as in `gradients.compute_gradients`.

    Takes one forward and one backward pass per point, and for each part the backward pass of the attentions alone.
    Holds L tensors [b, p, 3H, d_head] for each part.

    Args:
        batch: The prompt pairs.
        head_weights: Read matrices of the model.
        points: Positions on the line, between 0 and 1.
        frozen: If True, no gradient flows through the scale of norms.
        slots: Number of parts.
    """
    gradients = SlotGradients(batch, head_weights, len(points), frozen, slots)
    clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
    with hooked(batch.parts, gradients), gradients.heads_kept(), torch.enable_grad():
        for point in points:
            gradients.add_point(batch.metric(torch.lerp(corrupted, clean, point)).sum())
    gradients.share_rest()
    return gradients.by_slot
