"""LoRA coordinates of each module: disjoint blocks of rows of B and columns of A (docs/method.md, section 0).

A module is one attention head or MLP. A head owns its rows of B in q, k and v and its columns of A in the output
projection. An MLP owns all rows of B of its input projections and all columns of A of its output projection. The other
factor of each linear layer stays fixed, so the adapter's delta is linear in the coordinates that are trained.

An adapter need not reach every linear layer: a module without LoRA weights owns no coordinates, and nothing moves it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.models.families import Layer, Projection, anatomy
from core.types import Group

OwnedRange = tuple[nn.Parameter, int, int, int, tuple[str, ...]]  # (parameter, dim, start, stop, owners), see Block


@dataclass(frozen=True, slots=True)
class Block:
    """A range of one LoRA parameter that one module owns, or several query heads that share keys and values.

    Attributes:
        parameter: Name of the parameter.
        dim: Dimension of the range: 0 for rows of B, 1 for columns of A.
        start: First row or column.
        stop: Row or column after the last one.
        owners: Names of the modules.
    """

    parameter: str
    dim: int
    start: int
    stop: int
    owners: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """All blocks of a model, and its LoRA coordinates as one matrix [row, rank].

    The rows of that matrix are the rows of B and the columns of A of all layers. A tensor of this shape is called flat.
    Unlearning computes on flat tensors, so a step takes a few operations for any number of layers.

    Attributes:
        blocks: All blocks, in model order.
        cells: Each distinct set of owners.
        parameters: The LoRA parameters by name.
        dims: `Block.dim` of each parameter.
        cell_of: [row] index of the cell that each row belongs to.
    """

    blocks: tuple[Block, ...]
    cells: tuple[tuple[str, ...], ...]
    parameters: Mapping[str, nn.Parameter]
    dims: Mapping[str, int]
    cell_of: Tensor

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of all modules that own coordinates, each once."""
        return tuple(dict.fromkeys(owner for owners in self.cells for owner in owners))

    def by_module(self, values: Tensor) -> dict[str, Tensor]:
        """Sum values [..., cell] over each module's cells; a cell with several owners counts for each of them."""
        return {name: values[..., [name in owners for owners in self.cells]].sum(-1) for name in self.modules}

    def flat(self, values: Sequence[Tensor]) -> Tensor:
        """Join tensors in the shapes and order of the parameters into one flat tensor, in float32 on one device.

        Rows of layers with a smaller LoRA rank are padded with zeros.
        """
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
        cut = [part[:, :rank] for part, rank in zip(torch.split(flat, sizes), ranks, strict=True)]
        return [part if dim == 0 else part.T for part, dim in zip(cut, self.dims.values(), strict=True)]

    def weights(self) -> Tensor:
        """Flat copy of the parameters."""
        return self.flat([parameter.detach() for parameter in self.parameters.values()])

    @torch.no_grad()
    def write(self, flat: Tensor) -> None:
        """Copy a flat tensor into the parameters."""
        for parameter, value in zip(self.parameters.values(), self.parts(flat), strict=True):
            parameter.copy_(value)

    @contextmanager
    def holding(self, flat: Tensor) -> Iterator[None]:
        """Copy a flat tensor into the parameters inside the context, and restore them afterwards."""
        before = self.weights()
        self.write(flat)
        try:
            yield
        finally:
            self.write(before)

    def inner(self, left: Tensor, right: Tensor) -> Tensor:
        """Inner product of two flat tensors in each cell, [cell]."""
        return left.new_zeros(len(self.cells)).index_add_(0, self.cell_of, (left * right).sum(1))


def layout(model: nn.Module, adapter: str = "default") -> Layout:
    """Layout of a PEFT model's adapter.

    Args:
        model: A PEFT model.
        adapter: PEFT's name of the adapter.

    Raises:
        ModelError: The adapter reaches no attention and no MLP layer.
    """
    parts = anatomy(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    owned = [
        (parameter, Block(names[id(parameter)], dim, start, stop, owners))
        for number, layer in enumerate(parts.layers)
        for parameter, dim, start, stop, owners in _layer_ranges(layer, number, parts.n_heads, adapter)
    ]
    if not owned:
        raise ModelError(
            "The adapter reaches no attention and no MLP layer: train it with target_modules='all-linear' or "
            "['q_proj', 'v_proj']."
        )
    blocks = tuple(block for _, block in owned)
    cells = tuple(dict.fromkeys(block.owners for block in blocks))
    parameters = {block.parameter: parameter for parameter, block in owned}
    dims = {block.parameter: block.dim for block in blocks}
    index = {name: torch.zeros(p.shape[dims[name]], dtype=torch.long) for name, p in parameters.items()}
    for block in blocks:
        index[block.parameter][block.start : block.stop] = cells.index(block.owners)
    device = next(iter(parameters.values())).device
    return Layout(
        blocks, cells, parameters, {name: dims[name] for name in parameters}, torch.cat([*index.values()]).to(device)
    )


def cell_groups(cells: tuple[tuple[str, ...], ...], groups: Mapping[str, Group]) -> tuple[Group, ...]:
    """Group of each cell.

    A cell is in its owners' common group. If any owner is OUTSIDE, the cell is OUTSIDE too and stays fixed; otherwise
    it is SHARED if its owners are in different groups.
    """
    return tuple(_common_group({groups[owner] for owner in owners}) for owners in cells)


def _common_group(groups: set[Group]) -> Group:
    if Group.OUTSIDE in groups:
        return Group.OUTSIDE
    return groups.pop() if len(groups) == 1 else Group.SHARED


def _layer_ranges(layer: Layer, number: int, heads: int, adapter: str) -> Iterator[OwnedRange]:
    """The ranges of all modules of one layer, of those linear layers that the adapter reaches."""
    names = [f"a{number}.h{head}" for head in range(heads)]
    for projection in (layer.q, layer.k, layer.v):
        yield from _projection_ranges(projection, names, adapter)
    for columns in _lora(layer.attention_out, "lora_A", adapter):
        size = columns.shape[1] // heads
        for head, name in enumerate(names):
            yield columns, 1, head * size, (head + 1) * size, (name,)
    for linear in layer.mlp_in:
        for rows in _lora(linear, "lora_B", adapter):
            yield rows, 0, 0, rows.shape[0], (f"m{number}",)
    for columns in _lora(layer.mlp_out, "lora_A", adapter):
        yield columns, 1, 0, columns.shape[1], (f"m{number}",)


def _projection_ranges(projection: Projection, names: list[str], adapter: str) -> Iterator[OwnedRange]:
    """The rows of B of one projection; with grouped queries several heads own one range."""
    share = len(names) // projection.count
    for rows in _lora(projection.linear, "lora_B", adapter):
        for head in range(projection.count):
            span = projection.rows(head)
            yield rows, 0, span.start, span.stop, tuple(names[head * share : (head + 1) * share])


def _lora(linear: nn.Module, factor: str, adapter: str) -> list[nn.Parameter]:
    """The adapter's factor at a linear layer; none where it does not reach it."""
    factors = getattr(linear, factor, {})
    return [factors[adapter].weight] if adapter in factors else []
