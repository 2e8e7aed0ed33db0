"""The bootstrap over prompts: right spread, right size, sure where prompts agree and unsure where they do not."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from core.circuit.attribution import attribute
from core.circuit.bootstrap import bootstrap_means, by_prompt, jaccard, overlap, strongest_modules


def nodes(means, spread, n=50, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.tensor(means) + spread * torch.randn(n, len(means), generator=generator)


def test_resampled_means_scatter_by_the_standard_error():
    some = nodes([1.0, -2.0, 0.0], 3.0, n=400)
    draws = bootstrap_means(some, 0, draws=4000)
    assert_close(draws.mean(0), some.mean(0), atol=0.02, rtol=0)
    assert_close(draws.std(0), some.std(0) / 400**0.5, rtol=0.05, atol=0)


def test_each_draw_holds_its_strongest_modules():
    chosen = strongest_modules(torch.tensor([[1.0, -3.0, 2.0], [0.0, 0.5, -0.1]]), 2)
    assert chosen.tolist() == [[False, True, True], [False, True, True]]


def test_clear_modules_are_sure_and_close_ones_are_not():
    sure = strongest_modules(bootstrap_means(nodes([9.0, 2.0, 2.0, 0.1], 2.0), 0), 2).double().mean(0)
    assert sure[0] == 1 and sure[3] == 0 and 0.02 < sure[1] < 0.98
    assert sure.sum() == pytest.approx(2)


def test_halves_overlap_fully_where_prompts_agree_and_by_chance_where_they_do_not():
    assert overlap(nodes([9.0, 6.0, 1.0, 0.5], 0.1), 2, 0) == 1
    noise = overlap(nodes([0.0] * 40, 1.0), 10, 0)
    assert noise == pytest.approx(1 / 7, abs=0.06)  # two random tens of forty: 2.5 shared of 17.5
    assert overlap(nodes([1.0], 0.1, n=1), 1, 0) is None
    assert jaccard(torch.tensor([True, True, False]), torch.tensor([True, False, True])).item() == pytest.approx(1 / 3)


def test_a_prompt_counts_once_however_many_contrasts_it_has(make, contrasts):
    twice = [*contrasts, *(replace(contrast, corrupted=contrast.ids[::-1]) for contrast in contrasts)]
    numbered = [replace(contrast, prompt=i % len(contrasts)) for i, contrast in enumerate(twice)]
    scores = attribute(make("llama"), numbered, steps=1)
    assert_close(by_prompt(scores, numbered), (scores.nodes[:4] + scores.nodes[4:]) / 2)
