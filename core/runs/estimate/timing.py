"""Cost of one token on a device, measured on copies of the model with one and with two layers."""

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from torch.autograd.graph import saved_tensors_hooks
from transformers import AutoModelForCausalLM

from core.models.base_parts import weightless_model
from core.models.batching import FORWARD_TOKENS, Batch, answer_logits, answer_loss, collate
from core.models.lora_recipe import lora_config
from core.types import Encoded

REPEATS = 3  # per timing; the shortest counts


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost per token.

    Attributes:
        forward: Seconds without a gradient, in large batches.
        step: Seconds with a gradient, in the method's batches.
        kept: Bytes of activations that a step keeps for the backward pass.
    """

    forward: float
    step: float
    kept: float

    def per_layer(self, deeper: "Cost", layers: int) -> "Cost":
        """Extrapolate to `layers` layers; self is the cost with one layer, `deeper` with two."""
        one, two = ((cost.forward, cost.step, cost.kept) for cost in (self, deeper))
        return Cost(*(a + max(0.0, b - a) * (layers - 1) for a, b in zip(one, two, strict=True)))


def parameters(config: Any, adapter: LoraConfig) -> tuple[int, int]:
    """Parameters of the base model and of its adapter, counted without allocating them."""
    model = weightless_model(config)
    whole = sum(one.numel() for one in model.parameters())
    with torch.device("meta"):
        adapted = get_peft_model(model, adapter)
    return whole, sum(one.numel() for one in adapted.parameters() if one.requires_grad)


def measured(config: Any, rank: int, batch: int, length: int, where: torch.device, dtype: torch.dtype) -> Cost:
    """The cost per token of the whole model, in batches of `batch` prompts of `length` tokens."""
    one, two = (_timed(_shallow(config, layers), rank, batch, length, where, dtype) for layers in (1, 2))
    return one.per_layer(two, config.num_hidden_layers)


def _shallow(config: Any, layers: int) -> Any:
    """The same config with few layers and a small vocabulary."""
    config = deepcopy(config)
    config.num_hidden_layers, config.vocab_size = layers, 64
    config.pad_token_id = config.bos_token_id = config.eos_token_id = None
    if types := getattr(config, "layer_types", None):
        config.layer_types = types[:layers]
    return config


def _timed(config: Any, rank: int, batch: int, length: int, where: torch.device, dtype: torch.dtype) -> Cost:
    plain: Any = AutoModelForCausalLM.from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    model = get_peft_model(plain, lora_config(rank)).to(where).eval()
    wide = max(1, FORWARD_TOKENS // length)
    step, many = (_prompts(count, length, where) for count in (batch, wide))
    with torch.no_grad():
        forward = _seconds(lambda: answer_logits(model, many), where)
    kept: dict[int, int] = {}
    weights = {one.untyped_storage().data_ptr() for one in model.parameters()}

    def pack(value: torch.Tensor) -> torch.Tensor:
        if (storage := value.untyped_storage()).data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    with saved_tensors_hooks(pack, lambda value: value):
        loss = answer_loss(answer_logits(model, step), step)
    loss.backward()  # type: ignore[no-untyped-call]

    def train() -> None:
        answer_loss(answer_logits(model, step), step).backward()  # type: ignore[no-untyped-call]

    back = _seconds(train, where)
    return Cost(forward / (wide * length), back / (batch * length), sum(kept.values()) / (batch * length))


def _prompts(count: int, length: int, where: torch.device) -> Batch:
    return collate([Encoded((1,) * length, (), ((length - 1, length),), (True,))] * count, where)


def _seconds(work: Callable[[], Any], where: torch.device) -> float:
    found = []
    for _ in range(1 + REPEATS):  # the first one is warm-up
        started = time.perf_counter()
        work()
        if where.type == "cuda":
            torch.cuda.synchronize(where)
        found.append(time.perf_counter() - started)
    return min(found[1:])
