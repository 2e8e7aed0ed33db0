"""Patched runs equal plain runs in which hooks replace the outputs of modules."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from core.circuit.attribution import attribute_pairs
from core.circuit.graph import destinations, sources
from core.circuit.hooks import metrics
from core.circuit.patching import keep_modules, module_effects, run_circuit, run_circuits, run_module_circuits
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.models.families import anatomy


def edge_mask(model, value=1.0):
    """A mask that keeps the fraction `value` of every edge."""
    parts = anatomy(model)
    return torch.full((len(sources(parts)), len(destinations(parts))), value)


def raw_metric(model, pair, ids, *hooks):
    """The metric of a plain run with the given hooks, independent of the code under test."""
    handles = [register(hook) for register, hook in hooks]
    try:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
    finally:
        for handle in handles:
            handle.remove()
    return logits[pair.right] - logits[pair.wrong]


def test_full_circuit_is_the_clean_run_and_empty_one_the_corrupted(model, pairs):
    clean, corrupted = (metrics(anatomy(model), pairs, 1, side) for side in (CLEAN, CORRUPTED))
    assert (clean - corrupted).abs().min() > 1e-3
    assert_close(run_circuit(model, pairs, edge_mask(model)), clean, rtol=1e-4, atol=1e-5)
    assert_close(run_circuit(model, pairs, edge_mask(model, 0.0)), corrupted, rtol=1e-4, atol=1e-5)
    assert_close(run_circuit(model, pairs, keep_modules(anatomy(model), ())), corrupted, rtol=1e-4, atol=1e-5)


def metric_with_replaced_activation(model, pair, module, part=slice(None), before=False):
    """The metric of a plain run in which a module's input (`before`) or output is that of the counterfactual prompt."""
    corrupted = {}

    def record(_, args, out):
        corrupted["value"] = args[0] if before else out

    def replace_rows(_, args, out=None):
        mixed = (args[0] if before else out).clone()
        mixed[..., part] = corrupted["value"][..., part]
        return (mixed,) if before else mixed

    register = module.register_forward_pre_hook if before else module.register_forward_hook
    raw_metric(model, pair, pair.corrupted, (module.register_forward_hook, record))
    return raw_metric(model, pair, pair.ids, (register, replace_rows))


def metric_without(model, pair, *names):
    """The metric with some modules corrupted; both ways of running a circuit must agree."""
    parts = anatomy(model)
    circuit = set(parts.modules) - set(names)
    by_modules = run_module_circuits(model, [pair], [circuit])[0, 0]
    by_edges = run_circuit(model, [pair], keep_modules(parts, circuit))[0]
    assert_close(by_modules, by_edges, rtol=1e-4, atol=1e-5)
    return by_modules


def test_patched_module_has_the_output_of_the_corrupted_run(model, pairs):
    parts, pair = anatomy(model), pairs[1]
    for number, layer in enumerate(parts.layers[:2]):
        heads = [f"a{number}.h{head}" for head in range(parts.n_heads)]
        expected = metric_with_replaced_activation(model, pair, layer.attention_write)
        assert_close(metric_without(model, pair, *heads), expected, rtol=1e-4, atol=1e-5)
        expected = metric_with_replaced_activation(model, pair, layer.mlp_write)
        assert_close(metric_without(model, pair, f"m{number}"), expected, rtol=1e-4, atol=1e-5)
        if layer.after_attention is None:  # otherwise the norm would change the scale of the other heads
            second = slice(parts.d_head, 2 * parts.d_head)
            expected = metric_with_replaced_activation(model, pair, layer.attention_out, second, before=True)
            assert_close(metric_without(model, pair, heads[1]), expected, rtol=1e-4, atol=1e-5)


def test_module_circuits_equal_edge_circuits(model, pairs):
    parts = anatomy(model)
    circuits = [parts.modules[::2], parts.modules[1::3], ()]
    by_edges = run_circuits(model, pairs, [keep_modules(parts, circuit) for circuit in circuits])
    assert_close(run_module_circuits(model, pairs, circuits), by_edges, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("which", "qkv")
@pytest.mark.parametrize("name", ["llama", "qwen3", "gpt2", "llama+lora"])
def test_patched_edge_corrupts_only_the_input_of_one_head(build_model, pairs, name, which):
    """In layer 0 heads read only the embeddings; the heads of a key-value group are patched together."""
    model, pair = build_model(name), pairs[1]
    parts = anatomy(model)
    projection = getattr(parts.layers[0], which)
    heads = 1 if which == "q" else parts.n_heads // parts.n_kv_heads
    rows = projection.rows(0)
    corrupted = {}

    def record(_, args, out):
        corrupted["output"] = out

    def replace_rows(_, args, out):
        mixed = out.clone()
        mixed[..., rows] = corrupted["output"][..., rows]
        return mixed

    raw_metric(model, pair, pair.corrupted, (projection.linear.register_forward_hook, record))
    expected = raw_metric(model, pair, pair.ids, (projection.linear.register_forward_hook, replace_rows))
    keep = edge_mask(model)
    first = destinations(parts).index(("a0.h0", which))
    keep[0, first : first + heads] = 0
    assert_close(run_circuit(model, [pair], keep)[0], expected, rtol=1e-4, atol=1e-5)
    assert not torch.isclose(expected, raw_metric(model, pair, pair.ids), rtol=1e-4, atol=1e-5)


def test_patching_is_independent_of_padding_and_batch_size(model, pairs):
    keeps = [torch.rand(edge_mask(model).shape, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
    one = run_circuits(model, pairs, keeps, batch_size=1)
    assert_close(run_circuits(model, pairs, keeps, batch_size=4), one, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(one[0], one[1], rtol=1e-3)


def test_small_effect_equals_node_score(build_model, pairs):
    """Pairs of nearly equal embeddings have linear effects, for which attribution is exact."""
    model = build_model("gpt2")
    with torch.no_grad():  # token 0 is almost token 5 and replaces it in the counterfactual prompts
        parts = anatomy(model)
        parts.embed.weight[0] = parts.embed.weight[5] + 1e-2 * parts.embed.weight[9]
    near_pairs = [replace(c, ids=(*c.ids[:2], 5, *c.ids[3:]), corrupted=(*c.ids[:2], 0, *c.ids[3:])) for c in pairs]
    model = model.double()
    effects = module_effects(model, near_pairs, parts.modules)
    nodes = attribute_pairs(model, near_pairs).nodes
    assert_close(nodes, effects, rtol=0.05, atol=0.02 * effects.abs().max().item())
