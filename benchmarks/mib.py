"""Faithfulness of a ranking of edges by the metrics of MIB (Mueller et al. 2025, arXiv 2504.13151).

1. For each share k of all edges, keep the k top edges and run the circuit.
2. Faithfulness f(k) = (M(circuit) - M(empty)) / (M(full) - M(empty)), where M is the mean metric over prompt pairs.
3. CPR is the area under f over k, with edges ranked by how much they support the metric (signed).
   CMD is the area under |1 - f| over k, with edges ranked by absolute score.
   Both areas use the trapezoid rule.

A score is the effect of corrupting an edge: an edge that supports the metric has a negative score.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.graph import paths
from core.circuit.patching import run_circuits
from core.circuit.prompt_pairs import PromptPair
from core.circuit.pruning import top
from core.models.families import anatomy

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def metrics_by_share(
    model: nn.Module,
    pairs: Sequence[PromptPair],
    scores: Float[Tensor, "sources destinations"],
    absolute: bool,
    batch_size: int = 8,
) -> Float[Tensor, "k n"]:
    """Metric of each pair in logits, while only the top edges are kept, for each share in SHARES.

    Args:
        model: A Hugging Face causal LM.
        pairs: The prompt pairs.
        scores: Score of each edge.
        absolute: Rank edges by absolute score; if False, by how much they support the metric.
        batch_size: Pairs per batch.
    """
    parts = anatomy(model)
    total = int(paths(parts).sum())
    keeps = [top(parts, -scores, int(share * total), absolute).float() for share in SHARES]
    return run_circuits(model, pairs, keeps, batch_size)


def cpr(metric: Float[Tensor, "k n"], clean: Float[Tensor, " n"], corrupted: Float[Tensor, " n"]) -> float:
    """Circuit performance ratio, larger is better; for a `metric` of edges ranked by signed score."""
    return _area(_faithfulness(metric, clean, corrupted))


def cmd(metric: Float[Tensor, "k n"], clean: Float[Tensor, " n"], corrupted: Float[Tensor, " n"]) -> float:
    """Circuit-model distance, smaller is better; for a `metric` of edges ranked by absolute score."""
    return _area((1 - _faithfulness(metric, clean, corrupted)).abs())


def _faithfulness(metric: Tensor, clean: Tensor, corrupted: Tensor) -> Float[Tensor, " k"]:
    empty, full = corrupted.mean(), clean.mean()
    return (metric.mean(1) - empty) / (full - empty)


def _area(values: Float[Tensor, " k"]) -> float:
    return torch.trapezoid(values, torch.tensor(SHARES, dtype=values.dtype)).item()
