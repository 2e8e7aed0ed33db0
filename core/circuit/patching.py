"""Running a circuit: every path outside it carries what it carries on the corrupted prompt.

The input of destination v becomes x + sum_u (1 - keep[u, v]) (z_u(x') - z_u), z_u being what source u writes in
this very run, so earlier patches are felt by later modules and the result is exact.
"""

from collections.abc import Callable, Collection, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.graph import destination_columns, destinations, source_rows, sources
from core.circuit.passes import CLEAN, CORRUPTED, Batch, Contrast, Record, Visitor, accurate, batches, visited
from core.models.families import Anatomy, anatomy


def patched(
    model: nn.Module, contrasts: Sequence[Contrast], keep: Float[Tensor, "f b"], batch_size: int = 8
) -> Float[Tensor, " n"]:
    """The metric of each contrast with only the edges of `keep` (1 = clean, 0 = corrupted) intact, in logits.

    Rows and columns as in `graph.sources` and `graph.destinations`. All ones is the clean run, all zeros
    the corrupted one. Masks with equal columns, such as `keep_modules` makes, cost little more than a plain run.
    """
    return patched_each(model, contrasts, [keep], batch_size)[0]


@torch.no_grad()
def patched_each(
    model: nn.Module, contrasts: Sequence[Contrast], keeps: Sequence[Float[Tensor, "f b"]], batch_size: int = 8
) -> Float[Tensor, "k n"]:
    """`patched` for several masks, which share the corrupted run."""
    parts = anatomy(model)
    result = torch.zeros(len(keeps), len(contrasts), dtype=accurate(parts.embed.weight))
    masks = [torch.unique(1 - keep.to(result), dim=1, return_inverse=True) for keep in keeps]
    for chosen, batch in batches(parts, contrasts, batch_size):
        corrupted = Record()
        with visited(parts, corrupted):
            batch.metric(batch.embeddings(CORRUPTED))
        for row, (drop, which) in enumerate(masks):
            with visited(parts, _Patch(batch, drop, which, corrupted)):
                result[row, chosen] = batch.metric(batch.embeddings(CLEAN)).to(result)
    return result


def keep_modules(parts: Anatomy, modules: Collection[str]) -> Float[Tensor, "f b"]:
    """The mask in which `modules` and the input write what they compute, and all others are corrupted."""
    rows = torch.tensor([float(name == "input" or name in modules) for name in sources(parts)])
    return rows[:, None].expand(-1, len(destinations(parts)))


def module_effects(
    model: nn.Module, contrasts: Sequence[Contrast], modules: Sequence[str], batch_size: int = 8
) -> Float[Tensor, "n modules"]:
    """Exact change of the metric when one module alone is corrupted: what node scores approximate, in logits."""
    parts = anatomy(model)
    keeps = [keep_modules(parts, set(parts.modules) - {name}) for name in modules]
    changed = patched_each(model, contrasts, [keep_modules(parts, parts.modules), *keeps], batch_size)
    return (changed[1:] - changed[0]).T


class _Patch(Visitor):
    """Adds to what each norm reads the corruption meant for its destination.

    Destinations with equal mask columns get equal corruption, so one sum is kept for each distinct column:
    drop is 1 - keep with each column once, [f c], and which says where the column of each destination is, [b].
    """

    def __init__(self, batch: Batch, drop: Tensor, which: Tensor, corrupted: Record) -> None:
        embeddings = batch.embeddings(CORRUPTED) - batch.embeddings(CLEAN)
        self.parts, self.corrupted, self.x = batch.parts, corrupted, embeddings
        self.drop, self.which, self.columns = drop.to(embeddings), which.to(embeddings.device), which.tolist()
        self.shift = torch.einsum("c,bpd->cbpd", self.drop[0], embeddings)

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        self.x = x
        return x + self.shift[self.columns[destination_columns(self.parts, layer).start]]

    def project(self, layer: int, first: int, out: Tensor, again: Callable) -> Tensor:
        start = destination_columns(self.parts, layer).start
        which = self.which[start + first : start + first + out.shape[2]]
        for column in set(which.tolist()) - {self.columns[start]}:
            out = torch.where((which == column)[:, None], again(self.x + self.shift[column]), out)
        return out

    def heads(self, layer: int, out: Tensor) -> Tensor:
        drop = self.drop[source_rows(self.parts, layer)]
        moved = torch.einsum("hc,bphk->cbphk", drop, self.corrupted.head[layer] - out).flatten(3)
        write = self.parts.layers[layer].attention_out.forward  # not the module: its hooks would run again
        self.shift = self.shift + write(moved) - write(torch.zeros_like(moved[0, 0, 0]))
        return out

    def mlp_input(self, layer: int, x: Tensor) -> Tensor:
        return x + self.shift[self.columns[destination_columns(self.parts, layer).stop]]

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        drop = self.drop[source_rows(self.parts, layer).stop]
        self.shift = self.shift + torch.einsum("c,bpd->cbpd", drop, self.corrupted.mlp[layer] - out)
        return out

    def logits_input(self, x: Tensor) -> Tensor:
        return x + self.shift[self.columns[-1]]
