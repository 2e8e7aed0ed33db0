from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from benchmarks.mib import SHARES, cmd, cpr, metrics_by_share
from core.circuit.attribution import attribute
from core.circuit.hooks import metrics
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.models.families import anatomy


def test_areas_are_those_of_known_curves():
    """f = 1 everywhere, f = 0 everywhere, f = k: areas from .001 to 1 by hand."""
    clean, corrupted = torch.full((3,), 4.0), torch.full((3,), 1.0)
    metric = {value: torch.full((10, 3), 1 + 3 * value) for value in (0.0, 1.0)}
    assert cpr(metric[1.0], clean, corrupted) == pytest.approx(0.999)
    assert cmd(metric[1.0], clean, corrupted) == pytest.approx(0)
    assert cpr(metric[0.0], clean, corrupted) == pytest.approx(0)
    assert cmd(metric[0.0], clean, corrupted) == pytest.approx(0.999)
    line = 1 + 3 * torch.tensor(SHARES)[:, None].expand(-1, 3)
    assert cpr(line, clean, corrupted) == pytest.approx(np.trapezoid(SHARES, SHARES))
    over = torch.full((10, 3), 7.0)  # f = 2: past the model, as far from it as nothing is
    assert (cpr(over, clean, corrupted), cmd(over, clean, corrupted)) == pytest.approx((1.998, 0.999))


@pytest.mark.parametrize("absolute", [True, False])
def test_the_last_share_is_the_whole_model_and_tiny_ones_are_nothing(make, contrasts, absolute):
    model = make("llama")
    scores = attribute(model, contrasts).edges
    metric = metrics_by_share(model, contrasts, scores, absolute)
    clean, corrupted = (metrics(anatomy(model), contrasts, 4, side) for side in (CLEAN, CORRUPTED))
    assert_close(metric[-1], clean, rtol=1e-4, atol=1e-5)
    assert_close(metric[0], corrupted, rtol=1e-4, atol=1e-5)  # a thousandth of 221 edges is none
    assert len(metric) == len(SHARES) == 10


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_attribution_beats_random_scores_and_its_own_negative(make, contrasts, name):
    model = make(name)
    contrasts = [*map(partial(for_the_right, model), contrasts)]
    clean, corrupted = (metrics(anatomy(model), contrasts, 4, side) for side in (CLEAN, CORRUPTED))
    scores = attribute(model, contrasts).edges
    chance = torch.randn(scores.shape, generator=torch.Generator().manual_seed(0))
    ratio = [cpr(metrics_by_share(model, contrasts, s, False), clean, corrupted) for s in (scores, chance, -scores)]
    assert ratio[0] > max(ratio[1:])
    distance = [cmd(metrics_by_share(model, contrasts, s, True), clean, corrupted) for s in (scores, chance)]
    assert distance[0] < distance[1]


def for_the_right(model, contrast):
    """The contrast with its answers in the order in which the evidence speaks for the right one."""
    clean, corrupted = (metrics(anatomy(model), [contrast], 1, side) for side in (CLEAN, CORRUPTED))
    return contrast if clean > corrupted else replace(contrast, right=contrast.wrong, wrong=contrast.right)
