"""Each objective against a number worked out by hand."""

import math

import pytest
import torch

from core.models.batches import Batch
from core.unlearning.objectives import ASCENT_CAP, ascend, distil, keep, npo, teacher_logits


def batch(tokens: list[int]) -> Batch:
    empty = torch.zeros(0, dtype=torch.long)
    return Batch(empty, empty, empty, empty, empty, torch.tensor(tokens), empty, empty)


NONE = torch.empty(0)


def test_teacher_takes_away_only_what_overfitting_raised():
    original, augmented = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[2.0, 1.0, 0.5]])
    assert torch.equal(teacher_logits(original, augmented), torch.tensor([[-1.0, 2.0, -1.0]]))


def test_distil_is_the_kl_divergence_from_the_teacher():
    """Teacher (3/4, 1/4) against model (1/2, 1/2): .75 ln 1.5 + .25 ln .5."""
    loss = distil(torch.zeros(1, 2), batch([0]), NONE, torch.tensor([[math.log(3.0), 0.0]]))
    assert loss.item() == pytest.approx(0.75 * math.log(1.5) + 0.25 * math.log(0.5))


def test_ascent_is_capped():
    """Model gives the answer 1/2: cap - ln 2. A model already past the cap gets no gradient."""
    assert ascend(torch.zeros(1, 2), batch([0]), NONE, NONE).item() == pytest.approx(ASCENT_CAP - math.log(2))
    logits = torch.tensor([[-9.0, 9.0]], requires_grad=True)
    ascend(logits, batch([0]), NONE, NONE).backward()
    assert not logits.grad.any()


def test_npo_by_hand():
    """p = p0: -(2/.1) ln sigmoid(0) = 20 ln 2; less probable than before: smaller."""
    flat = torch.zeros(1, 2)
    assert npo(flat, batch([0]), flat, NONE).item() == pytest.approx(20 * math.log(2), rel=1e-5)
    assert npo(torch.tensor([[-1.0, 1.0]]), batch([0]), flat, NONE) < npo(flat, batch([0]), flat, NONE)


def test_keep_adds_the_drift_from_the_original():
    """Equal to the original only the answers' loss ln 2 is left; (1/2,1/2) away from (3/4,1/4) adds that KL."""
    flat, original = torch.zeros(1, 2), torch.tensor([[math.log(3.0), 0.0]])
    assert keep(flat, batch([0]), flat).item() == pytest.approx(math.log(2))
    drift = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert keep(flat, batch([0]), original).item() == pytest.approx(math.log(2) + drift)
