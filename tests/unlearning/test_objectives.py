"""Unlearning objectives: each equals a value worked out by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.batching import Batch
from core.unlearning.objectives import ASCENT_CAP, OBJECTIVES, ObjectiveInputs, retain_loss, teacher_logits

FLAT = torch.zeros(1, 2)
LN2 = math.log(2)


def batch(tokens: list[int], owners: list[int]) -> Batch:
    empty = torch.zeros(0, dtype=torch.long)
    labels = torch.ones(max(owners) + 1, dtype=torch.bool)
    return Batch(empty, empty, empty, empty, empty, torch.tensor(tokens), torch.tensor(owners), labels)


def inputs(tokens=(0,), wrong=(1,), original=FLAT, teacher=FLAT, owners=(0,)) -> ObjectiveInputs:
    return ObjectiveInputs(
        batch(list(tokens), list(owners)), original, teacher, torch.tensor(wrong), torch.tensor([0, 1])
    )


def odds(value: float) -> torch.Tensor:
    """Logits of two answers whose first is `value` times as probable as the second."""
    return torch.tensor([[math.log(value), 0.0]])


def loss(name: str, logits: torch.Tensor, example: ObjectiveInputs) -> float:
    return OBJECTIVES[name](logits, example).item()


def test_teacher_lowers_only_logits_raised_by_overfitting():
    original, augmented = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[2.0, 1.0, 0.5]])
    assert torch.equal(teacher_logits(original, augmented), torch.tensor([[-1.0, 2.0, -1.0]]))


def test_distil_equals_kl_divergence_from_teacher():
    """KL of teacher (3/4, 1/4) from model (1/2, 1/2): .75 ln 1.5 + .25 ln .5."""
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert loss("distil", FLAT, inputs(teacher=odds(3))) == pytest.approx(expected)


def test_ascent_is_capped_and_uncapped_variant_is_not():
    """At probability 1/2 the loss is cap - ln 2, or -ln 2 without a cap. Beyond the cap, the gradient is zero."""
    assert loss("ascend", FLAT, inputs()) == pytest.approx(ASCENT_CAP - LN2)
    assert loss("ascend_uncapped", FLAT, inputs()) == pytest.approx(-LN2)
    for name, moves in (("ascend", False), ("ascend_uncapped", True)):
        logits = torch.tensor([[-9.0, 9.0]], requires_grad=True)
        OBJECTIVES[name](logits, inputs()).backward()
        assert logits.grad.any() == moves


def test_npo_equals_hand_computed_value():
    """p = p0: -(2/.1) ln sigmoid(0) = 20 ln 2. p = 3/4 after 1/2: the ratio 1.5 to the power .1."""
    assert loss("npo", FLAT, inputs()) == pytest.approx(20 * LN2, rel=1e-5)
    assert loss("npo", odds(3), inputs()) == pytest.approx(20 * math.log(1 + 1.5**0.1), rel=1e-5)


def test_npo_treats_tokens_of_a_title_as_one_answer():
    """p falls from 1/2 to 1/4 on both tokens: the ratio is 1/4, not a mean of two halves."""
    two = inputs((0, 0), (1, 1), torch.zeros(2, 2), owners=(0, 0))
    assert loss("npo", odds(1 / 3).repeat(2, 1), two) == pytest.approx(20 * math.log(1 + 0.25**0.1), rel=1e-5)


def test_simnpo_equals_hand_computed_value():
    """p = 1/2: -(2/4.5) ln sigmoid(4.5 ln 2 - .125); a second token of the same p changes nothing."""
    expected = (2 / 4.5) * math.log(1 + math.exp(-(4.5 * LN2 - 0.125)))
    assert loss("simnpo", FLAT, inputs()) == pytest.approx(expected, rel=1e-5)
    two = inputs((0, 0), (1, 1), torch.zeros(2, 2), owners=(0, 0))
    assert loss("simnpo", torch.zeros(2, 2), two) == pytest.approx(expected, rel=1e-5)


def test_undial_target_is_original_with_lowered_answer():
    """From even odds, the target is sigmoid(-10) for the answer; the loss is zero if the model equals the target."""
    low = 1 / (1 + math.exp(10))
    expected = low * math.log(2 * low) + (1 - low) * math.log(2 * (1 - low))
    assert loss("undial", FLAT, inputs()) == pytest.approx(expected, rel=1e-5)
    assert loss("undial", torch.tensor([[-10.0, 0.0]]), inputs()) == pytest.approx(0, abs=1e-6)


def test_neutral_depends_only_on_the_choices():
    """KL((1/2, 1/2) || (3/4, 1/4)) = ln(2/3)/2 + ln(2)/2, for any logit of a third token."""
    expected = (math.log(2 / 3) + math.log(2)) / 2
    logits = torch.cat([odds(3), torch.tensor([[5.0]])], 1)
    assert loss("neutral", logits, inputs()) == pytest.approx(expected, rel=1e-5)


def test_flip_equals_loss_of_the_other_answer():
    assert loss("flip", odds(3), inputs()) == pytest.approx(math.log(4))


def test_dpo_equals_hand_computed_value():
    """p = p0: ln 2 / .1. The odds of the answer are three times the original odds: the ratio 3 to the power .1."""
    assert loss("dpo", FLAT, inputs()) == pytest.approx(10 * LN2, rel=1e-5)
    assert loss("dpo", odds(3), inputs()) == pytest.approx(10 * math.log(1 + 3**0.1), rel=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_gradient_step_lowers_probability_of_the_answer(name, seed):
    """The teacher of distillation has the opposite answer. Bounded objectives are never negative."""
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(1, 2, generator=rng).abs().sort(descending=True).values.requires_grad_(True)
    example = inputs(original=logits.detach(), teacher=logits.detach().flip(1))
    value = OBJECTIVES[name](logits, example)
    (gradient,) = torch.autograd.grad(value, logits)
    after = (logits - 1e-3 * gradient).log_softmax(-1)[0, 0]
    assert after <= logits.log_softmax(-1)[0, 0] + 1e-6
    assert name == "ascend_uncapped" or value >= -1e-6


def test_keep_adds_kl_drift_from_the_original():
    """Without drift, only the answer loss ln 2 remains; drift from (3/4,1/4) to (1/2,1/2) adds its KL."""
    one = inputs().batch
    assert retain_loss(FLAT, one, FLAT).item() == pytest.approx(LN2)
    drift = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert retain_loss(FLAT, one, odds(3)).item() == pytest.approx(LN2 + drift)
