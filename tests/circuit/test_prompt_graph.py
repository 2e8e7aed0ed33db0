"""A single prompt's graph: summed over parts it is the engine's attribution, and its pruning is measured exactly."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from core.circuit.attribution import attribute_pairs
from core.circuit.hooks import metrics
from core.circuit.patching import run_module_circuits, run_node_circuits
from core.circuit.prompt_graph import attribute_prompt, prune
from core.circuit.prompt_pairs import CLEAN
from core.errors import RunError
from core.models.families import anatomy


@pytest.fixture
def pair(pairs):
    """A prompt of five parts: the instruction, three titles and the target; the first title is replaced."""
    first = pairs[1]  # 14 tokens that differ at 5 and 6
    return replace(first, items=(4, 8, 10, 12))


def columns(found):
    return tuple(f"part {slot}" for slot in found.slots)


@pytest.mark.parametrize("rule", ["midpoint", "frozen", "conductance"])
def test_edges_summed_over_parts_equal_the_edges_of_the_engine(model, pair, rule):
    whole = attribute_pairs(model, [pair], rule=rule)
    found = attribute_prompt(model, pair, rule=rule)
    close = {"rtol": 1e-4, "atol": 1e-5 * whole.edges.abs().max().item()}
    assert_close(sum(found.edges.values()), whole.edges, **close)
    assert (found.clean, found.corrupted) == pytest.approx((whole.clean.item(), whole.corrupted.item()), rel=1e-5)


def test_nodes_and_readings_equal_the_scores_by_part_of_the_engine(model, pair):
    whole = attribute_pairs(model, [pair])
    found = attribute_prompt(model, pair)
    modules = anatomy(model).modules
    writes = torch.zeros_like(whole.writes)
    for node in found.nodes:
        writes[found.slots[node.column], modules.index(node.module)] = node.score
    scale = whole.writes.abs().max().item()
    assert_close(writes, whole.writes, rtol=1e-3, atol=1e-4 * scale)
    reads = torch.zeros_like(whole.reads)
    for (read, _), block in found.edges.items():
        for column, (name, _) in enumerate(found.destinations[:-1]):
            reads[found.slots[read], modules.index(name)] += block[:, column].sum()
    assert_close(reads, whole.reads, rtol=1e-3, atol=1e-4 * scale)


def test_only_heads_carry_an_effect_from_one_part_to_another(model, pair):
    found = attribute_prompt(model, pair)
    across = sum(block for (read, written), block in found.edges.items() if read != written)
    kinds = {
        which: [i for i, (_, one) in enumerate(found.destinations) if one == which] for which in ("q", "k", "v", "")
    }
    assert (across[:, kinds["q"] + kinds[""]] == 0).all()
    assert (across[:, kinds["v"]] != 0).any() and (across[:, kinds["k"]] != 0).any()
    assert all(read <= written for read, written in found.edges)


def test_values_move_by_the_attention_weights(build_model, pair):
    """In the first layer, an edge from the input into v of a head is its value change times attention times gradient."""
    model = build_model("gpt2")  # no rotary positions, LayerNorm, plain attention
    model.set_attn_implementation("eager")
    found = attribute_prompt(model, pair, rule="clean")
    parts = anatomy(model)
    block, heads = model.transformer.h[0], parts.n_heads
    clean, corrupted = (model.transformer.wte(torch.tensor([ids])) for ids in (pair.ids, pair.corrupted))
    position = model.transformer.wpe(torch.arange(len(pair.ids)))[None]

    def values(embeddings):
        out = block.attn.c_attn(block.ln_1(embeddings + position))[..., 2 * parts.d_model :]
        return out.unflatten(-1, (heads, -1))[0]

    change = torch.func.jvp(values, (clean,), (corrupted - clean,))[1]  # [p, h, k]
    kept = {}
    handle = block.attn.c_proj.register_forward_pre_hook(lambda _, args: kept.update(z=args[0]))
    out = model(inputs_embeds=clean, output_attentions=True)
    handle.remove()
    metric = out.logits[0, -1, pair.right] - out.logits[0, -1, pair.wrong]
    gradient = torch.autograd.grad(metric, kept["z"])[0][0].unflatten(-1, (heads, -1))  # [p, h, k]
    effect = torch.einsum("hts,thk,shk->hts", out.attentions[0][0], gradient, change)
    slots = torch.tensor(pair.slots)
    for (read, written), scores in found.edges.items():
        expected = effect[:, slots == found.slots[written]][:, :, slots == found.slots[read]].sum((1, 2))
        got = torch.stack([scores[0, found.destinations.index((f"a0.h{head}", "v"))] for head in range(heads)])
        assert_close(got, expected.detach(), rtol=1e-3, atol=1e-6)


def test_patching_nodes_of_whole_modules_is_patching_modules(model, pair):
    modules = anatomy(model).modules[::2]
    nodes = {(name, slot) for name in modules for slot in range(5)}
    expected = run_module_circuits(model, [pair], [modules])
    assert_close(run_node_circuits(model, [pair], [nodes]), expected)


def test_patching_by_part_keeps_a_module_where_it_is_kept(build_model, pair):
    """With the last layer's MLP corrupted at one part only, the metric moves only if this part holds the last token."""
    model = build_model("llama")
    every = {(name, slot) for name in anatomy(model).modules for slot in range(5)}
    clean, without_end, without_start = run_node_circuits(
        model, [pair], [every, every - {("m1", 1)}, every - {("m1", 4)}]
    )
    assert_close(clean, metrics(anatomy(model), [pair], 1, CLEAN))
    assert_close(without_start, clean)
    assert (without_end - clean).abs().item() > 1e-5


def test_all_nodes_keep_everything_and_prefixes_grow(model, pair):
    found = attribute_prompt(model, pair)
    assert list(found.faithfulness) == sorted(found.faithfulness)
    assert found.faithfulness[len(found.nodes)] == pytest.approx(1, abs=1e-3)
    assert found.readable in found.faithfulness
    strengths = [abs(node.score) for node in found.nodes]
    assert strengths == sorted(strengths, reverse=True)


def test_pruned_graph_holds_the_strongest_nodes_and_edges_between_them(build_model, pair):
    found = attribute_prompt(build_model("llama"), pair)
    pruned = prune(found, 10, "one", "tiny", columns(found))
    keys = {node.key for node in pruned.graph.nodes}
    assert pruned.graph.nodes[:10] == found.nodes[:10] and len(keys) == len(pruned.graph.nodes)
    assert all(edge.source in keys and edge.target in keys for edge in pruned.graph.edges)
    assert {edge.source for edge in pruned.graph.edges} >= {node.key for node in found.nodes[:1]}
    assert 0 < pruned.edge_share < 1 and pruned.faithfulness == found.faithfulness[10]
    whole = prune(found, len(found.nodes), "all", "tiny", columns(found))
    assert pruned.edge_share < 1 and len(whole.graph.edges) > len(pruned.graph.edges)
    for edge in pruned.graph.edges[:5]:
        block = found.edges[edge.source[1], edge.target[1]]
        row = found.sources.index(edge.source[0])
        for which, score in edge.by_input.items():
            assert block[row, found.destinations.index((edge.target[0], which))].item() == score


def test_prompt_whose_history_says_nothing_is_refused(build_model, pair):
    model = build_model("llama")
    with torch.no_grad():
        model.lm_head.weight[pair.wrong] = model.lm_head.weight[pair.right]
    with pytest.raises(RunError, match="choose another title"):
        attribute_prompt(model, pair)


def test_prompt_that_is_cut_before_its_target_has_no_column_for_it(build_model, pair):
    """In the next_item task the titles of target and distractor may differ from their first token on."""
    model = build_model("llama")
    cut = replace(pair, items=(4, 8, 10, len(pair.ids)))
    found = attribute_prompt(model, cut)
    assert found.slots == (0, 4, 3, 2)
    assert_close(sum(found.edges.values()), attribute_pairs(model, [cut]).edges, rtol=1e-4, atol=1e-6)
    pruned = prune(found, 10, "one", "tiny", columns(found))
    assert pruned.graph.nodes[-1].key == ("logits", 3)
    assert any(edge.target == ("logits", 3) for edge in pruned.graph.edges)
