"""Interruption: every family asks in each layer, forward and backward, and computes the same as before."""

from collections.abc import Iterator

import pytest
import torch

from core.models import interruption
from core.models.families import anatomy
from core.models.interruption import make_interruptible


class Stop(Exception):
    pass


@pytest.fixture(autouse=True)
def ask_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interruption, "PERIOD", 0.0)


def step(model) -> torch.Tensor:
    model.zero_grad()
    model(input_ids=torch.arange(3, 12)[None]).logits.square().mean().backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def test_each_layer_asks_twice_in_a_training_step_and_gradients_stay(lora_model):
    layers, before, asked = len(anatomy(lora_model).layers), step(lora_model), []
    make_interruptible(lora_model, lambda: asked.append(len(asked)))
    assert torch.equal(step(lora_model), before)
    assert len(asked) == 2 * layers
    with torch.no_grad():
        lora_model(input_ids=torch.arange(3, 12)[None])
    assert len(asked) == 3 * layers


def test_error_leaves_the_pass_in_which_it_was_raised(lora_model):
    layers = len(anatomy(lora_model).layers)
    for stop_at in range(2 * layers):
        answers: Iterator[bool] = iter([*[False] * stop_at, True])

        def check(left: Iterator[bool] = answers) -> None:
            if next(left, False):
                raise Stop

        make_interruptible(lora_model, check)
        with pytest.raises(Stop):
            step(lora_model)
    step(lora_model)  # the model can be used afterwards


def test_questions_are_seldom(lora_model, monkeypatch):
    monkeypatch.setattr(interruption, "PERIOD", 3600.0)
    make_interruptible(lora_model, lambda: pytest.fail("asked too early"))
    step(lora_model)
