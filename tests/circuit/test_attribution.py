"""Attribution scores equal derivatives of patched runs and depend on no batch size or memory budget."""

from collections import Counter
from dataclasses import fields, replace
from functools import partial

import pytest
import torch
from torch.testing import assert_close

from core.circuit import attribution
from core.circuit.attribution import attribute_pairs
from core.circuit.graph import destinations, sources
from core.circuit.patching import run_circuits
from core.models.families import anatomy


def swapped_pairs(pairs):
    return [replace(pair, ids=pair.corrupted, corrupted=pair.ids) for pair in pairs]


def sample_edges(scores, parts):
    """For each kind of destination (q, k, v, MLP, logits): the strongest edge and three random edges."""
    random = torch.Generator().manual_seed(0)
    for kind in {(which, name[0]) for name, which in destinations(parts)}:
        columns = [i for i, (name, which) in enumerate(destinations(parts)) if (which, name[0]) == kind]
        ranked = scores[:, columns].abs().flatten().argsort(descending=True)
        for index in (ranked[0], *ranked[torch.randint(len(ranked) // 2, (3,), generator=random)]):
            yield int(index) // len(columns), columns[int(index) % len(columns)]


def numerical_derivative(model, pairs, shape, edge, step):
    """Derivative of the patched run's metric at the clean run: central differences, Richardson extrapolation."""
    keeps = [torch.ones(shape, dtype=torch.float64) for _ in range(4)]
    for keep, steps in zip(keeps, (-2, -1, 1, 2), strict=True):
        keep[edge] += steps * step
    far_less, less, more, far_more = run_circuits(model, pairs, keeps).double().mean(1)
    return (8 * (less - more) - (far_less - far_more)) / (12 * step)


def relative_error(model, pairs, scores, step):
    edges = list(sample_edges(scores, anatomy(model)))
    derivatives = torch.stack([numerical_derivative(model, pairs, scores.shape, edge, step) for edge in edges])
    expected = torch.stack([scores[edge] for edge in edges]).double()
    return ((derivatives - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("rule", ["midpoint", "clean", "frozen", "conductance"])
def test_node_score_equals_sum_of_outgoing_edge_scores(model, pairs, rule):
    scores = attribute_pairs(model, pairs, rule=rule)
    sums = scores.edges[1:].sum(1)
    assert sums.abs().min() > 0
    assert_close(scores.nodes.mean(0), sums, rtol=1e-4, atol=1e-4 * sums.abs().max().item())


def test_clean_scores_equal_derivatives_of_patched_run(model, pairs):
    scores = attribute_pairs(model, pairs, rule="clean").edges
    assert relative_error(model, pairs, scores, 0.03) < 1e-3


@pytest.mark.parametrize("name", ["gpt2", "neox", "neox-serial", "gpt2+lora"])
def test_clean_scores_equal_derivatives_to_float64_precision(build_model, pairs, name):
    """Models without RMSNorm only: RMSNorm computes in float32."""
    model = build_model(name).double()
    scores = attribute_pairs(model, pairs, rule="clean").edges
    assert relative_error(model, pairs, scores, 1e-3) < 1e-9


@pytest.mark.parametrize("name", ["llama", "gpt2", "neox"])
def test_frozen_scores_equal_scores_with_detached_norm_scales(build_model, pairs, name):
    """Compares node scores only: edges into q, k and v use the norm's formula instead of its module."""
    model = build_model(name)
    scores, plain = (attribute_pairs(model, pairs, rule=rule).nodes for rule in ("frozen", "clean"))
    parts = anatomy(model)
    for norm in (parts.final_norm, *(n for layer in parts.layers for n in (layer.attention_norm, layer.mlp_norm))):
        norm.module.forward = partial(norm_with_detached_scale, norm.module)
    assert_close(attribute_pairs(model, pairs, rule="clean").nodes, scores, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(scores, plain, rtol=0.1)


def norm_with_detached_scale(module, x):
    """Output of a norm whose scale has no gradient."""
    centred = x - x.mean(-1, keepdim=True) if isinstance(module, torch.nn.LayerNorm) else x
    epsilon = module.eps if isinstance(module, torch.nn.LayerNorm) else module.variance_epsilon
    sigma = (centred.pow(2).mean(-1, keepdim=True) + epsilon).sqrt().detach()
    return centred / sigma * module.weight + getattr(module, "bias", 0)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "neox"])
def test_conductance_of_edges_into_logits_sums_to_metric_gap(build_model, pairs, name):
    scores = attribute_pairs(build_model(name), pairs, steps=60, rule="conductance")
    gap = (scores.corrupted - scores.clean).mean()
    assert_close(scores.edges[:, -1].sum(), gap, rtol=2e-3, atol=1e-5)
    attributed = attribute_pairs(build_model(name), pairs, steps=60).edges[:, -1].sum()
    assert abs(attributed - gap) > 5 * abs(scores.edges[:, -1].sum() - gap)  # EAP-IG is not complete


def test_scores_by_prompt_slot_sum_to_module_scores(model, pairs):
    pairs_with_items = [replace(c, items=(1, c.spans[0][0], len(c.ids) - 2)) for c in pairs]
    scores = attribute_pairs(model, pairs_with_items)
    nodes, scale = scores.nodes.mean(0), scores.nodes.abs().max().item()
    assert scores.reads.shape == scores.writes.shape == (4, len(nodes))
    assert_close(scores.writes.sum(0), nodes, rtol=1e-4, atol=1e-5 * scale)
    names = [name for name, _ in destinations(anatomy(model))]
    for column, name in enumerate(anatomy(model).modules):
        into = scores.edges[:, [index for index, target in enumerate(names) if target == name]].sum()
        assert_close(scores.reads[:, column].sum(), into, rtol=1e-3, atol=1e-5 * scale)
    assert (scores.reads[0] == 0).all()  # the instruction precedes every difference


def test_first_layer_reads_only_the_replaced_title(build_model, pairs):
    """Its residual stream is the embeddings, which differ in the replaced title only."""
    pairs_with_items = [replace(c, items=(c.spans[0][0], c.spans[0][1])) for c in pairs]
    reads = attribute_pairs(build_model("llama"), pairs_with_items, rule="clean").reads
    heads = anatomy(build_model("llama")).n_heads
    assert (reads[2, :heads] != 0).all() and (reads[[0, 1], :heads] == 0).all()


def test_noise_equals_standard_error_over_batches(build_model, pairs):
    model = build_model("llama")
    noise = attribute_pairs(model, pairs, batch_size=1).noise
    alone = torch.stack([attribute_pairs(model, [pair]).edges for pair in pairs])
    assert_close(noise, alone.std(0) / 2, rtol=1e-2, atol=1e-5)
    assert attribute_pairs(model, pairs, batch_size=4).noise.isnan().all()


def test_no_edge_leads_to_an_earlier_module(model, pairs):
    parts = anatomy(model)
    scores = attribute_pairs(model, pairs, steps=1).edges
    first_row = {name: row for row, name in enumerate(sources(parts))}
    for column, (name, which) in enumerate(destinations(parts)):
        layer_start = first_row[f"a{name[1:].split('.')[0]}.h0"] if which else first_row.get(name, len(first_row))
        assert (scores[layer_start:, column] == 0).all()
        assert (scores[:layer_start, column] != 0).any()


@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_rules_take_gradients_at_their_points(build_model, pairs, name):
    model = build_model(name).double()
    clean = attribute_pairs(model, pairs, rule="clean")
    start = attribute_pairs(model, pairs, steps=1, rule="left")
    middle = attribute_pairs(model, pairs, steps=1)
    # Swapping a pair swaps the two ends of the line between its prompts and keeps the midpoint.
    assert_close(start.edges, -attribute_pairs(model, swapped_pairs(pairs), rule="clean").edges, rtol=1e-5, atol=1e-7)
    assert_close(middle.edges, -attribute_pairs(model, swapped_pairs(pairs), steps=1).edges, rtol=1e-5, atol=1e-7)
    two = attribute_pairs(model, pairs, steps=2, rule="left")
    assert_close(two.edges, (start.edges + middle.edges) / 2, rtol=1e-5, atol=1e-7)
    assert not torch.allclose(start.edges, clean.edges, rtol=0.01)
    assert not torch.allclose(middle.edges, clean.edges, rtol=0.01)


def test_scores_are_independent_of_padding_batch_size_and_order(model, pairs):
    together = attribute_pairs(model, pairs, batch_size=4)
    alone = attribute_pairs(model, pairs, batch_size=1)
    shuffled = attribute_pairs(model, [pairs[i] for i in (2, 0, 3, 1)], batch_size=3)
    close = {"rtol": 1e-5, "atol": 1e-5 * together.edges.abs().max().item()}
    for other in (alone, shuffled):
        assert_close(together.edges, other.edges, **close)
    order = torch.tensor([2, 0, 3, 1])
    for field in ("nodes", "clean", "corrupted"):
        assert_close(getattr(together, field), getattr(alone, field), rtol=1e-5, atol=1e-5)
        assert_close(getattr(together, field)[order], getattr(shuffled, field), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma2", "neox"])
def test_scores_are_independent_of_memory_budget_and_offload(build_model, pairs, name, monkeypatch):
    model = build_model(name)
    whole = attribute_pairs(model, pairs)
    chunks = Counter()
    monkeypatch.setattr(attribution, "_chunks", lambda tokens, size: counted_chunks(chunks, tokens, 3))
    for other in (attribute_pairs(model, pairs), attribute_pairs(model, pairs, offload=True)):
        for field in fields(other):
            mine, theirs = getattr(whole, field.name), getattr(other, field.name)
            assert_close(mine, theirs, rtol=1e-4, atol=1e-6, equal_nan=True)
    assert chunks["all"] > 4


def counted_chunks(chunks, tokens, size):
    """Slices of `size` tokens; counts them in `chunks`."""
    for first in range(0, tokens, size):
        chunks["all"] += 1
        yield slice(first, min(first + size, tokens))


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "phi3", "neox"])
def test_unmerged_adapter_has_the_scores_of_a_merged_adapter(build_model, pairs, family):
    live = attribute_pairs(build_model(f"{family}+lora"), pairs)
    merged = attribute_pairs(build_model(f"{family}+lora").merge_and_unload(), pairs)
    scale = live.edges.abs().max().item()
    assert_close(live.edges, merged.edges, rtol=1e-3, atol=1e-5 * scale)
    assert_close(live.nodes, merged.nodes, rtol=1e-3, atol=1e-5 * scale)
    assert not torch.allclose(live.edges, attribute_pairs(build_model(family), pairs).edges, rtol=0.1)


def test_bfloat16_scores_correlate_with_float32_scores(build_model, pairs):
    exact = attribute_pairs(build_model("llama"), pairs).nodes.mean(0)
    coarse = attribute_pairs(build_model("llama").bfloat16(), pairs).nodes.mean(0)
    assert coarse.dtype == torch.float32
    assert torch.corrcoef(torch.stack([exact, coarse]))[0, 1] > 0.98


def test_progress_ends_at_one(build_model, pairs):
    fractions = []
    attribute_pairs(build_model("gpt2"), pairs, steps=1, batch_size=3, progress=fractions.append)
    assert fractions == [0.75, 1.0]
