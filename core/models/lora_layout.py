"""Which LoRA coordinates a module owns: disjoint blocks of rows of B and columns of A (method section 0).

A head owns its rows of B in q, k, v and its columns of A in o; an MLP owns all rows of B in its inputs and all
columns of A in its output. The other factor stays fixed, so the adapter's delta is linear in what moves.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.models.families import Layer, Projection, anatomy
from core.types import Group


@dataclass(frozen=True, slots=True)
class Block:
    """[start, stop) along `dim` of one LoRA parameter, owned by one module, or by the query heads that share it."""

    parameter: str
    dim: int
    start: int
    stop: int
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """All blocks of a model, and its coordinates as one matrix [row, rank]: rows of B and columns of A, one after another.

    cells: each distinct set of owners; cell_of: [row] which cell a row belongs to. Values with a row for each of these
    rows are called flat here: all arithmetic of unlearning is a few operations on them, however many layers there are.
    """

    blocks: tuple[Block, ...]
    cells: tuple[tuple[str, ...], ...]
    parameters: Mapping[str, nn.Parameter]
    dims: Mapping[str, int]
    cell_of: Tensor

    @property
    def modules(self) -> tuple[str, ...]:
        """Every module that owns coordinates, each once."""
        return tuple(dict.fromkeys(owner for owners in self.cells for owner in owners))

    def by_module(self, values: Tensor) -> dict[str, Tensor]:
        """Values [..., cell] summed over each module's cells; a cell of several modules counts for each."""
        return {name: values[..., [name in owners for owners in self.cells]].sum(-1) for name in self.modules}

    def flat(self, values: Sequence[Tensor]) -> Tensor:
        """Values [row, rank] in float32, on one device, of tensors that are shaped as the parameters, in their order."""
        device = self.cell_of.device
        rows = [
            (value if dim == 0 else value.T).to(device, torch.float32)
            for value, dim in zip(values, self.dims.values(), strict=True)
        ]
        rank = max(row.shape[1] for row in rows)
        return torch.cat([nn.functional.pad(row, (0, rank - row.shape[1])) for row in rows])

    def parts(self, flat: Tensor) -> list[Tensor]:
        """The inverse of `flat`: views shaped as the parameters."""
        sizes = [p.shape[dim] for p, dim in zip(self.parameters.values(), self.dims.values(), strict=True)]
        ranks = [p.shape[1 - dim] for p, dim in zip(self.parameters.values(), self.dims.values(), strict=True)]
        cut = [part[:, :rank] for part, rank in zip(flat.split(sizes), ranks, strict=True)]
        return [part if dim == 0 else part.T for part, dim in zip(cut, self.dims.values(), strict=True)]

    def weights(self) -> Tensor:
        """A flat copy of what the parameters hold."""
        return self.flat([parameter.detach() for parameter in self.parameters.values()])

    @torch.no_grad()
    def write(self, flat: Tensor) -> None:
        """Put flat values into the parameters."""
        for parameter, value in zip(self.parameters.values(), self.parts(flat), strict=True):
            parameter.copy_(value)

    @contextmanager
    def holding(self, flat: Tensor) -> Iterator[None]:
        """The parameters hold other values for a while."""
        before = self.weights()
        self.write(flat)
        try:
            yield
        finally:
            self.write(before)

    def inner(self, left: Tensor, right: Tensor) -> Tensor:
        """Inner products [cell] of two flat values."""
        return left.new_zeros(len(self.cells)).index_add_(0, self.cell_of, (left * right).sum(1))


def layout(model: nn.Module, adapter: str = "default") -> Layout:
    """The blocks of a PEFT model's adapter. Raises ModelError where a layer has no LoRA weights."""
    parts = anatomy(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    found: list[tuple[nn.Parameter, Block]] = []
    for number, layer in enumerate(parts.layers):
        for parameter, dim, start, stop, owners in _layer_blocks(layer, number, parts.n_heads, adapter):
            found.append((parameter, Block(names[id(parameter)], dim, start, stop, owners)))
    blocks = tuple(block for _, block in found)
    cells = tuple(dict.fromkeys(block.owners for block in blocks))
    parameters = {block.parameter: parameter for parameter, block in found}
    dims = {block.parameter: block.dim for block in blocks}
    index = {name: torch.zeros(p.shape[dims[name]], dtype=torch.long) for name, p in parameters.items()}
    for block in blocks:
        index[block.parameter][block.start : block.stop] = cells.index(block.owners)
    device = next(iter(parameters.values())).device
    return Layout(
        blocks, cells, parameters, {name: dims[name] for name in parameters}, torch.cat([*index.values()]).to(device)
    )


def cell_groups(cells: tuple[tuple[str, ...], ...], groups: Mapping[str, Group]) -> tuple[Group, ...]:
    """The group of each cell. Owners that disagree make it shared; one owner outside keeps it outside, unmoved."""
    result = []
    for owners in cells:
        found = {groups[owner] for owner in owners}
        result.append(Group.OUTSIDE if Group.OUTSIDE in found else found.pop() if len(found) == 1 else Group.SHARED)
    return tuple(result)


def _layer_blocks(layer: Layer, number: int, heads: int, adapter: str):
    """Yield (parameter, dim, start, stop, owners) of one layer."""
    names = [f"a{number}.h{head}" for head in range(heads)]
    for projection in (layer.q, layer.k, layer.v):
        yield from _rows(projection, names, adapter)
    columns = _lora(layer.attention_out, "lora_A", adapter)
    size = columns.shape[1] // heads
    for head, name in enumerate(names):
        yield columns, 1, head * size, (head + 1) * size, (name,)
    for linear in layer.mlp_in:
        rows = _lora(linear, "lora_B", adapter)
        yield rows, 0, 0, rows.shape[0], (f"m{number}",)
    columns = _lora(layer.mlp_out, "lora_A", adapter)
    yield columns, 1, 0, columns.shape[1], (f"m{number}",)


def _rows(projection: Projection, names: list[str], adapter: str):
    """The rows of B of one projection; with grouped queries several heads own one range."""
    rows = _lora(projection.linear, "lora_B", adapter)
    share = len(names) // projection.count
    for head in range(projection.count):
        place = projection.rows(head)
        yield rows, 0, place.start, place.stop, tuple(names[head * share : (head + 1) * share])


def _lora(linear: nn.Module, factor: str, adapter: str) -> nn.Parameter:
    factors = getattr(linear, factor, {})
    if adapter not in factors:
        raise ModelError(
            "The adapter does not reach every attention and MLP layer: train it with target_modules='all-linear'."
        )
    return factors[adapter].weight
