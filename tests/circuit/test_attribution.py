from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from core.circuit.attribution import attribute
from core.circuit.graph import destinations, sources
from core.circuit.patching import patched_each
from core.models.families import anatomy


def swapped(contrasts):
    return [replace(contrast, ids=contrast.corrupted, corrupted=contrast.ids) for contrast in contrasts]


def some_edges(scores, parts):
    """Of each kind of destination (q, k, v, MLP, logits) the strongest edge and three others."""
    random = torch.Generator().manual_seed(0)
    for kind in {(which, name[0]) for name, which in destinations(parts)}:
        columns = [i for i, (name, which) in enumerate(destinations(parts)) if (which, name[0]) == kind]
        places = scores[:, columns].abs().flatten().argsort(descending=True)
        for place in (places[0], *places[torch.randint(len(places) // 2, (3,), generator=random)]):
            yield int(place) // len(columns), columns[int(place) % len(columns)]


def finite_difference(model, contrasts, shape, edge, step):
    keeps = [torch.ones(shape, dtype=torch.float64) for _ in range(2)]
    keeps[0][edge] -= step
    keeps[1][edge] += step
    less, more = patched_each(model, contrasts, keeps).mean(1)
    return (less - more) / (2 * step)


@pytest.mark.parametrize("rule", ["midpoint", "clean"])
def test_node_scores_taken_at_the_outputs_are_the_sums_of_outgoing_edges(model, contrasts, rule):
    scores = attribute(model, contrasts, rule=rule)
    sums = scores.edges[1:].sum(1)
    assert sums.abs().min() > 0
    assert_close(scores.nodes.mean(0), sums, rtol=1e-4, atol=1e-4 * sums.abs().max().item())


def test_plain_scores_are_the_slopes_of_the_patched_run(model, contrasts):
    model = model.double()
    scores = attribute(model, contrasts, rule="clean").edges
    edges = list(some_edges(scores, anatomy(model)))
    slopes = torch.stack([finite_difference(model, contrasts, scores.shape, edge, 0.01) for edge in edges])
    expected = torch.stack([scores[edge] for edge in edges])
    # RMSNorm computes in float32 whatever the model's dtype, so very weak edges drown in its rounding.
    assert_close(slopes, expected, rtol=1e-3, atol=2e-4 * scores.abs().max().item())


def test_plain_scores_in_float32_agree_with_slopes_loosely(model, contrasts):
    scores = attribute(model, contrasts, rule="clean").edges
    for edge in some_edges(scores, anatomy(model)):
        slope = finite_difference(model, contrasts, scores.shape, edge, 0.1)
        assert_close(slope, scores[edge], rtol=0.05, atol=0.02 * scores.abs().max().item())


def test_no_edge_runs_backwards(model, contrasts):
    parts = anatomy(model)
    scores = attribute(model, contrasts, steps=1).edges
    place = {name: row for row, name in enumerate(sources(parts))}
    for column, (name, which) in enumerate(destinations(parts)):
        layer_start = place[f"a{name[1:].split('.')[0]}.h0"] if which else place.get(name, len(place))
        assert (scores[layer_start:, column] == 0).all()
        assert (scores[:layer_start, column] != 0).any()


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_rules_take_gradients_where_they_say(make, contrasts, name):
    model = make(name).double()
    clean = attribute(model, contrasts, rule="clean")
    start = attribute(model, contrasts, steps=1, rule="left")
    middle = attribute(model, contrasts, steps=1)
    # The corrupted end of the line is the clean end of the swapped one; the middle is the middle of both.
    assert_close(start.edges, -attribute(model, swapped(contrasts), rule="clean").edges, rtol=1e-5, atol=1e-7)
    assert_close(middle.edges, -attribute(model, swapped(contrasts), steps=1).edges, rtol=1e-5, atol=1e-7)
    two = attribute(model, contrasts, steps=2, rule="left")
    assert_close(two.edges, (start.edges + middle.edges) / 2, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(start.edges, clean.edges, rtol=0.01)
    assert not torch.allclose(middle.edges, clean.edges, rtol=0.01)


def test_scores_depend_on_neither_padding_nor_batch_size_nor_order(model, contrasts):
    together = attribute(model, contrasts, batch_size=4)
    alone = attribute(model, contrasts, batch_size=1)
    shuffled = attribute(model, [contrasts[i] for i in (2, 0, 3, 1)], batch_size=3)
    close = {"rtol": 1e-4, "atol": 1e-5 * together.edges.abs().max().item()}
    for other in (alone, shuffled):
        assert_close(together.edges, other.edges, **close)
    order = torch.tensor([2, 0, 3, 1])
    for field in ("nodes", "clean", "corrupted"):
        assert_close(getattr(together, field), getattr(alone, field), rtol=1e-4, atol=1e-5)
        assert_close(getattr(together, field)[order], getattr(shuffled, field), rtol=1e-4, atol=1e-5)


def test_scores_do_not_depend_on_the_size_of_token_chunks(make, contrasts, monkeypatch):
    model = make("llama")
    whole = attribute(model, contrasts).edges
    monkeypatch.setattr("core.circuit.attribution.CHUNK", 5 * whole.shape[0] * 32)
    assert_close(attribute(model, contrasts).edges, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_live_adapter_scores_like_a_merged_one(make, contrasts, family):
    live = attribute(make(f"{family}+lora"), contrasts)
    merged = attribute(make(f"{family}+lora").merge_and_unload(), contrasts)
    scale = live.edges.abs().max().item()
    assert_close(live.edges, merged.edges, rtol=1e-3, atol=1e-5 * scale)
    assert_close(live.nodes, merged.nodes, rtol=1e-3, atol=1e-5 * scale)
    assert not torch.allclose(live.edges, attribute(make(family), contrasts).edges, rtol=0.1)


def test_bfloat16_scores_rank_modules_like_float32(make, contrasts):
    exact = attribute(make("llama"), contrasts).nodes.mean(0)
    coarse = attribute(make("llama").bfloat16(), contrasts).nodes.mean(0)
    assert coarse.dtype == torch.float32
    assert torch.corrcoef(torch.stack([exact, coarse]))[0, 1] > 0.98


def test_progress_ends_at_one(make, contrasts):
    heard = []
    attribute(make("gpt2"), contrasts, steps=1, batch_size=3, progress=heard.append)
    assert heard == [0.75, 1.0]
