"""A model as it would be served with its weights rounded to few bits, adapter merged."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn


@contextmanager
def rounded(model: Any, bits: int) -> Iterator[None]:
    """Inside, every adapted layer has its adapter merged and its weights on a grid of 2^bits - 1 steps, symmetric, one grid an
    output (round to nearest); afterwards all weights are as they were, to the bit."""
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
    before = [_weight(layer).clone() for layer in layers]
    model.merge_adapter()
    try:
        with torch.no_grad():
            for layer in layers:
                inputs = 1 if isinstance(layer.get_base_layer(), nn.Linear) else 0  # GPT-2 has them the other way round
                _weight(layer).copy_(_on_grid(_weight(layer), bits, inputs))
        yield
    finally:
        model.unmerge_adapter()
        with torch.no_grad():
            for layer, weight in zip(layers, before, strict=True):
                _weight(layer).copy_(weight)


def _weight(layer: Any) -> Tensor:
    return layer.get_base_layer().weight.detach()


def _on_grid(weight: Tensor, bits: int, inputs: int) -> Tensor:
    """inputs: the dimension that an output sums over."""
    most = 2 ** (bits - 1) - 1
    step = weight.abs().amax(inputs, keepdim=True).clamp(min=1e-12) / most
    return (weight / step).round().clamp(-most, most) * step
