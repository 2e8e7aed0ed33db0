from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from core.circuit.attribution import attribute
from core.circuit.graph import destinations, sources
from core.circuit.hooks import metrics
from core.circuit.patching import keep_modules, module_effects, run_circuit, run_circuits, run_module_circuits
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.models.families import anatomy


def everything(model, value=1.0):
    parts = anatomy(model)
    return torch.full((len(sources(parts)), len(destinations(parts))), value)


def raw_metric(model, contrast, ids, *hooks):
    """The metric of a plain run, with hooks that know nothing of the code under test."""
    handles = [register(hook) for register, hook in hooks]
    try:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
    finally:
        for handle in handles:
            handle.remove()
    return logits[contrast.right] - logits[contrast.wrong]


def test_all_ones_is_the_clean_run_and_all_zeros_the_corrupted_one(model, contrasts):
    clean, corrupted = (metrics(anatomy(model), contrasts, 1, side) for side in (CLEAN, CORRUPTED))
    assert (clean - corrupted).abs().min() > 1e-3
    assert_close(run_circuit(model, contrasts, everything(model)), clean, rtol=1e-4, atol=1e-5)
    assert_close(run_circuit(model, contrasts, everything(model, 0.0)), corrupted, rtol=1e-4, atol=1e-5)
    assert_close(run_circuit(model, contrasts, keep_modules(anatomy(model), ())), corrupted, rtol=1e-4, atol=1e-5)


def swapped_in(model, contrast, module, part=slice(None), before=False):
    """The metric of a plain run in which a module gets (before) or gives what it does on the corrupted prompt."""
    kept = {}

    def remember(_, args, out):
        kept["value"] = args[0] if before else out

    def swap(_, args, out=None):
        mixed = (args[0] if before else out).clone()
        mixed[..., part] = kept["value"][..., part]
        return (mixed,) if before else mixed

    register = module.register_forward_pre_hook if before else module.register_forward_hook
    raw_metric(model, contrast, contrast.corrupted, (module.register_forward_hook, remember))
    return raw_metric(model, contrast, contrast.ids, (register, swap))


def without(model, contrast, *names):
    """The metric with some modules corrupted, by both ways of running a circuit, which agree."""
    parts = anatomy(model)
    circuit = set(parts.modules) - set(names)
    by_modules = run_module_circuits(model, [contrast], [circuit])[0, 0]
    by_edges = run_circuit(model, [contrast], keep_modules(parts, circuit))[0]
    assert_close(by_modules, by_edges, rtol=1e-4, atol=1e-5)
    return by_modules


def test_patching_modules_is_putting_their_corrupted_outputs_in_their_place(model, contrasts):
    parts, contrast = anatomy(model), contrasts[1]
    for number, layer in enumerate(parts.layers[:2]):
        heads = [f"a{number}.h{head}" for head in range(parts.n_heads)]
        expected = swapped_in(model, contrast, layer.attention_write)
        assert_close(without(model, contrast, *heads), expected, rtol=1e-4, atol=1e-5)
        expected = swapped_in(model, contrast, layer.mlp_write)
        assert_close(without(model, contrast, f"m{number}"), expected, rtol=1e-4, atol=1e-5)
        if layer.after_attention is None:  # or other heads' scale would change too
            second = slice(parts.d_head, 2 * parts.d_head)
            expected = swapped_in(model, contrast, layer.attention_out, second, before=True)
            assert_close(without(model, contrast, heads[1]), expected, rtol=1e-4, atol=1e-5)


def test_both_ways_of_running_a_circuit_agree(model, contrasts):
    parts = anatomy(model)
    circuits = [parts.modules[::2], parts.modules[1::3], ()]
    by_edges = run_circuits(model, contrasts, [keep_modules(parts, circuit) for circuit in circuits])
    assert_close(run_module_circuits(model, contrasts, circuits), by_edges, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("which", "qkv")
@pytest.mark.parametrize("name", ["llama", "qwen3", "gpt2", "llama+lora"])
def test_patching_an_edge_corrupts_what_one_head_reads_and_nothing_else(make, contrasts, name, which):
    """In layer 0, where heads read the embeddings alone; the heads of one key-value group together."""
    model, contrast = make(name), contrasts[1]
    parts = anatomy(model)
    projection = getattr(parts.layers[0], which)
    heads = 1 if which == "q" else parts.n_heads // parts.n_kv_heads
    rows = projection.rows(0)
    kept = {}

    def remember(_, args, out):
        kept["output"] = out

    def swap(_, args, out):
        mixed = out.clone()
        mixed[..., rows] = kept["output"][..., rows]
        return mixed

    raw_metric(model, contrast, contrast.corrupted, (projection.linear.register_forward_hook, remember))
    expected = raw_metric(model, contrast, contrast.ids, (projection.linear.register_forward_hook, swap))
    keep = everything(model)
    first = destinations(parts).index(("a0.h0", which))
    keep[0, first : first + heads] = 0
    assert_close(run_circuit(model, [contrast], keep)[0], expected, rtol=1e-4, atol=1e-5)
    assert not torch.isclose(expected, raw_metric(model, contrast, contrast.ids), rtol=1e-4, atol=1e-5)


def test_patching_depends_on_neither_padding_nor_batch_size(model, contrasts):
    keeps = [torch.rand(everything(model).shape, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
    one = run_circuits(model, contrasts, keeps, batch_size=1)
    assert_close(run_circuits(model, contrasts, keeps, batch_size=4), one, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(one[0], one[1], rtol=1e-3)


def test_a_small_effect_is_what_its_node_score_says(make, contrasts):
    """Contrasts that differ little have linear effects, and there attribution is exact."""
    model = make("gpt2")
    with torch.no_grad():  # token 0 becomes almost token 5, and the corrupted prompts put it there
        parts = anatomy(model)
        parts.embed.weight[0] = parts.embed.weight[5] + 1e-2 * parts.embed.weight[9]
    near = [replace(c, ids=(*c.ids[:2], 5, *c.ids[3:]), corrupted=(*c.ids[:2], 0, *c.ids[3:])) for c in contrasts]
    model = model.double()
    effects = module_effects(model, near, parts.modules)
    nodes = attribute(model, near).nodes
    assert_close(nodes, effects, rtol=0.05, atol=0.02 * effects.abs().max().item())
