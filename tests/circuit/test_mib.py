"""MIB's circuit metrics CPR and CMD: areas under known curves, and attribution against random scores."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from benchmarks.mib import SHARES, cmd, cpr, metrics_by_share
from core.circuit.attribution import attribute_pairs
from core.circuit.hooks import metrics
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.models.families import anatomy


def test_areas_equal_those_of_known_curves():
    """Areas from k = .001 to 1, calculated by hand, for f = 1, f = 0 and f = k."""
    clean, corrupted = torch.full((3,), 4.0), torch.full((3,), 1.0)
    metric = {value: torch.full((10, 3), 1 + 3 * value) for value in (0.0, 1.0)}
    assert cpr(metric[1.0], clean, corrupted) == pytest.approx(0.999)
    assert cmd(metric[1.0], clean, corrupted) == pytest.approx(0)
    assert cpr(metric[0.0], clean, corrupted) == pytest.approx(0)
    assert cmd(metric[0.0], clean, corrupted) == pytest.approx(0.999)
    line = 1 + 3 * torch.tensor(SHARES)[:, None].expand(-1, 3)
    assert cpr(line, clean, corrupted) == pytest.approx(np.trapezoid(SHARES, SHARES))
    over = torch.full((10, 3), 7.0)  # f = 2: as far from the model's f = 1 as the empty circuit is
    assert (cpr(over, clean, corrupted), cmd(over, clean, corrupted)) == pytest.approx((1.998, 0.999))


@pytest.mark.parametrize("absolute", [True, False])
def test_smallest_share_is_the_empty_circuit_and_largest_the_model(build_model, pairs, absolute):
    model = build_model("llama")
    scores = attribute_pairs(model, pairs).edges
    metric = metrics_by_share(model, pairs, scores, absolute)
    clean, corrupted = (metrics(anatomy(model), pairs, 4, side) for side in (CLEAN, CORRUPTED))
    assert_close(metric[-1], clean, rtol=1e-4, atol=1e-5)
    assert_close(metric[0], corrupted, rtol=1e-4, atol=1e-5)  # a thousandth of 221 edges rounds to none
    assert len(metric) == len(SHARES) == 10


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_attribution_beats_random_and_negated_scores(build_model, pairs, name):
    model = build_model(name)
    pairs = [*map(partial(with_positive_gap, model), pairs)]
    clean, corrupted = (metrics(anatomy(model), pairs, 4, side) for side in (CLEAN, CORRUPTED))
    scores = attribute_pairs(model, pairs).edges
    random_scores = torch.randn(scores.shape, generator=torch.Generator().manual_seed(0))
    ratio = [cpr(metrics_by_share(model, pairs, s, False), clean, corrupted) for s in (scores, random_scores, -scores)]
    assert ratio[0] > max(ratio[1:])
    distance = [cmd(metrics_by_share(model, pairs, s, True), clean, corrupted) for s in (scores, random_scores)]
    assert distance[0] < distance[1]


def with_positive_gap(model, pair):
    """The pair with its answers in the order that makes the metric gap positive."""
    clean, corrupted = (metrics(anatomy(model), [pair], 1, side) for side in (CLEAN, CORRUPTED))
    return pair if clean > corrupted else replace(pair, right=pair.wrong, wrong=pair.right)
