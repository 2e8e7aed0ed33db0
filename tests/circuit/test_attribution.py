from collections import Counter
from dataclasses import fields, replace
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from core.circuit import attribution
from core.circuit.attribution import attribute
from core.circuit.graph import destinations, sources
from core.circuit.patching import run_circuits
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


def slope(model, contrasts, shape, edge, step):
    """Of the patched run at the clean point, by central differences and Richardson's extrapolation."""
    keeps = [torch.ones(shape, dtype=torch.float64) for _ in range(4)]
    for keep, steps in zip(keeps, (-2, -1, 1, 2), strict=True):
        keep[edge] += steps * step
    far_less, less, more, far_more = run_circuits(model, contrasts, keeps).double().mean(1)
    return (8 * (less - more) - (far_less - far_more)) / (12 * step)


def relative_error(model, contrasts, scores, step):
    edges = list(some_edges(scores, anatomy(model)))
    slopes = torch.stack([slope(model, contrasts, scores.shape, edge, step) for edge in edges])
    expected = torch.stack([scores[edge] for edge in edges]).double()
    return ((slopes - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("rule", ["midpoint", "clean", "frozen", "conductance"])
def test_node_scores_taken_at_the_outputs_are_the_sums_of_outgoing_edges(model, contrasts, rule):
    scores = attribute(model, contrasts, rule=rule)
    sums = scores.edges[1:].sum(1)
    assert sums.abs().min() > 0
    assert_close(scores.nodes.mean(0), sums, rtol=1e-4, atol=1e-4 * sums.abs().max().item())


def test_plain_scores_are_the_slopes_of_the_patched_run(model, contrasts):
    scores = attribute(model, contrasts, rule="clean").edges
    assert relative_error(model, contrasts, scores, 0.03) < 1e-3


@pytest.mark.parametrize("name", ["gpt2", "neox", "neox-serial", "gpt2+lora"])
def test_plain_scores_are_those_slopes_to_the_last_digits(make, contrasts, name):
    """In float64, which RMSNorms do not keep."""
    model = make(name).double()
    scores = attribute(model, contrasts, rule="clean").edges
    assert relative_error(model, contrasts, scores, 1e-3) < 1e-9


@pytest.mark.parametrize("name", ["llama", "gpt2", "neox"])
def test_frozen_scores_are_those_of_norms_whose_scale_has_no_gradient(make, contrasts, name):
    """q, k and v are left to the sums over edges, because there the opened norm is used and not the module."""
    model = make(name)
    scores, plain = (attribute(model, contrasts, rule=rule).nodes for rule in ("frozen", "clean"))
    parts = anatomy(model)
    for norm in (parts.final_norm, *(n for layer in parts.layers for n in (layer.attention_norm, layer.mlp_norm))):
        norm.module.forward = partial(detached, norm.module)
    assert_close(attribute(model, contrasts, rule="clean").nodes, scores, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(scores, plain, rtol=0.1)


def detached(module, x):
    centred = x - x.mean(-1, keepdim=True) if isinstance(module, torch.nn.LayerNorm) else x
    epsilon = module.eps if isinstance(module, torch.nn.LayerNorm) else module.variance_epsilon
    sigma = (centred.pow(2).mean(-1, keepdim=True) + epsilon).sqrt().detach()
    return centred / sigma * module.weight + getattr(module, "bias", 0)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "neox"])
def test_conductance_of_all_that_writes_to_the_logits_is_complete(make, contrasts, name):
    scores = attribute(make(name), contrasts, steps=60, rule="conductance")
    gap = (scores.corrupted - scores.clean).mean()
    assert_close(scores.edges[:, -1].sum(), gap, rtol=2e-3, atol=1e-5)
    attributed = attribute(make(name), contrasts, steps=60).edges[:, -1].sum()
    assert abs(attributed - gap) > 5 * abs(scores.edges[:, -1].sum() - gap)  # which EAP-IG is not


def test_places_in_the_prompt_sum_to_the_modules_scores(model, contrasts):
    titled = [replace(c, items=(1, c.spans[0][0], len(c.ids) - 2)) for c in contrasts]
    scores = attribute(model, titled)
    nodes, scale = scores.nodes.mean(0), scores.nodes.abs().max().item()
    assert scores.reads.shape == scores.writes.shape == (4, len(nodes))
    assert_close(scores.writes.sum(0), nodes, rtol=1e-4, atol=1e-5 * scale)
    names = [name for name, _ in destinations(anatomy(model))]
    for column, name in enumerate(anatomy(model).modules):
        into = scores.edges[:, [place for place, target in enumerate(names) if target == name]].sum()
        assert_close(scores.reads[:, column].sum(), into, rtol=1e-3, atol=1e-5 * scale)
    assert (scores.reads[0] == 0).all()  # the instruction comes before all that differs


def test_the_first_layer_reads_only_where_the_prompts_differ(make, contrasts):
    """Its residual stream is the embeddings: all it reads stands in the replaced title."""
    titled = [replace(c, items=(c.spans[0][0], c.spans[0][1])) for c in contrasts]
    reads = attribute(make("llama"), titled, rule="clean").reads
    heads = anatomy(make("llama")).n_heads
    assert (reads[2, :heads] != 0).all() and (reads[[0, 1], :heads] == 0).all()


def test_noise_is_the_standard_error_over_batches(make, contrasts):
    model = make("llama")
    noise = attribute(model, contrasts, batch_size=1).noise
    alone = torch.stack([attribute(model, [contrast]).edges for contrast in contrasts])
    assert_close(noise, alone.std(0) / 2, rtol=1e-2, atol=1e-5)
    assert attribute(model, contrasts, batch_size=4).noise.isnan().all()


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
    close = {"rtol": 1e-5, "atol": 1e-5 * together.edges.abs().max().item()}
    for other in (alone, shuffled):
        assert_close(together.edges, other.edges, **close)
    order = torch.tensor([2, 0, 3, 1])
    for field in ("nodes", "clean", "corrupted"):
        assert_close(getattr(together, field), getattr(alone, field), rtol=1e-5, atol=1e-5)
        assert_close(getattr(together, field)[order], getattr(shuffled, field), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "neox"])
def test_scores_depend_on_neither_the_memory_nor_the_place_given(make, contrasts, name, monkeypatch):
    model = make(name)
    whole = attribute(model, contrasts)
    chunks = Counter()
    monkeypatch.setattr(attribution, "_chunks", lambda tokens, size: count(chunks, tokens, 3))
    for other in (attribute(model, contrasts), attribute(model, contrasts, offload=True)):
        for field in fields(other):
            mine, theirs = getattr(whole, field.name), getattr(other, field.name)
            assert_close(mine, theirs, rtol=1e-4, atol=1e-6, equal_nan=True)
    assert chunks["all"] > 4


def count(chunks, tokens, size):
    for first in range(0, tokens, size):
        chunks["all"] += 1
        yield slice(first, min(first + size, tokens))


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "phi3", "neox"])
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
