"""Batching: padding changes no logits, and answer logits equal those of a plain forward pass."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from core.models.batching import (
    answer_logits,
    answer_loss,
    batches,
    collate,
    micro_batches,
    similar_lengths,
    tokens_of_a_pass,
)
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


def best_cost(lengths: list[int], pass_tokens: float) -> float:
    """The second way: every split of the prompts into passes, whatever their order."""
    if not lengths:
        return 0.0
    first, rest = lengths[0], lengths[1:]
    costs = []
    for chosen in range(2 ** len(rest)):
        with_first = [length for bit, length in enumerate(rest) if chosen >> bit & 1]
        others = [length for bit, length in enumerate(rest) if not chosen >> bit & 1]
        own = max([first, *with_first]) * (1 + len(with_first)) + pass_tokens
        costs.append(own + best_cost(others, pass_tokens))
    return min(costs)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 60))
def test_passes_have_the_least_cost(lengths, pass_tokens):
    passes = similar_lengths(lengths, pass_tokens)
    assert sorted(i for one in passes for i in one) == list(range(len(lengths)))
    cost = sum(max(lengths[i] for i in one) * len(one) + pass_tokens for one in passes)
    assert cost == best_cost(lengths, pass_tokens)


def test_one_pass_where_passes_are_dear_or_lengths_equal():
    assert similar_lengths([3, 50, 7], math.inf) == similar_lengths([9, 9, 9], 1) == [[0, 1, 2]]


def test_passes_by_length_add_up_to_the_gradient_of_the_batch(lora_model):
    prompts = [prompt(length, length) for length in (40, 7, 9, 38)]
    weights = [one for one in lora_model.parameters() if one.requires_grad]

    def gradient(pass_tokens: float) -> tuple[list[torch.Tensor], int]:
        lora_model.zero_grad()
        parts = list(micro_batches(range(4), prompts, 0, pass_tokens, lambda part: 2 * len(part)))
        for part, share in parts:
            batch = collate([prompts[i] for i in part])
            (share * answer_loss(answer_logits(lora_model, batch), batch)).backward()
        return [one.grad.clone() for one in weights], len(parts)

    (whole, one), (split, two) = gradient(math.inf), gradient(8)
    assert (one, two) == (1, 2)
    for expected, found in zip(whole, split, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_small_models_and_accelerators_take_a_batch_in_one_pass(lora_model):
    assert tokens_of_a_pass(lora_model, torch.device("cpu")) > 1_000
    assert tokens_of_a_pass(lora_model, torch.device("cuda")) == math.inf
