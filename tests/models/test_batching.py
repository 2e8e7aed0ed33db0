"""Batching: padding changes no logits, and answer logits equal those of a plain forward pass."""

import torch

from core.models.batching import answer_logits, batches, collate
from core.types import Encoded


def prompt(length: int, seed: int) -> Encoded:
    ids = torch.randint(1, 96, (length,), generator=torch.Generator().manual_seed(seed)).tolist()
    return Encoded(tuple(ids), ((1, 2),), ((length - 3, length - 2), (length - 1, length)), (True, False))


def test_left_padding_does_not_change_logits(lora_model):
    short, long = prompt(7, 1), prompt(15, 2)
    with torch.no_grad():
        alone = answer_logits(lora_model, collate([short]))
        padded = answer_logits(lora_model, collate([short, long]))[:2]
    torch.testing.assert_close(alone, padded, atol=1e-5, rtol=1e-5)


def test_answer_logits_equal_logits_of_forward_pass(lora_model):
    encoded = prompt(9, 3)
    with torch.no_grad():
        plain = lora_model(torch.tensor([encoded.ids])).logits[0, [5, 7]]
        torch.testing.assert_close(answer_logits(lora_model, collate([encoded])), plain, atol=1e-5, rtol=1e-5)


def test_batches_hold_each_prompt_once():
    prompts = [prompt(n, n) for n in (4, 9, 5, 30, 7)]
    chosen = [i for indices, batch in batches(prompts, 32) for i in indices]
    assert sorted(chosen) == list(range(5))
