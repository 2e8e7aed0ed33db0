from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from core.circuit.attribution import attribute
from core.circuit.graph import destinations, sources
from core.circuit.passes import CLEAN, CORRUPTED, metrics
from core.circuit.patching import keep_modules, module_effects, patched, patched_each
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
    assert_close(patched(model, contrasts, everything(model)), clean, rtol=1e-4, atol=1e-5)
    assert_close(patched(model, contrasts, everything(model, 0.0)), corrupted, rtol=1e-4, atol=1e-5)
    assert_close(patched(model, contrasts, keep_modules(anatomy(model), ())), corrupted, rtol=1e-4, atol=1e-5)


def test_equal_columns_and_unequal_ones_give_one_result(model, contrasts):
    """Masks that differ only where no edge can run force the path with a column for each destination."""
    parts = anatomy(model)
    keep = keep_modules(parts, parts.modules[1::2]).clone()
    odd = keep.clone()
    odd[len(odd) // 2 :, : 3 * parts.n_heads] = torch.rand(len(odd) - len(odd) // 2, 3 * parts.n_heads)
    assert_close(patched(model, contrasts, odd), patched(model, contrasts, keep), rtol=1e-4, atol=1e-5)


def test_patching_a_module_is_putting_its_corrupted_output_in_its_place(model, contrasts):
    parts, contrast = anatomy(model), contrasts[1]
    for layer, module in enumerate(parts.layers[:2]):
        kept = {}

        def remember(_, args, out, kept=kept):
            kept.update(input=args[0], output=out)

        def head(_, args, kept=kept):
            mixed = args[0].clone()
            mixed[..., parts.d_head : 2 * parts.d_head] = kept["input"][..., parts.d_head : 2 * parts.d_head]
            return (mixed,)

        def mlp(*_, kept=kept):
            return kept["output"]

        raw_metric(model, contrast, contrast.corrupted, (module.attention_out.register_forward_hook, remember))
        expected = raw_metric(model, contrast, contrast.ids, (module.attention_out.register_forward_pre_hook, head))
        keep = keep_modules(parts, set(parts.modules) - {f"a{layer}.h1"})
        assert_close(patched(model, [contrast], keep)[0], expected, rtol=1e-4, atol=1e-5)

        raw_metric(model, contrast, contrast.corrupted, (module.mlp.register_forward_hook, remember))
        expected = raw_metric(model, contrast, contrast.ids, (module.mlp.register_forward_hook, mlp))
        keep = keep_modules(parts, set(parts.modules) - {f"m{layer}"})
        assert_close(patched(model, [contrast], keep)[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("which", "qkv")
@pytest.mark.parametrize("name", ["llama", "qwen3", "gpt2", "llama+lora"])
def test_patching_an_edge_corrupts_what_one_head_reads_and_nothing_else(make, contrasts, name, which):
    """In layer 0, where heads read the embeddings alone; the heads of one key-value group together."""
    model, contrast = make(name), contrasts[1]
    parts = anatomy(model)
    projection = getattr(parts.layers[0], which)
    heads = 1 if which == "q" else parts.n_heads // parts.n_kv_heads
    rows = slice(projection.start, projection.start + parts.d_head)
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
    assert_close(patched(model, [contrast], keep)[0], expected, rtol=1e-4, atol=1e-5)
    assert not torch.isclose(expected, raw_metric(model, contrast, contrast.ids), rtol=1e-4, atol=1e-5)


def test_patching_depends_on_neither_padding_nor_batch_size(model, contrasts):
    keeps = [torch.rand(everything(model).shape, generator=torch.Generator().manual_seed(seed)) for seed in range(2)]
    one = patched_each(model, contrasts, keeps, batch_size=1)
    assert_close(patched_each(model, contrasts, keeps, batch_size=4), one, rtol=1e-4, atol=1e-5)
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
