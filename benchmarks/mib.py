"""How good a ranking of edges is, by MIB's conventions (Mueller et al. 2025, arXiv 2504.13151).

f at a share k of all edges is the faithfulness of the circuit of the top k; CPR is the area under f over k with
edges ranked by how much they support the metric, and CMD the area of |1 - f| with edges ranked by strength, both by
the trapezoid rule. Scores here are effects of corrupting: what supports the metric has a negative one.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.graph import paths
from core.circuit.hooks import Contrast
from core.circuit.patching import patched_each
from core.circuit.pruning import top
from core.models.families import anatomy

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def metrics_by_share(
    model: nn.Module, contrasts: Sequence[Contrast], scores: Float[Tensor, "f b"], absolute: bool, batch_size: int = 8
) -> Float[Tensor, "k n"]:
    """The metric of each contrast with the top edges kept, for each of SHARES."""
    parts = anatomy(model)
    total = int(paths(parts).sum())
    keeps = [top(parts, -scores, int(share * total), absolute).float() for share in SHARES]
    return patched_each(model, contrasts, keeps, batch_size)


def cpr(metric: Float[Tensor, "k n"], clean: Float[Tensor, " n"], corrupted: Float[Tensor, " n"]) -> float:
    """Circuit performance ratio, larger is better; `metric` with signs."""
    return _area(_faithfulness(metric, clean, corrupted))


def cmd(metric: Float[Tensor, "k n"], clean: Float[Tensor, " n"], corrupted: Float[Tensor, " n"]) -> float:
    """Circuit-model distance, smaller is better; `metric` by strength."""
    return _area((1 - _faithfulness(metric, clean, corrupted)).abs())


def _faithfulness(metric: Tensor, clean: Tensor, corrupted: Tensor) -> Float[Tensor, " k"]:
    empty, full = corrupted.mean(), clean.mean()
    return (metric.mean(1) - empty) / (full - empty)


def _area(values: Float[Tensor, " k"]) -> float:
    return torch.trapezoid(values, torch.tensor(SHARES, dtype=values.dtype)).item()
