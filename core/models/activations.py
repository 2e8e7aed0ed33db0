"""What a model holds inside at the moment of answering: the residual stream after each layer."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.models.batching import Batch, by_prompt
from core.models.families import anatomy
from core.types import Encoded


@torch.no_grad()
def hidden(model: torch.nn.Module, prompts: Sequence[Encoded], tokens: int = 4096) -> Tensor:
    """[layer, target, width] in float32 on the CPU, at the last token before each answer, targets in the prompts' order."""
    device = next(model.parameters()).device
    found = by_prompt(prompts, tokens, device, lambda batch: _answering(model, batch), lambda one: len(one.answers))
    return torch.cat(found).transpose(0, 1)


def _answering(model: torch.nn.Module, batch: Batch) -> Tensor:
    """[target, layer, width]."""
    said = anatomy(model).causal_lm.base_model(
        input_ids=batch.ids,
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=False,
        output_hidden_states=True,
    )
    first = torch.ones_like(batch.owners, dtype=torch.bool)
    first[1:] = batch.owners[1:] != batch.owners[:-1]  # an answer of several tokens is asked for before its first one
    rows, columns = batch.rows[first], batch.columns[first]
    states = [
        state.to(batch.ids.device)[rows, columns] for state in said.hidden_states[1:]
    ]  # the first is the embedding
    return torch.stack(states, 1).float().cpu()
