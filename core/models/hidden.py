"""What a model holds inside at the moment of answering: the residual stream after each layer."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.models.batches import Batch, batches
from core.models.families import anatomy
from core.types import Encoded


@torch.no_grad()
def hidden(model: torch.nn.Module, prompts: Sequence[Encoded], tokens: int = 4096) -> Tensor:
    """[layer, target, width] in float32 on the CPU, at the last token before each answer, targets in the prompts' order."""
    found: dict[int, Tensor] = {}
    for chosen, batch in batches(prompts, tokens, next(model.parameters()).device):
        pieces = _answering(model, batch).split([len(prompts[i].answers) for i in chosen], 1)
        found.update(zip(chosen, pieces, strict=True))
    return torch.cat([found[i] for i in range(len(prompts))], 1)


def _answering(model: torch.nn.Module, batch: Batch) -> Tensor:
    states = (
        anatomy(model)
        .causal_lm.base_model(
            input_ids=batch.ids,
            attention_mask=batch.mask,
            position_ids=batch.positions,
            use_cache=False,
            output_hidden_states=True,
        )
        .hidden_states[1:]  # the first is the embedding
    )
    first = torch.ones_like(batch.owners, dtype=torch.bool)
    first[1:] = batch.owners[1:] != batch.owners[:-1]  # an answer of several tokens is asked for before its first one
    return (
        torch.stack([state.to(batch.ids.device)[batch.rows[first], batch.columns[first]] for state in states])
        .float()
        .cpu()
    )
