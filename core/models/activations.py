"""Activations at the answer positions: the residual stream after each layer."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.models.batching import Batch, map_prompts
from core.models.families import anatomy
from core.types import Encoded


@torch.no_grad()
def hidden_states(
    model: nn.Module, prompts: Sequence[Encoded], tokens: int = 4096
) -> Float[Tensor, "layer target width"]:
    """Residual stream after each layer at the last token before each answer.

    Args:
        model: A Hugging Face causal LM, plain or with a live LoRA adapter.
        prompts: Encoded prompts, each with one or more targets.
        tokens: Padded tokens per batch.

    Returns:
        Activations in float32 on the CPU, targets in the order of the prompts.
    """
    device = next(model.parameters()).device
    states = map_prompts(
        prompts, tokens, device, lambda batch: _answer_states(model, batch), lambda prompt: len(prompt.answers)
    )
    return torch.cat(states).transpose(0, 1)


def _answer_states(model: nn.Module, batch: Batch) -> Float[Tensor, "target layer width"]:
    output = anatomy(model).causal_lm.base_model(
        input_ids=batch.ids,
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=False,
        output_hidden_states=True,
    )
    first = torch.ones_like(batch.owners, dtype=torch.bool)
    first[1:] = batch.owners[1:] != batch.owners[:-1]  # an answer of several tokens is read before its first token
    rows, columns = batch.rows[first], batch.columns[first]
    layers = output.hidden_states[1:]  # the first entry is the token embedding
    return torch.stack([layer.to(batch.ids.device)[rows, columns] for layer in layers], 1).float().cpu()
