"""Encoded prompts as padded tensors, and a model's logits and loss at their answers."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from core.models import distributed
from core.models.families import anatomy
from core.types import Encoded

FORWARD_TOKENS = 4096  # padded tokens of a batch without gradients
GRADIENT_TOKENS = 2048  # padded tokens of a batch with gradients, outside of training: a 135M model holds 1.7 MB each
WEIGHT_READING = 8  # tokens; to read all weights, forward and backward, takes as long as to compute so many
OVERHEAD = 5e9  # floating-point operations that would fit into the fixed overhead of a pass, whatever the model


@dataclass(frozen=True)
class Batch:
    """Left-padded prompts, and flat lists of their answer tokens.

    Attributes:
        ids: Token ids, 0 at padding.
        mask: 1 at tokens, 0 at padding.
        positions: Positions for the model; padding is not counted, so results do not depend on it.
        rows: Prompt of each answer token.
        columns: Position of the logits that predict it.
        tokens: The answer token itself.
        owners: Index of the target it belongs to, counted over the batch.
        labels: Whether each target was liked.
    """

    ids: Int[Tensor, "batch position"]
    mask: Int[Tensor, "batch position"]
    positions: Int[Tensor, "batch position"]
    rows: Int[Tensor, " answer_token"]
    columns: Int[Tensor, " answer_token"]
    tokens: Int[Tensor, " answer_token"]
    owners: Int[Tensor, " answer_token"]
    labels: Bool[Tensor, " target"]


def collate(encoded: Sequence[Encoded], device: torch.device | str = "cpu") -> Batch:
    """Pad prompts on the left and list their answer tokens."""
    length = max(len(prompt.ids) for prompt in encoded)
    ids = torch.zeros(len(encoded), length, dtype=torch.long)
    mask = torch.zeros_like(ids)
    rows: list[int] = []
    columns: list[int] = []
    tokens: list[int] = []
    owners: list[int] = []
    labels: list[bool] = []
    for row, prompt in enumerate(encoded):
        pad = length - len(prompt.ids)
        ids[row, pad:] = torch.tensor(prompt.ids)
        mask[row, pad:] = 1
        for (start, stop), label in zip(prompt.answers, prompt.labels, strict=True):
            for position in range(start, stop):
                rows.append(row)
                columns.append(pad + position - 1)
                tokens.append(prompt.ids[position])
                owners.append(len(labels))
            labels.append(label)
    flat = (torch.tensor(values) for values in (rows, columns, tokens, owners, labels))
    return Batch(*(t.to(device) for t in (ids, mask, (mask.cumsum(1) - 1).clamp(min=0), *flat)))


def batches(
    encoded: Sequence[Encoded], tokens: int, device: torch.device | str = "cpu"
) -> Iterator[tuple[list[int], Batch]]:
    """Batches of at most `tokens` padded tokens, longest prompts first, each with the indices of its prompts."""
    order = sorted(range(len(encoded)), key=lambda i: -len(encoded[i].ids))
    while order:
        size = max(1, tokens // len(encoded[order[0]].ids))
        chosen, order = order[:size], order[size:]
        yield chosen, collate([encoded[i] for i in chosen], device)


def map_prompts(
    encoded: Sequence[Encoded],
    tokens: int,
    device: torch.device | str,
    read: Callable[[Batch], Tensor],
    count: Callable[[Encoded], int],
) -> list[Tensor]:
    """Apply a function to batches and return its result for each prompt.

    Args:
        encoded: The prompts.
        tokens: Padded tokens per batch.
        device: Where batches are put.
        read: Maps a batch to a tensor whose first axis lists values of all prompts of the batch.
        count: Number of values that belong to a prompt.

    Returns:
        The values of each prompt, in the order of the prompts.
    """
    values: dict[int, Tensor] = {}
    for chosen, batch in batches(encoded, tokens, device):
        sizes = [count(encoded[i]) for i in chosen]
        values.update(zip(chosen, torch.split(read(batch), sizes), strict=True))
    return [values[i] for i in range(len(encoded))]


def micro_batches(
    chosen: Sequence[int],
    prompts: Sequence[Encoded],
    size: int,
    pass_tokens: float,
    count: Callable[[Sequence[int]], int],
) -> Iterator[tuple[Sequence[int], float]]:
    """Split this process's part of a batch into micro-batches for gradient accumulation.

    Without dropout, gradients stay the same but for rounding.

    Args:
        chosen: Indices of the prompts of the whole batch, over all processes.
        prompts: All prompts.
        size: Most prompts per micro-batch; 0 for no bound.
        pass_tokens: Fixed cost of a pass, see `tokens_of_a_pass`.
        count: Number of terms (e.g. answer tokens) that the loss of some prompts is a mean of.

    Yields:
        The indices of a micro-batch and its weight: its share of the terms of the whole batch's loss.
    """
    own = distributed.local_part(chosen)
    size, whole = size or len(chosen), count(chosen)
    for start in range(0, len(own), size):
        part = own[start : start + size]
        for group in similar_lengths([len(prompts[i].ids) for i in part], pass_tokens):
            indices = [part[position] for position in group]
            yield indices, count(indices) / whole


def similar_lengths(lengths: Sequence[int], pass_tokens: float) -> list[list[int]]:
    """Split prompts into passes with the fewest padded tokens, where each pass costs `pass_tokens` more.

    In order of length a best split has neighbours together, so the best split of the longest k follows from those of
    fewer.

    Returns:
        Positions of the prompts of each pass; one pass keeps their order.
    """
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    cost, cuts = [0.0], [0]  # of the best split of the longest 0, 1, ... prompts, and where its last pass begins
    for stop in range(1, len(order) + 1):
        with_last = [cost[cut] + lengths[order[cut]] * (stop - cut) + pass_tokens for cut in range(stop)]
        cost.append(min(with_last))
        cuts.append(with_last.index(cost[-1]))
    passes, stop = [], len(order)
    while stop:
        passes.append(sorted(order[cuts[stop] : stop]))
        stop = cuts[stop]
    return passes[::-1]


def tokens_of_a_pass(model: nn.Module, device: torch.device) -> float:
    """The fixed cost of one forward and backward pass, in tokens of training.

    On a CPU it is the reading of the weights, as long as a few tokens take, and overhead, which is large only beside
    small models. Other devices compute all tokens of a batch at once, so another pass never pays.
    """
    if device.type != "cpu":
        return math.inf
    embedding: Any = anatomy(model).causal_lm.get_input_embeddings()
    parameters: int = sum(weight.numel() for weight in model.parameters()) - embedding.weight.numel()
    return WEIGHT_READING + OVERHEAD / (6 * parameters)


def answer_logits(model: nn.Module, batch: Batch) -> Float[Tensor, "answer_token vocabulary"]:
    """Logits, in float32, that predict each answer token; other positions are not projected to the vocabulary.

    The layers may be on several GPUs; the result is on the batch's device.
    """
    parts = anatomy(model)
    hidden = parts.causal_lm.base_model(
        input_ids=batch.ids, attention_mask=batch.mask, position_ids=batch.positions, use_cache=False
    ).last_hidden_state
    answers = hidden.to(batch.ids.device)[batch.rows, batch.columns]
    return parts.capped(parts.head(answers).to(answers.device, torch.float32))


def answer_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Mean negative log-likelihood in nats per answer token."""
    return nn.functional.cross_entropy(logits, batch.tokens)


@torch.no_grad()
def token_losses(model: Any, prompts: Sequence[Encoded]) -> list[Float[Tensor, " answer_token"]]:
    """Negative log-likelihood in nats of each answer token, by prompt."""
    return map_prompts(
        prompts,
        FORWARD_TOKENS,
        model.device,
        lambda batch: nn.functional.cross_entropy(answer_logits(model, batch), batch.tokens, reduction="none"),
        lambda prompt: prompt.answer_tokens,
    )
