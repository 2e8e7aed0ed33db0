"""Forward hooks: the places inside a model at which activations are observed and replaced.

`visited` is the only code that hooks a model. Attribution and patching are `Visitor` subclasses. They see, and may
replace, what each norm reads, the q, k and v of each head, and what each head and MLP writes to the residual stream.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.hooks import RemovableHandle

from core.circuit.head_weights import QKVLinear, qkv_linears
from core.circuit.prompt_pairs import PromptPair, batches
from core.models.families import Anatomy, Layer
from core.models.norms import Norm, accumulation_dtype

PreHook = Callable[[nn.Module, tuple[Any, ...]], tuple[Any, ...]]
ForwardHook = Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor]


class Visitor:
    """Observer of a forward pass that changes nothing; subclasses override the places that they need.

    Each method gets the tensor at one place and returns the tensor that the model goes on with. `x` is the residual
    stream that a norm reads. A layer has 3H destinations, one q, k and v for every head, even where heads share keys
    and values: first all q, then all k, then all v.

    Attributes:
        frozen: If True, no gradient flows through the scale of a norm (RelP's rule for norms, arXiv 2508.21258).
    """

    frozen = False

    def attention_input(self, _layer: int, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        """Residual stream that the attention's norm reads."""
        return x

    def project(self, _layer: int, _first: int, out: Float[Tensor, "b p n k"]) -> Float[Tensor, "b p n k"]:
        """Queries, keys or values: destinations first ... first + n - 1 of the layer."""
        return out

    def attention_output(
        self, _layer: int, _heads: Float[Tensor, "b p h k"], out: Float[Tensor, "b p d"]
    ) -> Float[Tensor, "b p d"]:
        """Sum of what the layer's heads write to the residual stream.

        Args:
            _layer: Index of the layer.
            _heads: Each head's output, detached; `HeadWeights.write` maps it to the head's part of `out`.
            out: What attention adds to the residual stream.
        """
        return out

    def mlp_input(self, _layer: int, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        """Residual stream that the MLP's norm reads."""
        return x

    def mlp_output(self, _layer: int, out: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        """What the MLP writes to the residual stream."""
        return out

    def logits_input(self, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        """Residual stream that the final norm reads."""
        return x


class ActivationCache(Visitor):
    """Activation cache: what the input and every head and MLP write, from position `start` on.

    Attributes:
        start: First position that is kept.
        input: The token embeddings, one tensor.
        head: Outputs of the heads of each layer, before the output projection.
        mlp: Output of the MLP of each layer.
    """

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.input: list[Float[Tensor, "b p d"]] = []
        self.head: list[Float[Tensor, "b p h k"]] = []
        self.mlp: list[Float[Tensor, "b p d"]] = []

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        """Keep the embeddings: the residual stream before the first layer."""
        if layer == 0:
            self.input.append(x[:, self.start :].detach())
        return x

    def attention_output(self, _layer: int, heads: Tensor, out: Tensor) -> Tensor:
        """Keep what the heads of the layer compute."""
        self.head.append(heads[:, self.start :])
        return out

    def mlp_output(self, _layer: int, out: Tensor) -> Tensor:
        """Keep what the MLP of the layer writes."""
        self.mlp.append(out[:, self.start :].detach())
        return out


@torch.no_grad()
def metrics(parts: Anatomy, pairs: Sequence[PromptPair], batch_size: int, side: int) -> Float[Tensor, " n"]:
    """Metric M, in logits, of the unpatched model on the CLEAN or the CORRUPTED prompts."""
    result = torch.zeros(len(pairs), dtype=accumulation_dtype(parts.embed.weight))
    with hooked(parts, Visitor()):
        for chosen, batch in batches(parts, pairs, batch_size):
            result[chosen] = batch.metric(batch.embeddings(side)).cpu().to(result.dtype)
    return result


@contextmanager
def hooked(parts: Anatomy, visitor: Visitor, last: int = 1) -> Iterator[None]:
    """Show every forward pass inside the context to `visitor`, and restore the model afterwards.

    The model is in evaluation mode inside.

    Args:
        parts: The model.
        visitor: Sees and may replace activations.
        last: Number of final positions whose logits are needed; the last layer computes no output elsewhere.
    """
    modes = [(module, module.training) for module in parts.causal_lm.modules()]
    groups = [(layer.attention, *_groups(layer)) for layer in parts.layers]
    with ExitStack() as hooks:
        try:
            parts.causal_lm.eval()
            for attention, *_ in groups:
                _set_groups(attention, 1, parts.n_heads)
            for handle in _register(parts, visitor, last):
                hooks.callback(handle.remove)
            yield
        finally:
            for group in groups:
                _set_groups(*group)
            for module, mode in modes:
                module.training = mode


GROUPED = ("num_key_value_groups", "num_key_value_heads")  # attributes that tell attention how heads share keys


def _groups(layer: Layer) -> tuple[int | None, ...]:
    return tuple(getattr(layer.attention, name, None) for name in GROUPED)


def _set_groups(attention: nn.Module, *counts: int | None) -> None:
    for name, count in zip(GROUPED, counts, strict=True):
        if hasattr(attention, name):
            setattr(attention, name, count)


def _register(parts: Anatomy, visitor: Visitor, last: int) -> Iterator[RemovableHandle]:
    if visitor.frozen:  # hooks run in this order, so all later ones see the frozen norms' outputs
        for norm in _stream_norms(parts):
            yield norm.module.register_forward_hook(_frozen(norm))
    yield from _only_last(parts.layers[-1].mlp, last)
    for index, layer in enumerate(parts.layers):
        yield layer.attention_norm.module.register_forward_pre_hook(_before(partial(visitor.attention_input, index)))
        yield layer.mlp_norm.module.register_forward_pre_hook(_before(partial(visitor.mlp_input, index)))
        yield layer.mlp_write.register_forward_hook(_after(partial(visitor.mlp_output, index)))
        yield from _attention_write(parts, layer, partial(visitor.attention_output, index), last)
        for qkv in qkv_linears(parts, layer):
            yield qkv.linear.register_forward_hook(_project(qkv, partial(visitor.project, index, qkv.first)))
    yield parts.final_norm.module.register_forward_pre_hook(_before(visitor.logits_input))


def _stream_norms(parts: Anatomy) -> Iterator[Norm]:
    """Norms that read the residual stream; norms behind attention and MLPs are not among them."""
    for layer in parts.layers:
        yield from (layer.attention_norm, layer.mlp_norm)
    yield parts.final_norm


def _frozen(norm: Norm) -> ForwardHook:
    return lambda _module, args, _out: norm.frozen(args[0])


def _before(visit: Callable[[Tensor], Tensor]) -> PreHook:
    return lambda _module, args: (visit(args[0]), *args[1:])


def _after(visit: Callable[[Tensor], Tensor]) -> ForwardHook:
    return lambda _module, _args, out: visit(out)


def _project(qkv: QKVLinear, visit: Callable[[Tensor], Tensor]) -> ForwardHook:
    return lambda _module, _args, out: qkv.join(visit(qkv.split(out)))


def _attention_write(
    parts: Anatomy, layer: Layer, visit: Callable[[Tensor, Tensor], Tensor], last: int
) -> Iterator[RemovableHandle]:
    """Hooks that show heads before the output projection.

    A norm behind that projection scales all heads by one factor, so the heads' parts still sum to the output.
    """
    inputs: list[Tensor] = []

    def keep(_module: nn.Module, args: tuple[Any, ...]) -> None:
        inputs.append(args[0].detach())

    def show(_module: nn.Module, args: tuple[Any, ...], out: Tensor) -> Tensor:
        heads = torch.unflatten(inputs.pop(), -1, (parts.n_heads, parts.d_head))
        if layer.after_attention:
            heads = heads * layer.after_attention.normalise(args[0].detach())[1][..., None].to(heads)
        return visit(heads, out)

    yield layer.attention_out.register_forward_pre_hook(keep)
    if layer is parts.layers[-1]:
        yield from _only_last(layer.attention_out, last)
    yield layer.attention_write.register_forward_hook(show)


def _only_last(module: nn.Module, last: int) -> Iterator[RemovableHandle]:
    """Hooks that compute a module at the last positions only and fill its output with zeros elsewhere.

    The answer depends on the last layer's output at these positions alone.
    """
    lengths: list[int] = []

    def cut(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        lengths.append(args[0].shape[1])
        return args[0][:, -last:], *args[1:]

    def fill(_module: nn.Module, _args: tuple[Any, ...], out: Tensor) -> Tensor:
        return pad(out, (0, 0, lengths.pop() - out.shape[1], 0))

    yield module.register_forward_pre_hook(cut)
    yield module.register_forward_hook(fill)
