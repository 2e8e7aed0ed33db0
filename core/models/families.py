"""Where the parts of a Hugging Face causal LM are: one declarative entry a family, one anatomy for all.

Everything that looks inside a model (circuit, masks) goes through `anatomy`, so adding a family is
adding a row to FAMILIES.
"""

import itertools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import ModelError

Module = Any  # a torch.nn.Module; torch types every attribute of one as Tensor | Module


@dataclass(frozen=True)
class Family:
    """Attribute paths inside one family's model; `{proj}` paths are relative to a layer."""

    embed: str = "model.embed_tokens"
    layers: str = "model.layers"
    final_norm: str = "model.norm"
    attention: str = "self_attn"
    attention_norm: str = "input_layernorm"
    queries: tuple[str, ...] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    attention_out: str = "self_attn.o_proj"
    mlp_norm: str = "post_attention_layernorm"
    mlp: str = "mlp"
    mlp_in: tuple[str, ...] = ("mlp.gate_proj", "mlp.up_proj")
    mlp_out: str = "mlp.down_proj"


LLAMA = Family()
GPT2 = Family(
    embed="transformer.wte",
    layers="transformer.h",
    final_norm="transformer.ln_f",
    attention="attn",
    attention_norm="ln_1",
    queries=("attn.c_attn",),
    attention_out="attn.c_proj",
    mlp_norm="ln_2",
    mlp_in=("mlp.c_fc",),
    mlp_out="mlp.c_proj",
)
FAMILIES = {"llama": LLAMA, "mistral": LLAMA, "qwen2": LLAMA, "qwen3": LLAMA, "gpt2": GPT2}


@dataclass(frozen=True)
class Projection:
    """Output rows [start, stop) of a linear layer: a whole q_proj, or a third of GPT-2's fused c_attn."""

    linear: Module
    start: int
    stop: int

    def weight(self) -> Tensor:
        """Effective weight [stop - start, in], LoRA delta included."""
        return effective_weight(self.linear)[self.start : self.stop]

    def bias(self) -> Tensor | None:
        """Bias [stop - start] or None."""
        bias = getattr(self.linear, "bias", None)
        return None if bias is None else bias[self.start : self.stop]


@dataclass(frozen=True)
class Layer:
    """The parts of one decoder layer."""

    attention: Module
    attention_norm: Module
    q: Projection
    k: Projection
    v: Projection
    attention_out: Module
    mlp: Module
    mlp_norm: Module
    mlp_in: tuple[Module, ...]
    mlp_out: Module


@dataclass(frozen=True)
class Anatomy:
    """A model's parts and sizes. `causal_lm` is the plain Hugging Face model, adapters still live inside its layers."""

    causal_lm: Module
    embed: Module
    layers: tuple[Layer, ...]
    final_norm: Module
    head: Module
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_model: int

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of all modules in model order: the heads of a layer, then its MLP."""
        return tuple(
            name
            for layer in range(len(self.layers))
            for name in (*(f"a{layer}.h{head}" for head in range(self.n_heads)), f"m{layer}")
        )


def anatomy(model: Module) -> Anatomy:
    """The anatomy of a Hugging Face causal LM or of a PEFT model around one.

    Raises ModelError for a family that has no entry in FAMILIES.
    """
    causal_lm = model.get_base_model() if hasattr(model, "get_base_model") else model
    config = causal_lm.config
    family = FAMILIES.get(config.model_type)
    if family is None:
        known = ", ".join(FAMILIES)
        raise ModelError(f"Model type {config.model_type!r} is not supported: use one of {known}.")
    heads = config.num_attention_heads
    d_head = getattr(config, "head_dim", None) or config.hidden_size // heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    return Anatomy(
        causal_lm=causal_lm,
        embed=causal_lm.get_submodule(family.embed),
        layers=tuple(
            _layer(layer, family, heads * d_head, kv_heads * d_head) for layer in causal_lm.get_submodule(family.layers)
        ),
        final_norm=causal_lm.get_submodule(family.final_norm),
        head=causal_lm.get_output_embeddings(),
        n_heads=heads,
        n_kv_heads=kv_heads,
        d_head=d_head,
        d_model=config.hidden_size,
    )


def _layer(layer: Module, family: Family, width: int, kv_width: int) -> Layer:
    parts = [layer.get_submodule(path) for path in family.queries]
    if len(parts) == 1:
        bounds = (0, width, width + kv_width, width + 2 * kv_width)
        q, k, v = (Projection(parts[0], a, b) for a, b in itertools.pairwise(bounds))
    else:
        q, k, v = (Projection(part, 0, size) for part, size in zip(parts, (width, kv_width, kv_width), strict=True))
    return Layer(
        attention=layer.get_submodule(family.attention),
        attention_norm=layer.get_submodule(family.attention_norm),
        q=q,
        k=k,
        v=v,
        attention_out=layer.get_submodule(family.attention_out),
        mlp=layer.get_submodule(family.mlp),
        mlp_norm=layer.get_submodule(family.mlp_norm),
        mlp_in=tuple(layer.get_submodule(path) for path in family.mlp_in),
        mlp_out=layer.get_submodule(family.mlp_out),
    )


def effective_weight(linear: Module) -> Tensor:
    """What a (LoRA-wrapped, possibly GPT-2 Conv1D) linear layer multiplies by, [out, in], detached."""
    base = linear.get_base_layer() if hasattr(linear, "get_base_layer") else linear
    if not isinstance(base.weight, Tensor) or not base.weight.is_floating_point():
        raise ModelError("A quantised layer cannot be opened: load the base model unquantised.")
    weight = base.weight if base is linear else base.weight + _delta(linear)
    return (weight if isinstance(base, nn.Linear) else weight.T).detach()


def _delta(linear: Module) -> Tensor:
    """The sum of the active adapters' deltas, zero while adapters are disabled."""
    if linear.disable_adapters or linear.merged:
        return torch.zeros((), device=linear.weight.device)
    if any(getattr(linear, "use_dora", {}).get(name) for name in linear.active_adapters):
        raise ModelError("A DoRA adapter cannot be opened: train a plain LoRA adapter.")
    return sum(
        (linear.get_delta_weight(name) for name in linear.active_adapters if name in linear.lora_A), torch.zeros(())
    )
