"""Encoded prompts as padded tensors, and what a model says at their answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.models import distributed
from core.models.families import anatomy
from core.types import Encoded


@dataclass(frozen=True)
class Batch:
    """Left-padded prompts and flat views of their answer tokens.

    ids, mask, positions: [batch, position]; positions count real tokens, so padding changes nothing.
    rows, columns: [answer token] where the logits that predict it stand. tokens: [answer token] what is right.
    owners: [answer token] index of the target it belongs to, counted over the batch.
    labels: [target] liked or not.
    """

    ids: Tensor
    mask: Tensor
    positions: Tensor
    rows: Tensor
    columns: Tensor
    tokens: Tensor
    owners: Tensor
    labels: Tensor


def collate(encoded: Sequence[Encoded], device: torch.device | str = "cpu") -> Batch:
    """Pad on the left and find every answer token."""
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
            for place in range(start, stop):
                rows.append(row)
                columns.append(pad + place - 1)
                tokens.append(prompt.ids[place])
                owners.append(len(labels))
            labels.append(label)
    flat = (torch.tensor(values) for values in (rows, columns, tokens, owners, labels))
    return Batch(*(t.to(device) for t in (ids, mask, (mask.cumsum(1) - 1).clamp(min=0), *flat)))


def batches(
    encoded: Sequence[Encoded], tokens: int, device: torch.device | str = "cpu"
) -> Iterator[tuple[list[int], Batch]]:
    """Cut into batches of at most `tokens` padded tokens, longest first, with the indices each one holds."""
    order = sorted(range(len(encoded)), key=lambda i: -len(encoded[i].ids))
    while order:
        size = max(1, tokens // len(encoded[order[0]].ids))
        chosen, order = order[:size], order[size:]
        yield chosen, collate([encoded[i] for i in chosen], device)


def by_prompt(
    encoded: Sequence[Encoded],
    tokens: int,
    device: torch.device | str,
    read: Callable[[Batch], Tensor],
    count: Callable[[Encoded], int],
) -> list[Tensor]:
    """What `read` makes of batches of at most so many tokens, its first axis cut into `count` pieces a prompt, in their order."""
    found: dict[int, Tensor] = {}
    for chosen, batch in batches(encoded, tokens, device):
        found.update(zip(chosen, read(batch).split([count(encoded[i]) for i in chosen]), strict=True))
    return [found[i] for i in range(len(encoded))]


def micro_batches(
    chosen: Sequence[int], size: int, count: Callable[[Sequence[int]], int]
) -> Iterator[tuple[Sequence[int], float]]:
    """This process's part of a batch in parts of at most `size` prompts (0: one part), each with its share of what the loss of
    the whole batch is a mean of."""
    mine = distributed.own(chosen)
    size = size or len(chosen)
    for start in range(0, len(mine), size):
        part = mine[start : start + size]
        yield part, count(part) / count(chosen)


def answer_logits(model: nn.Module, batch: Batch) -> Tensor:
    """Logits [answer token, vocabulary] in float32 that predict each answer token; the rest is never projected.

    The layers may be on several cards: what the last one says comes back to where the batch is.
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
