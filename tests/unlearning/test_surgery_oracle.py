"""Gradient surgeries: equal to TorchJD, an independent implementation, on random gradients."""

import pytest
import torch

from core.unlearning.gradient_surgery import SURGERY, Gram

aggregation = pytest.importorskip("torchjd.aggregation", reason="torchjd is in the extra `dev`")
WEIGHTS = (0.4, 0.6)
CELLS = 50


def upgrad():
    pytest.importorskip("quadprog")
    return aggregation.UPGrad(pref_vector=torch.tensor(WEIGHTS, dtype=torch.float64))


# Name of the surgery: its weights and TorchJD's counterpart. TorchJD's PCGrad has no weights.
ORACLES = {
    "sum": (WEIGHTS, lambda: aggregation.Constant(torch.tensor(WEIGHTS, dtype=torch.float64))),
    "pcgrad": ((1.0, 1.0), lambda: aggregation.PCGrad()),
    "upgrad": (WEIGHTS, upgrad),
    "mgda": (WEIGHTS, lambda: aggregation.MGDA(epsilon=1e-9, max_iters=10_000)),
}


@pytest.mark.parametrize("name", ORACLES)
@pytest.mark.parametrize("seed", range(3))
def test_surgery_gives_the_direction_of_torchjd(name, seed):
    weights, oracle = ORACLES[name]
    aggregate = oracle()
    f, r = torch.randn(2, CELLS, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    gram = Gram((f * f).sum(1), (f * r).sum(1), (r * r).sum(1))
    assert (gram.fr < 0).any() and (gram.fr > 0).any()
    a, b = SURGERY[name](gram, *weights)
    found = a[:, None] * f + b[:, None] * r
    expected = torch.stack([aggregate(torch.stack(pair)) for pair in zip(f, r, strict=True)])
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
