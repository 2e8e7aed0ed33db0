"""Running a circuit: every path outside it carries what it carries on the corrupted prompt.

The input of destination v becomes x + sum_u (1 - keep[u, v]) (z_u(x') - z_u), z_u being what source u writes in
this very run, so earlier patches are felt by later modules and the result is exact.
"""

from collections.abc import Callable, Collection, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.graph import destination_columns, destinations, mlp_sources, sources
from core.circuit.head_weights import Weights, stream, weights
from core.circuit.hooks import CLEAN, CORRUPTED, Batch, Contrast, Record, Visitor, batches, visited
from core.models.families import Anatomy, anatomy
from core.models.norms import accurate

Maker = Callable[[Batch, Record, Weights], Visitor]


def patched(
    model: nn.Module, contrasts: Sequence[Contrast], keep: Float[Tensor, "f b"], batch_size: int = 8, memory: int = 64
) -> Float[Tensor, " n"]:
    """The metric of each contrast with only the edges of `keep` (1 = clean, 0 = corrupted) intact, in logits.

    Rows and columns as in `graph.sources` and `graph.destinations`. All ones is the clean run, all zeros
    the corrupted one. memory: MiB for the largest temporary tensors.
    """
    return patched_each(model, contrasts, [keep], batch_size, memory)[0]


def patched_each(
    model: nn.Module,
    contrasts: Sequence[Contrast],
    keeps: Sequence[Float[Tensor, "f b"]],
    batch_size: int = 8,
    memory: int = 64,
) -> Float[Tensor, "k n"]:
    """`patched` for several masks, which share the corrupted run."""
    return _runs(model, contrasts, [_edges_patch(1 - keep, memory) for keep in keeps], batch_size)


def patched_modules(
    model: nn.Module, contrasts: Sequence[Contrast], circuits: Sequence[Collection[str]], batch_size: int = 8
) -> Float[Tensor, "k n"]:
    """The metric with all modules outside each circuit corrupted: `patched` for masks of whole modules, at the
    price of a plain run."""
    return _runs(model, contrasts, [_modules_patch(set(circuit)) for circuit in circuits], batch_size)


def module_effects(
    model: nn.Module, contrasts: Sequence[Contrast], modules: Sequence[str], batch_size: int = 8
) -> Float[Tensor, "n modules"]:
    """Exact change of the metric when one module alone is corrupted: what node scores approximate, in logits."""
    everything = set(anatomy(model).modules)
    changed = patched_modules(model, contrasts, [everything, *(everything - {name} for name in modules)], batch_size)
    return (changed[1:] - changed[0]).T


def keep_modules(parts: Anatomy, modules: Collection[str]) -> Float[Tensor, "f b"]:
    """The mask in which `modules` and the input write what they compute, and all others are corrupted."""
    rows = torch.tensor([float(name == "input" or name in modules) for name in sources(parts)])
    return rows[:, None].expand(-1, len(destinations(parts)))


@torch.no_grad()
def _runs(
    model: nn.Module, contrasts: Sequence[Contrast], makers: Sequence[Maker], batch_size: int
) -> Float[Tensor, "k n"]:
    parts = anatomy(model)
    opened = weights(parts)
    result = torch.zeros(len(makers), len(contrasts), dtype=accurate(parts.embed.weight))
    for chosen, batch in batches(parts, contrasts, batch_size):
        corrupted = Record(batch.start)
        with visited(parts, corrupted):
            batch.metric(batch.embeddings(CORRUPTED))
        for row, make in enumerate(makers):
            with visited(parts, make(batch, corrupted, opened)):
                result[row, chosen] = batch.metric(batch.embeddings(CLEAN)).to(result)
    return result


def _modules_patch(circuit: set[str]) -> Maker:
    return lambda batch, corrupted, opened: ModulesPatch(batch.parts, corrupted, opened, circuit)


def _edges_patch(drop: Tensor, memory: int) -> Maker:
    return lambda batch, corrupted, opened: _Edges(batch, corrupted, opened, drop, memory)


class _Patch(Visitor):
    """Changes nothing before the record's start, where nothing differs."""

    def __init__(self, parts: Anatomy, corrupted: Record, opened: Weights) -> None:
        self.parts, self.start, self.corrupted, self.weights = parts, corrupted.start, corrupted, opened

    def shifted(self, x: Tensor, shift: Tensor) -> Tensor:
        """x with `shift` added from the start on."""
        return torch.cat([x[:, : self.start], (x[:, self.start :] + shift).to(x.dtype)], 1)


class ModulesPatch(_Patch):
    """Puts the corrupted output of every module outside the circuit in its place."""

    def __init__(self, parts: Anatomy, corrupted: Record, opened: Weights, circuit: Collection[str]) -> None:
        super().__init__(parts, corrupted, opened)
        self.outside = torch.tensor([name not in circuit for name in parts.modules])
        self.outside = self.outside.view(len(parts.layers), -1).to(parts.embed.weight.device)

    def attention_output(self, layer: int, heads: Tensor, out: Tensor) -> Tensor:
        moved = (self.corrupted.head[layer] - heads[:, self.start :]) * self.outside[layer, :-1, None].to(out)
        return self.shifted(out, torch.einsum("bphk,hkd->bpd", moved, self.weights.write[layer].to(out)))

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        moved = self.corrupted.mlp[layer] - out[:, self.start :]
        return self.shifted(out, moved * self.outside[layer, -1].to(out))


class _Edges(_Patch):
    """Adds to what each norm reads the corruption meant for its destination, a chunk of tokens at a time."""

    def __init__(
        self, batch: Batch, corrupted: Record, opened: Weights, drop: Float[Tensor, "f b"], memory: int
    ) -> None:
        super().__init__(batch.parts, corrupted, opened)
        self.drop = drop.to(corrupted.input[0])
        self.heads: list[Tensor] = []  # z(x') - z of the layers that have run
        self.mlps: list[Tensor] = []
        width = (len(drop) + 6 * self.parts.n_heads) * self.parts.d_model * corrupted.input[0].element_size()
        self.tokens = max(1, memory * 2**20 // width)

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        """Computes what every head's q, k and v become; `project` hands them out."""
        x, whole = x[:, self.start :], x
        if layer == 0:
            self.input = self.corrupted.input[0] - x
        norm = self.parts.layers[layer].attention_norm
        read, const = self.weights.read[layer].to(x), self.weights.const[layer]

        def use(shift: Tensor, chunk: slice) -> Tensor:
            normal, _ = norm.normalise(x.flatten(0, 1)[chunk] + shift)
            return torch.einsum("htd,hkd->thk", normal.to(x), read) + const

        heads = self._each(self.drop[:, destination_columns(self.parts, layer)], use)
        self.projected = heads.unflatten(0, x.shape[:2])
        return whole

    def project(self, layer: int, first: int, out: Tensor) -> Tensor:
        new = self.projected[:, :, first : first + out.shape[2]]
        return torch.cat([out[:, : self.start], new.to(out)], 1)

    def _shift(self, columns: Tensor, chunk: slice) -> Float[Tensor, "c t d"]:
        """The corruption meant for each of some destinations, from the sources that have run."""
        heads, mlps = ([value.flatten(0, 1)[chunk] for value in values] for values in (self.heads, self.mlps))
        moved = stream(self.input.flatten(0, 1)[chunk], heads, mlps, self.weights.write)[: len(columns)]
        return torch.einsum("fc,ftd->ctd", columns[: len(moved)], moved)

    def _each(self, columns: Tensor, use: Callable[[Tensor, slice], Tensor]) -> Tensor:
        tokens = self.input[..., 0].numel()
        chunks = (slice(first, first + self.tokens) for first in range(0, tokens, self.tokens))
        return torch.cat([use(self._shift(columns, chunk), chunk) for chunk in chunks])

    def attention_output(self, layer: int, heads: Tensor, out: Tensor) -> Tensor:
        self.heads.append(self.corrupted.head[layer] - heads[:, self.start :])
        return out

    def _shifted(self, x: Tensor, column: Tensor) -> Tensor:
        shift = self._each(column[:, None], lambda shift, chunk: shift[0])
        return self.shifted(x, shift.view_as(x[:, self.start :]))

    def mlp_input(self, layer: int, x: Tensor) -> Tensor:
        stop = mlp_sources(self.parts, layer)
        return self._shifted(x, self.drop[:stop, destination_columns(self.parts, layer).stop])

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        self.mlps.append(self.corrupted.mlp[layer] - out[:, self.start :])
        return out

    def logits_input(self, x: Tensor) -> Tensor:
        return self._shifted(x, self.drop[:, -1])
