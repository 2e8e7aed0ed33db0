"""Where the parts of a Hugging Face causal LM are: a table of model families, and one view of all of them.

Code that works inside a model (circuits, LoRA layout, batching) goes through `anatomy`, so a new family is a new row of
FAMILIES. Throughout the project a module is one attention head ("a3.h1": layer 3, head 1) or one MLP ("m3").
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from core.errors import ModelError
from core.models.linear_weights import TorchModule, base_layer
from core.models.norms import Norm


@dataclass(frozen=True)
class Family:
    """Attribute paths of one model family.

    Attributes:
        embed: Token embedding.
        layers: List of decoder layers.
        final_norm: Norm before the output embedding. All paths below are relative to a decoder layer.
        attention: Attention block.
        attention_norm: Norm that attention reads through.
        queries: Linears that compute q, k and v: three of them, or one fused.
        attention_out: Output projection of attention.
        after_attention: Norm between attention and the residual stream; "" if there is none.
        mlp_norm: Norm that the MLP reads through.
        mlp: MLP block.
        mlp_in: Input projections of the MLP.
        mlp_out: Output projection of the MLP.
        after_mlp: Norm between the MLP and the residual stream; "" if there is none.
        interleaved: If True, the rows of a fused `queries` are grouped by head (q, k, v of head 0, then of head 1 and
            so on); if False, by kind (all q, all k, all v).
        norm_offset: Constant that norms add to their weight (1 in Gemma).
        parallel: Name of the configuration flag that makes attention and MLP of a layer read the same residual stream;
            "" if the family has none.
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
    """Queries, keys or values inside the output of a linear layer.

    Attributes:
        linear: The layer.
        count: Number of heads.
        size: Rows per head.
        start: First row of the first head.
        stride: Rows from the start of one head to the start of the next.
    """

    linear: TorchModule
    count: int
    size: int
    start: int
    stride: int

    def rows(self, head: int) -> slice:
        """Output rows of one head."""
        first = self.start + head * self.stride
        return slice(first, first + self.size)


@dataclass(frozen=True)
class Layer:
    """The parts of one decoder layer.

    Attributes that are not listed have the meaning that they have in `Family`.

    Attributes:
        block: The whole layer.
        q: Queries of all heads.
        k: Keys of all key/value heads.
        v: Values of all key/value heads.
        attention_write: Torch module whose output is added to the residual stream for attention.
        mlp_write: The same for the MLP.
    """

    block: TorchModule
    attention: TorchModule
    attention_norm: Norm
    q: Projection
    k: Projection
    v: Projection
    attention_out: TorchModule
    attention_write: TorchModule
    after_attention: Norm | None
    mlp_norm: Norm
    mlp: TorchModule
    mlp_write: TorchModule
    mlp_in: tuple[TorchModule, ...]
    mlp_out: TorchModule

    @property
    def device(self) -> torch.device:
        """Device of the layer's weights; layers may be on several GPUs."""
        device: torch.device = base_layer(self.attention_out).weight.device
        return device


@dataclass(frozen=True)
class Anatomy:
    """A model's parts and sizes.

    Attributes:
        causal_lm: The plain Hugging Face model; LoRA adapters stay active inside its layers.
        embed: Token embedding.
        layers: The decoder layers.
        final_norm: Norm before the output embedding.
        head: Output embedding.
        n_heads: Query heads per layer.
        n_kv_heads: Key/value heads per layer.
        d_head: Width of a head.
        d_model: Width of the residual stream.
        parallel: True if attention and MLP of a layer read the same residual stream.
        softcap: Bound of the logits, 0 for none.
    """

    causal_lm: TorchModule
    embed: TorchModule
    layers: tuple[Layer, ...]
    final_norm: Norm
    head: TorchModule
    n_heads: int
    n_kv_heads: int
    d_head: int
    d_model: int
    parallel: bool
    softcap: float

    @property
    def modules(self) -> tuple[str, ...]:
        """Names of all modules in model order: the heads of each layer, then its MLP."""
        return tuple(
            name
            for layer in range(len(self.layers))
            for name in (*(f"a{layer}.h{head}" for head in range(self.n_heads)), f"m{layer}")
        )

    def capped(self, logits: Tensor) -> Tensor:
        """Logits bounded by the softcap (Gemma 2); unchanged if the model has none."""
        return self.softcap * torch.tanh(logits / self.softcap) if self.softcap else logits


def anatomy(model: TorchModule) -> Anatomy:
    """Look up the parts of a Hugging Face causal LM or of a PEFT model around one.

    Raises:
        ModelError: The model's type has no row in FAMILIES.
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


def _layer(layer: TorchModule, family: Family, counts: tuple[int, int, int], size: int) -> Layer:
    part = layer.get_submodule

    def norm(path: str) -> Norm:
        return Norm(part(path), family.norm_offset)

    q, k, v = _projections([part(path) for path in family.queries], family.interleaved, counts, size)
    return Layer(
        block=layer,
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
    linears: list[TorchModule], interleaved: bool, counts: tuple[int, int, int], size: int
) -> Iterator[Projection]:
    """The projections of queries, keys and values, from three linears or one fused linear."""
    fused, start = len(linears) == 1, 0
    for index, (linear, count) in enumerate(zip(linears * 3 if fused else linears, counts, strict=True)):
        yield Projection(linear, count, size, index * size if interleaved else start, 3 * size if interleaved else size)
        start += count * size if fused else 0
