"""Interruption: a model that computes for minutes asks between its layers whether it is to stop."""

import time
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from core.models.families import anatomy

PERIOD = 0.5  # seconds between two questions


def make_interruptible(model: nn.Module, check: Callable[[], None]) -> None:
    """Call `check` in each layer of a model, in forward and in backward passes.

    A pass over many prompts, a step of training or an attribution can take many seconds; a layer takes a part of one.

    Args:
        model: The model, with or without an adapter.
        check: Raises an error where the work is to stop. It is called every `PERIOD` seconds at most.
    """
    asked = time.monotonic()

    def ask(*_: Any) -> None:
        nonlocal asked
        if time.monotonic() - asked >= PERIOD:
            asked = time.monotonic()
            check()

    def before_mlp(_module: nn.Module, args: tuple[Any, ...]) -> None:
        ask()
        if isinstance(args[0], Tensor) and args[0].requires_grad:  # ask again when the backward pass is back here
            args[0].register_hook(ask)  # type: ignore[no-untyped-call]

    for layer in anatomy(model).layers:
        layer.mlp.register_forward_pre_hook(before_mlp)
