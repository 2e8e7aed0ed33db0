"""Circuits of edges: every kept edge lies on a path from the input to the logits."""

import networkx as nx
import pytest
import torch

from core.circuit.graph import destinations, paths, sources
from core.circuit.graph_json import to_networkx
from core.circuit.pruning import connected, greedy, top
from core.models.families import anatomy


@pytest.fixture(scope="module", params=["llama", "neox"])
def parts(request, build_model):
    return anatomy(build_model(request.param))


def random_scores(parts, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(paths(parts).shape, generator=generator) * paths(parts)


def test_paths_are_the_edges_of_the_residual_stream(parts):
    possible = paths(parts)
    heads, layers = parts.n_heads, len(parts.layers)
    into_mlps = sum(1 + layer * (heads + 1) + (0 if parts.parallel else heads) for layer in range(layers))
    into_heads = sum(3 * heads * (1 + layer * (heads + 1)) for layer in range(layers))
    assert possible.sum() == into_mlps + into_heads + len(sources(parts))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("choose", [top, greedy])
def test_every_kept_edge_lies_on_a_path_from_input_to_logits(parts, choose, seed):
    scores = random_scores(parts, seed)
    for count in (1, 5, 20, 60):
        keep = choose(parts, scores, count)
        graph = to_networkx(parts, scores, keep)
        assert keep.sum() <= count and not (keep & ~paths(parts)).any()
        useful = nx.descendants(graph, "input") & nx.ancestors(graph, "logits") | {"input", "logits"}
        assert set(graph) <= useful


@pytest.mark.parametrize("seed", range(5))
def test_pruning_removes_only_unconnected_edges(parts, seed):
    scores = random_scores(parts, seed)
    keep = torch.rand(scores.shape, generator=torch.Generator().manual_seed(seed)) < 0.1
    keep &= paths(parts)
    graph = to_networkx(parts, scores, keep)
    alive = (nx.descendants(graph, "input") | {"input"}) & (nx.ancestors(graph, "logits") | {"logits"})
    pruned = to_networkx(parts, scores, connected(parts, keep))
    assert set(pruned.edges(keys=True)) == {edge for edge in graph.edges(keys=True) if set(edge[:2]) <= alive}


def test_all_edges_are_kept_if_the_count_allows(parts):
    scores, possible = random_scores(parts, 0), paths(parts)
    for choose in (top, greedy):
        assert torch.equal(choose(parts, scores, int(possible.sum())), possible)


def test_top_ranks_by_absolute_or_by_signed_score(parts):
    scores = random_scores(parts, 0)
    strong = scores.flatten().abs().argsort(descending=True)[:40]
    keep = top(parts, scores, 40)
    assert set(keep.flatten().nonzero().flatten().tolist()) <= set(strong.tolist())
    assert (scores[keep] < 0).any()
    assert (scores[top(parts, scores, 40, absolute=False)] > 0).all()


def test_greedy_keeps_more_edges_than_top(parts):
    """It adds only edges that lead to the logits, so fewer edges are pruned."""
    kept = [
        [int(choose(parts, random_scores(parts, seed), 12).sum()) for seed in range(20)] for choose in (top, greedy)
    ]
    assert sum(kept[1]) > sum(kept[0])


def test_greedy_follows_a_path_back_from_the_logits(parts):
    """The path input -> m0 -> logits has the strongest connected edges; greedy omits a stronger isolated edge."""
    names, columns = sources(parts), destinations(parts)
    scores = 0.01 * random_scores(parts, 0).abs()
    chain = [(names.index("m0"), columns.index(("logits", ""))), (0, columns.index(("m0", "")))]
    isolated = names.index("a0.h0"), columns.index(("a1.h1", "v"))
    for value, edge in zip((3.0, 2.0, 5.0), (*chain, isolated), strict=True):
        scores[edge] = value
    keep = greedy(parts, scores, 2)
    assert {tuple(edge) for edge in keep.nonzero().tolist()} == set(chain)
    assert top(parts, scores, 2).sum() == 0  # the two strongest edges form no path
