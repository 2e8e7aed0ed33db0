"""Weights of linear layers that may be wrapped by PEFT adapters."""

from typing import Any

import torch
from torch import Tensor, nn

from core.errors import ModelError

TorchModule = Any  # a torch.nn.Module; typed Any because torch types each attribute of one as Tensor | Module


def effective_weight(linear: TorchModule) -> Tensor:
    """Weight of a linear layer with its active LoRA adapters added.

    Args:
        linear: An nn.Linear or GPT-2's Conv1D, plain or wrapped by PEFT.

    Returns:
        The weight [out, in], detached.

    Raises:
        ModelError: The layer is quantised or has a DoRA adapter.
    """
    base = base_layer(linear)
    weight: Tensor = base.weight if base is linear else base.weight + _delta(linear)
    return (weight if isinstance(base, nn.Linear) else weight.T).detach()  # Conv1D stores [in, out]


def base_layer(linear: TorchModule) -> TorchModule:
    """The linear layer under a PEFT adapter.

    Raises:
        ModelError: The layer is quantised.
    """
    base = linear.get_base_layer() if hasattr(linear, "get_base_layer") else linear
    if not isinstance(base.weight, Tensor) or not base.weight.is_floating_point():
        raise ModelError("A quantised layer cannot be opened: load the base model unquantised.")
    return base


def _delta(linear: TorchModule) -> Tensor:
    """Sum of the active adapters' deltas; zero while adapters are disabled or merged."""
    if linear.disable_adapters or linear.merged:
        return torch.zeros((), device=linear.weight.device)
    if any(getattr(linear, "use_dora", {}).get(name) for name in linear.active_adapters):
        raise ModelError("A DoRA adapter cannot be opened: train a plain LoRA adapter.")
    deltas = (linear.get_delta_weight(name) for name in linear.active_adapters if name in linear.lora_A)
    return sum(deltas, torch.zeros(()))
