"""Where the parts of a Hugging Face causal LM are: one declarative entry a family, one anatomy for all.

Everything that looks inside a model (circuit, masks) goes through `anatomy`, so adding a family is
adding a row to FAMILIES.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.models.norms import Norm

Module = Any  # a torch.nn.Module; torch types every attribute of one as Tensor | Module


@dataclass(frozen=True)
class Family:
    """Attribute paths inside one family's model; those after `final_norm` are relative to a layer.

    queries: the linears that make q, k and v: three, or one for all. interleaved: that one's rows go head by head
    (q, k, v of head 0, then of head 1 ...) and not all q, all k, all v.
    after_attention, after_mlp: norms between what attention or MLP compute and the residual stream, "" where none.
    norm_offset: what norms add to their weight. parallel: the configuration's flag that says that attention and MLP
    of a layer read the same residual stream.
    """

    embed: str = "model.embed_tokens"
    layers: str = "model.layers"
    final_norm: str = "model.norm"
    attention: str = "self_attn"
    attention_norm: str = "input_layernorm"
    queries: tuple[str, ...] = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")
    attention_out: str = "self_attn.o_proj"
    after_attention: str = ""
    mlp_norm: str = "post_attention_layernorm"
    mlp: str = "mlp"
    mlp_in: tuple[str, ...] = ("mlp.gate_proj", "mlp.up_proj")
    mlp_out: str = "mlp.down_proj"
    after_mlp: str = ""
    interleaved: bool = False
    norm_offset: float = 0.0
    parallel: str = ""


LLAMA = Family()
PHI3 = replace(LLAMA, queries=("self_attn.qkv_proj",), mlp_in=("mlp.gate_up_proj",))
GEMMA = replace(
    LLAMA,
    after_attention="post_attention_layernorm",
    mlp_norm="pre_feedforward_layernorm",
    after_mlp="post_feedforward_layernorm",
    norm_offset=1.0,
)
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
NEOX = Family(
    embed="gpt_neox.embed_in",
    layers="gpt_neox.layers",
    final_norm="gpt_neox.final_layer_norm",
    attention="attention",
    queries=("attention.query_key_value",),
    attention_out="attention.dense",
    mlp_in=("mlp.dense_h_to_4h",),
    mlp_out="mlp.dense_4h_to_h",
    interleaved=True,
    parallel="use_parallel_residual",
)
FAMILIES = {
    "llama": LLAMA,
    "mistral": LLAMA,
    "qwen2": LLAMA,
    "qwen3": LLAMA,
    "gemma2": GEMMA,
    "gemma3_text": GEMMA,
    "phi3": PHI3,
    "gpt_neox": NEOX,
    "gpt2": GPT2,
}


@dataclass(frozen=True)
class Projection:
    """The queries, keys or values inside a linear layer's output: `count` heads of `size` rows, `stride` rows apart."""

    linear: Module
    count: int
    size: int
    start: int
    stride: int

    def rows(self, head: int) -> slice:
        """The output rows of one of its heads."""
        first = self.start + head * self.stride
        return slice(first, first + self.size)


@dataclass(frozen=True)
class Layer:
    """The parts of one decoder layer. attention_write, mlp_write: the modules whose outputs join the residual stream."""

    attention: Module
    attention_norm: Norm
    q: Projection
    k: Projection
    v: Projection
    attention_out: Module
    attention_write: Module
    after_attention: Norm | None
    mlp_norm: Norm
    mlp: Module
    mlp_write: Module
    mlp_in: tuple[Module, ...]
    mlp_out: Module

    @property
    def device(self) -> torch.device:
        return _base(self.attention_out).weight.device


@dataclass(frozen=True)
class Anatomy:
    """A model's parts and sizes. `causal_lm` is the plain Hugging Face model, adapters still live inside its layers.

    parallel: attention and MLP of a layer read the same residual stream. softcap: bound of the logits, 0 for none.
    """

    causal_lm: Module
    embed: Module
    layers: tuple[Layer, ...]
    final_norm: Norm
    head: Module
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_model: int
    parallel: bool
    softcap: float

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of all modules in model order: the heads of a layer, then its MLP."""
        return tuple(
            name
            for layer in range(len(self.layers))
            for name in (*(f"a{layer}.h{head}" for head in range(self.n_heads)), f"m{layer}")
        )

    def capped(self, logits: Tensor) -> Tensor:
        """What the model makes of the output embedding's products: Gemma 2 bounds them."""
        return self.softcap * torch.tanh(logits / self.softcap) if self.softcap else logits


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
            _layer(layer, family, (heads, kv_heads, kv_heads), d_head)
            for layer in causal_lm.get_submodule(family.layers)
        ),
        final_norm=Norm(causal_lm.get_submodule(family.final_norm), family.norm_offset),
        head=causal_lm.get_output_embeddings(),
        n_heads=heads,
        n_kv_heads=kv_heads,
        d_head=d_head,
        d_model=config.hidden_size,
        parallel=bool(family.parallel) and getattr(config, family.parallel),
        softcap=getattr(config, "final_logit_softcapping", None) or 0.0,
    )


def _layer(layer: Module, family: Family, counts: tuple[int, int, int], size: int) -> Layer:
    part = layer.get_submodule

    def norm(path: str) -> Norm:
        return Norm(part(path), family.norm_offset)

    q, k, v = _projections([part(path) for path in family.queries], family.interleaved, counts, size)
    return Layer(
        attention=part(family.attention),
        attention_norm=norm(family.attention_norm),
        q=q,
        k=k,
        v=v,
        attention_out=part(family.attention_out),
        attention_write=part(family.after_attention or family.attention_out),
        after_attention=norm(family.after_attention) if family.after_attention else None,
        mlp_norm=norm(family.mlp_norm),
        mlp=part(family.mlp),
        mlp_write=part(family.after_mlp or family.mlp),
        mlp_in=tuple(part(path) for path in family.mlp_in),
        mlp_out=part(family.mlp_out),
    )


def _projections(
    linears: list[Module], interleaved: bool, counts: tuple[int, int, int], size: int
) -> Iterator[Projection]:
    """Queries, keys and values."""
    fused, start = len(linears) == 1, 0
    for place, (linear, count) in enumerate(zip(linears * 3 if fused else linears, counts, strict=True)):
        yield Projection(linear, count, size, place * size if interleaved else start, 3 * size if interleaved else size)
        start += count * size if fused else 0


def effective_weight(linear: Module) -> Tensor:
    """What a (LoRA-wrapped, possibly GPT-2 Conv1D) linear layer multiplies by, [out, in], detached."""
    base = _base(linear)
    weight = base.weight if base is linear else base.weight + _delta(linear)
    return (weight if isinstance(base, nn.Linear) else weight.T).detach()


def _base(linear: Module) -> Module:
    """The layer under an adapter. Raises ModelError where it is quantised."""
    base = linear.get_base_layer() if hasattr(linear, "get_base_layer") else linear
    if not isinstance(base.weight, Tensor) or not base.weight.is_floating_point():
        raise ModelError("A quantised layer cannot be opened: load the base model unquantised.")
    return base


def _delta(linear: Module) -> Tensor:
    """The sum of the active adapters' deltas, zero while adapters are disabled."""
    if linear.disable_adapters or linear.merged:
        return torch.zeros((), device=linear.weight.device)
    if any(getattr(linear, "use_dora", {}).get(name) for name in linear.active_adapters):
        raise ModelError("A DoRA adapter cannot be opened: train a plain LoRA adapter.")
    return sum(
        (linear.get_delta_weight(name) for name in linear.active_adapters if name in linear.lora_A), torch.zeros(())
    )
