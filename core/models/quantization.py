"""Simulated weight quantization of a model with its adapter merged, as it could be deployed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn


@contextmanager
def quantized(model: Any, bits: int) -> Iterator[None]:
    """Quantize all adapted layers inside the context, and restore their weights exactly afterwards.

    Each layer's adapter is merged, then its weights are rounded to nearest on a symmetric grid of 2^bits - 1 values per
    output channel.

    Args:
        model: A PEFT model.
        bits: Bits per weight.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLayer)]
    before = [_weight(layer).clone() for layer in layers]
    model.merge_adapter()
    try:
        with torch.no_grad():
            for layer in layers:
                input_dim = 1 if isinstance(layer.get_base_layer(), nn.Linear) else 0  # GPT-2's Conv1D is transposed
                _weight(layer).copy_(_round_to_grid(_weight(layer), bits, input_dim))
        yield
    finally:
        model.unmerge_adapter()
        with torch.no_grad():
            for layer, weight in zip(layers, before, strict=True):
                _weight(layer).copy_(weight)


def _weight(layer: Any) -> Tensor:
    weight: Tensor = layer.get_base_layer().weight.detach()
    return weight


def _round_to_grid(weight: Tensor, bits: int, input_dim: int) -> Tensor:
    largest = 2 ** (bits - 1) - 1
    step = weight.abs().amax(input_dim, keepdim=True).clamp(min=1e-12) / largest
    rounded_weight: Tensor = (weight / step).round().clamp(-largest, largest) * step
    return rounded_weight
