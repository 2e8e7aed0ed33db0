"""Bootstrap over prompts: standard errors, membership probabilities and the overlap of two halves."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from core.circuit.attribution import attribute_pairs
from core.circuit.bootstrap import bootstrap_means, by_prompt, jaccard, overlap, strongest_modules


def node_scores(means, spread, n=50, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.tensor(means) + spread * torch.randn(n, len(means), generator=generator)


def test_resampled_means_have_the_standard_error():
    scores = node_scores([1.0, -2.0, 0.0], 3.0, n=400)
    draws = bootstrap_means(scores, 0, draws=4000)
    assert_close(draws.mean(0), scores.mean(0), atol=0.02, rtol=0)
    assert_close(draws.std(0), scores.std(0) / 400**0.5, rtol=0.05, atol=0)


def test_strongest_modules_are_chosen_in_each_draw():
    chosen = strongest_modules(torch.tensor([[1.0, -3.0, 2.0], [0.0, 0.5, -0.1]]), 2)
    assert chosen.tolist() == [[False, True, True], [False, True, True]]


def test_membership_is_certain_for_clear_modules_only():
    probability = strongest_modules(bootstrap_means(node_scores([9.0, 2.0, 2.0, 0.1], 2.0), 0), 2).double().mean(0)
    assert probability[0] == 1 and probability[3] == 0 and 0.02 < probability[1] < 0.98
    assert probability.sum() == pytest.approx(2)


def test_halves_overlap_fully_if_prompts_agree_else_by_chance():
    assert overlap(node_scores([9.0, 6.0, 1.0, 0.5], 0.1), 2, 0) == 1
    noise = overlap(node_scores([0.0] * 40, 1.0), 10, 0)
    assert noise == pytest.approx(1 / 7, abs=0.06)  # two random sets of 10 of 40 modules: 2.5 shared of 17.5
    assert overlap(node_scores([1.0], 0.1, n=1), 1, 0) is None
    assert jaccard(torch.tensor([True, True, False]), torch.tensor([True, False, True])).item() == pytest.approx(1 / 3)


def test_prompt_with_several_pairs_counts_once(build_model, pairs):
    two_pairs_each = [*pairs, *(replace(pair, corrupted=pair.ids[::-1]) for pair in pairs)]
    numbered = [replace(pair, prompt=i % len(pairs)) for i, pair in enumerate(two_pairs_each)]
    scores = attribute_pairs(build_model("llama"), numbered, steps=1)
    assert_close(by_prompt(scores, numbered), (scores.nodes[:4] + scores.nodes[4:]) / 2)
