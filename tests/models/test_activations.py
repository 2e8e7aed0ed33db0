"""Hidden states: read at the answer positions, and the last layer gives the answer logits."""

import torch

from core.models.activations import hidden_states
from core.models.batching import answer_logits, collate
from core.models.families import anatomy
from core.types import Encoded


def test_last_hidden_layer_gives_the_answer_logits(lora_model):
    ids = tuple(range(3, 20))
    prompts = [Encoded(ids[:length], (), ((4, 5), (length - 1, length)), (True, False)) for length in (9, 17, 12)]
    found = hidden_states(lora_model, prompts, tokens=24)
    parts = anatomy(lora_model)
    with torch.no_grad():
        logits = torch.cat([answer_logits(lora_model, collate([one])) for one in prompts])
        assert found.shape == (len(parts.layers), 6, parts.d_model)
        torch.testing.assert_close(parts.capped(parts.head(found[-1])), logits, atol=1e-4, rtol=1e-4)
