"""Forward passes over contrast prompts, and the places inside a model that they go through.

`visited` is the only code that hooks a model. Attribution and patching are visitors: they see, and may
replace, what the norms read, what each head's q, k and v are, and what each head and MLP writes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.utils.hooks import RemovableHandle

from core.circuit.head_weights import Reader, readers
from core.models.families import Anatomy, Layer, effective_weight
from core.models.norms import Norm, accurate

CLEAN, CORRUPTED = 0, 1
MEAN = -1  # a corrupted token that is the mean embedding of `Contrast.average`


@dataclass(frozen=True, slots=True)
class Contrast:
    """A prompt cut right before its answer, and the same prompt without its evidence.

    ids, corrupted: token ids of both, of one length; they differ inside `spans` only.
    right, wrong: the metric is M = logit[right] - logit[wrong] at the last position.
    way: how the evidence was replaced, one of `contrast.WAYS`.
    spans: [start, stop) of each replaced title.
    items: where each title starts, the target's last; what comes before the first is the instruction.
    average: token ids whose mean embedding stands where `corrupted` is MEAN.
    prompt: which prompt this is; several contrasts of one prompt share it.
    """

    ids: tuple[int, ...]
    corrupted: tuple[int, ...]
    right: int
    wrong: int
    way: str
    spans: tuple[tuple[int, int], ...]
    items: tuple[int, ...] = ()
    average: tuple[int, ...] = ()
    prompt: int = 0

    @property
    def slots(self) -> list[int]:
        """Per token: 0 for the instruction, 1 for the target, 2 for the last title of the history, 3 for the one before."""
        ends = (*self.items, len(self.ids))
        slots = [0] * len(self.ids)
        for back, (start, stop) in enumerate(reversed(list(pairwise(ends))), 1):
            slots[start:stop] = [back] * (stop - start)
        return slots


@dataclass(frozen=True)
class Batch:
    """Left-padded contrasts. ids: clean and corrupted. start: first position at which any pair differs."""

    parts: Anatomy
    ids: Int[Tensor, "2 b p"]
    mask: Int[Tensor, "b p"]
    answers: Int[Tensor, "2 b"]
    slots: Int[Tensor, "b p"]
    averages: tuple[tuple[int, ...], ...]
    start: int

    @torch.no_grad()
    def embeddings(self, side: int) -> Float[Tensor, "b p d"]:
        """Token embeddings of the CLEAN or the CORRUPTED prompts."""
        ids = self.ids[side]
        result = self.parts.embed(ids.clamp(min=0))
        for row, average in enumerate(self.averages):
            if average:
                result[row, ids[row] == MEAN] = self.parts.embed(ids.new_tensor(average)).mean(0)
        return result

    def metric(self, embeddings: Float[Tensor, "b p d"]) -> Float[Tensor, " b"]:
        """M of each prompt in logits, at least float32; positions count real tokens, so padding changes nothing."""
        hidden = self.parts.causal_lm.base_model(
            inputs_embeds=embeddings,
            attention_mask=self.mask,
            position_ids=(self.mask.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state[:, -1]
        # Only two rows of the head, and in float32: logits rounded to bfloat16 are too coarse to subtract.
        head, bias = effective_weight(self.parts.head), getattr(self.parts.head, "bias", None)
        answers = self.answers.to(head.device)
        rows = head[answers].to(hidden.device, accurate(hidden))
        logits = (rows * hidden.to(rows)).sum(-1) + (0 if bias is None else bias.detach()[answers].to(rows))
        right, wrong = self.parts.capped(logits)
        return right - wrong


def batches(parts: Anatomy, contrasts: Sequence[Contrast], size: int) -> Iterator[tuple[list[int], Batch]]:
    """Batches of prompts of like length, with the indices that each one holds."""
    order = sorted(range(len(contrasts)), key=lambda i: len(contrasts[i].ids))
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        yield chosen, _collate(parts, [contrasts[i] for i in chosen])


def _collate(parts: Anatomy, contrasts: Sequence[Contrast]) -> Batch:
    length = max(len(contrast.ids) for contrast in contrasts)
    ids = torch.zeros(2, len(contrasts), length, dtype=torch.long)
    mask, slots = torch.zeros(2, len(contrasts), length, dtype=torch.long)
    for row, contrast in enumerate(contrasts):
        place = slice(length - len(contrast.ids), None)
        ids[CLEAN, row, place], ids[CORRUPTED, row, place] = torch.tensor((contrast.ids, contrast.corrupted))
        mask[row, place], slots[row, place] = 1, torch.tensor(contrast.slots)
    differs = (ids[CLEAN] != ids[CORRUPTED]).any(0).nonzero()
    answers = torch.tensor([[c.right for c in contrasts], [c.wrong for c in contrasts]])
    ids, mask, answers, slots = (tensor.to(parts.embed.weight.device) for tensor in (ids, mask, answers, slots))
    start = int(differs[0]) if len(differs) else length - 1
    return Batch(parts, ids, mask, answers, slots, tuple(contrast.average for contrast in contrasts), start)


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
    frozen: no gradient flows through the scale of a norm (RelP's rule for norms).
    """

    frozen = False

    def attention_input(self, layer: int, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return x

    def project(self, layer: int, first: int, out: Float[Tensor, "b p n k"]) -> Float[Tensor, "b p n k"]:
        """Destinations first ... first + n - 1 of the layer."""
        return out

    def attention_output(
        self, layer: int, heads: Float[Tensor, "b p h k"], out: Float[Tensor, "b p d"]
    ) -> Float[Tensor, "b p d"]:
        """heads: what `space.write_weights` turns into each head's part of `out`, detached."""
        return out

    def mlp_input(self, layer: int, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return x

    def mlp_output(self, layer: int, out: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return out

    def logits_input(self, x: Float[Tensor, "b p d"]) -> Float[Tensor, "b p d"]:
        return x


class Record(Visitor):
    """Keeps what the input and every head and MLP write, from position `start` on."""

    def __init__(self, start: int = 0) -> None:
        self.start = start
        self.input: list[Float[Tensor, "b p d"]] = []
        self.head: list[Float[Tensor, "b p h k"]] = []
        self.mlp: list[Float[Tensor, "b p d"]] = []

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        if layer == 0:
            self.input.append(x[:, self.start :].detach())
        return x

    def attention_output(self, layer: int, heads: Tensor, out: Tensor) -> Tensor:
        self.head.append(heads[:, self.start :])
        return out

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        self.mlp.append(out[:, self.start :].detach())
        return out


@contextmanager
def visited(parts: Anatomy, visitor: Visitor, last: int = 1) -> Iterator[None]:
    """Forward passes inside are shown to `visitor`, in evaluation mode; afterwards the model is as it was.

    last: how many positions at the end are looked at; what the last layer writes elsewhere is not computed.
    """
    modes = [(module, module.training) for module in parts.causal_lm.modules()]
    groups = [(layer.attention, *_groups(layer)) for layer in parts.layers]
    with ExitStack() as hooks:
        try:
            parts.causal_lm.eval()
            for attention, *_ in groups:
                _regroup(attention, 1, parts.n_heads)
            for handle in _register(parts, visitor, last):
                hooks.callback(handle.remove)
            yield
        finally:
            for group in groups:
                _regroup(*group)
            for module, mode in modes:
                module.training = mode


GROUPED = ("num_key_value_groups", "num_key_value_heads")  # where attention keeps how heads share keys and values


def _groups(layer: Layer) -> tuple[int | None, ...]:
    return tuple(getattr(layer.attention, name, None) for name in GROUPED)


def _regroup(attention: nn.Module, *counts: int | None) -> None:
    for name, count in zip(GROUPED, counts, strict=True):
        if hasattr(attention, name):
            setattr(attention, name, count)


def _register(parts: Anatomy, visitor: Visitor, last: int) -> Iterator[RemovableHandle]:
    if visitor.frozen:  # first, so that all other hooks see what these return
        for norm in _norms(parts):
            yield norm.module.register_forward_hook(_frozen(norm))
    yield from _only_last(parts.layers[-1].mlp, last)
    for index, layer in enumerate(parts.layers):
        yield layer.attention_norm.module.register_forward_pre_hook(_before(partial(visitor.attention_input, index)))
        yield layer.mlp_norm.module.register_forward_pre_hook(_before(partial(visitor.mlp_input, index)))
        yield layer.mlp_write.register_forward_hook(_after(partial(visitor.mlp_output, index)))
        yield from _attention_write(parts, layer, partial(visitor.attention_output, index), last)
        for reader in readers(parts, layer):
            yield reader.linear.register_forward_hook(_project(reader, partial(visitor.project, index, reader.first)))
    yield parts.final_norm.module.register_forward_pre_hook(_before(visitor.logits_input))


def _norms(parts: Anatomy) -> Iterator[Norm]:
    """Those through which a residual stream is read; heads and MLPs write through the others."""
    for layer in parts.layers:
        yield from (layer.attention_norm, layer.mlp_norm)
    yield parts.final_norm


def _frozen(norm: Norm) -> Callable:
    return lambda module, args, out: norm.frozen(args[0])


def _before(visit: Callable[[Tensor], Tensor]) -> Callable:
    return lambda module, args: (visit(args[0]), *args[1:])


def _after(visit: Callable[[Tensor], Tensor]) -> Callable:
    return lambda module, args, out: visit(out)


def _attention_write(
    parts: Anatomy, layer: Layer, visit: Callable[[Tensor, Tensor], Tensor], last: int
) -> Iterator[RemovableHandle]:
    """Heads are seen before o_proj; a norm behind it scales them all alike, so that their parts still add up."""
    mixed: list[Tensor] = []

    def take(module: nn.Module, args: tuple) -> None:
        mixed.append(args[0].detach())

    def give(module: nn.Module, args: tuple, out: Tensor) -> Tensor:
        heads = mixed.pop().unflatten(-1, (parts.n_heads, parts.d_head))
        if layer.after_attention:
            heads = heads * layer.after_attention.normalise(args[0].detach())[1][..., None].to(heads)
        return visit(heads, out)

    yield layer.attention_out.register_forward_pre_hook(take)
    if layer is parts.layers[-1]:
        yield from _only_last(layer.attention_out, last)
    yield layer.attention_write.register_forward_hook(give)


def _only_last(module: nn.Module, last: int) -> Iterator[RemovableHandle]:
    """The answer needs the last positions alone of what the last layer writes: the others become zero, and cost nothing."""
    lengths: list[int] = []

    def cut(module: nn.Module, args: tuple) -> tuple:
        lengths.append(args[0].shape[1])
        return args[0][:, -last:], *args[1:]

    yield module.register_forward_pre_hook(cut)
    yield module.register_forward_hook(lambda module, args, out: pad(out, (0, 0, lengths.pop() - out.shape[1], 0)))


def _project(reader: Reader, visit: Callable[[Tensor], Tensor]) -> Callable:
    return lambda linear, args, out: reader.join(visit(reader.cut(out)))
