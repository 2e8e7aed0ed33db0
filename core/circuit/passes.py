"""Forward passes over contrast prompts, and the places inside a model that they go through.

`visited` is the only code that hooks a model. Attribution and patching are visitors: they see, and may
replace, what the norms read, what each head's q, k and v are, and what each head and MLP writes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from core.models.families import Anatomy, Layer, effective_weight

CLEAN, CORRUPTED = 0, 1


@dataclass(frozen=True, slots=True)
class Contrast:
    """A prompt cut right before its answer, and the same prompt without its evidence.

    ids, corrupted: token ids of both, of one length; they differ inside `spans` only.
    right, wrong: the metric is M = logit[right] - logit[wrong] at the last position.
    way: how the evidence was replaced, "pagerank" or "other_user".
    spans: [start, stop) of each replaced title.
    """

    ids: tuple[int, ...]
    corrupted: tuple[int, ...]
    right: int
    wrong: int
    way: str
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Batch:
    """Left-padded contrasts. ids: clean and corrupted. start: first position at which any pair differs."""

    parts: Anatomy
    ids: Int[Tensor, "2 b p"]
    mask: Int[Tensor, "b p"]
    answers: Int[Tensor, "2 b"]
    start: int

    def embeddings(self, side: int) -> Float[Tensor, "b p d"]:
        """Token embeddings of the CLEAN or the CORRUPTED prompts, outside any graph."""
        return self.parts.embed(self.ids[side]).detach()

    def metric(self, embeddings: Float[Tensor, "b p d"]) -> Float[Tensor, " b"]:
        """M of each prompt in logits, at least float32; positions count real tokens, so padding changes nothing."""
        hidden = self.parts.causal_lm.base_model(
            inputs_embeds=embeddings,
            attention_mask=self.mask,
            position_ids=(self.mask.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state
        # Only two rows of the head, and in float32: logits rounded to bfloat16 are too coarse to subtract.
        right, wrong = effective_weight(self.parts.head)[self.answers].to(accurate(hidden))
        return ((right - wrong) * hidden[:, -1].to(right)).sum(-1)


def accurate(tensor: Tensor) -> torch.dtype:
    """The dtype in which sums over `tensor` are kept: float32 or better."""
    return torch.promote_types(tensor.dtype, torch.float32)


def batches(parts: Anatomy, contrasts: Sequence[Contrast], size: int) -> Iterator[tuple[list[int], Batch]]:
    """Batches of prompts of like length, with the indices that each one holds."""
    order = sorted(range(len(contrasts)), key=lambda i: len(contrasts[i].ids))
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        yield chosen, _collate(parts, [contrasts[i] for i in chosen])


def _collate(parts: Anatomy, contrasts: Sequence[Contrast]) -> Batch:
    length = max(len(contrast.ids) for contrast in contrasts)
    ids = torch.zeros(2, len(contrasts), length, dtype=torch.long)
    mask = torch.zeros(len(contrasts), length, dtype=torch.long)
    for row, contrast in enumerate(contrasts):
        place = slice(length - len(contrast.ids), None)
        ids[CLEAN, row, place], ids[CORRUPTED, row, place] = torch.tensor((contrast.ids, contrast.corrupted))
        mask[row, place] = 1
    differs = (ids[CLEAN] != ids[CORRUPTED]).any(0).nonzero()
    answers = torch.tensor([[c.right for c in contrasts], [c.wrong for c in contrasts]])
    device = parts.embed.weight.device
    start = int(differs[0]) if len(differs) else length - 1
    return Batch(parts, ids.to(device), mask.to(device), answers.to(device), start)


@torch.no_grad()
def metrics(parts: Anatomy, contrasts: Sequence[Contrast], batch_size: int, side: int) -> Float[Tensor, " n"]:
    """M of the unpatched model on the CLEAN or the CORRUPTED prompts."""
    result = torch.zeros(len(contrasts), dtype=accurate(parts.embed.weight))
    with visited(parts, Visitor()):
        for chosen, batch in batches(parts, contrasts, batch_size):
            result[chosen] = batch.metric(batch.embeddings(side)).cpu().to(result.dtype)
    return result


class Visitor:
    """Sees a forward pass and lets everything through; subclasses override what they need.

    x is the residual stream [b, p, d] that a norm reads. The 3H destinations of a layer are its heads' q,
    then k, then v, one for every head even where heads share keys and values.
    """

    def attention_input(self, layer: int, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return x

    def project(
        self, layer: int, first: int, out: Float[Tensor, "b p n k"], again: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "b p n k"]:
        """Destinations first ... first + n - 1 of the layer; `again` recomputes them from another x."""
        return out

    def heads(self, layer: int, out: Float[Tensor, "b p h k"]) -> Float[Tensor, "b p h k"]:
        """Head outputs before o_proj."""
        return out

    def mlp_input(self, layer: int, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return x

    def mlp_output(self, layer: int, out: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return out

    def logits_input(self, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return x


class Record(Visitor):
    """Keeps what every head and MLP writes, from position `start` on."""

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.head: list[Float[Tensor, "b p h k"]] = []
        self.mlp: list[Float[Tensor, "b p d"]] = []

    def heads(self, layer: int, out: Tensor) -> Tensor:
        self.head.append(out[:, self.start :].detach())
        return out

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        self.mlp.append(out[:, self.start :].detach())
        return out


@contextmanager
def visited(parts: Anatomy, visitor: Visitor) -> Iterator[None]:
    """Forward passes inside are shown to `visitor`, in evaluation mode; afterwards the model is as it was."""
    modes = [(module, module.training) for module in parts.causal_lm.modules()]
    groups = [(layer.attention, layer.attention.num_key_value_groups) for layer in parts.layers if _grouped(layer)]
    with ExitStack() as hooks:
        try:
            parts.causal_lm.eval()
            for attention, _ in groups:
                attention.num_key_value_groups = 1
            for handle in _register(parts, visitor):
                hooks.callback(handle.remove)
            yield
        finally:
            for attention, count in groups:
                attention.num_key_value_groups = count
            for module, mode in modes:
                module.training = mode


def _grouped(layer: Layer) -> bool:
    return getattr(layer.attention, "num_key_value_groups", 1) > 1


def _register(parts: Anatomy, visitor: Visitor) -> Iterator[RemovableHandle]:
    for index, layer in enumerate(parts.layers):
        yield layer.attention_norm.register_forward_pre_hook(_before(partial(visitor.attention_input, index)))
        yield layer.mlp_norm.register_forward_pre_hook(_before(partial(visitor.mlp_input, index)))
        yield layer.mlp.register_forward_hook(_after(partial(visitor.mlp_output, index)))
        yield layer.attention_out.register_forward_pre_hook(_before(_cut(parts, partial(visitor.heads, index))))
        for first, linear in projections(parts, layer):
            yield linear.register_forward_hook(_project(parts, layer, partial(visitor.project, index, first)))
    yield parts.final_norm.register_forward_pre_hook(_before(visitor.logits_input))


def projections(parts: Anatomy, layer: Layer) -> list[tuple[int, nn.Module]]:
    """The layer's q, k, v linears, each once (GPT-2 has one for all), with the first destination it makes."""
    firsts: dict[nn.Module, int] = {}
    for index, projection in enumerate((layer.q, layer.k, layer.v)):
        firsts.setdefault(projection.linear, index * parts.n_heads)
    return [(first, linear) for linear, first in firsts.items()]


def split_heads(parts: Anatomy, out: Tensor) -> Float[Tensor, "*batch n k"]:
    """A projection's output cut by head, shared key and value heads repeated once for each query head."""
    heads = out.unflatten(-1, (-1, parts.d_head))
    repeats = parts.n_heads // parts.n_kv_heads if heads.shape[-2] < parts.n_heads else 1
    return heads.repeat_interleave(repeats, -2)


def _before(visit: Callable[[Tensor], Tensor]) -> Callable:
    return lambda module, args: (visit(args[0]), *args[1:])


def _after(visit: Callable[[Tensor], Tensor]) -> Callable:
    return lambda module, args, out: visit(out)


def _cut(parts: Anatomy, visit: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda out: visit(out.unflatten(-1, (parts.n_heads, parts.d_head))).flatten(-2)


def _project(parts: Anatomy, layer: Layer, visit: Callable[[Tensor, Callable], Tensor]) -> Callable:
    def hook(linear: nn.Module, args: tuple, out: Tensor) -> Tensor:
        # .forward, because calling the modules would run these hooks again.
        def again(x: Tensor) -> Tensor:
            return split_heads(parts, linear.forward(layer.attention_norm.forward(x)))

        return visit(split_heads(parts, out), again).flatten(-2)

    return hook
