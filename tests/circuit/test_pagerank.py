"""Personalized PageRank on the graph of users and items equals that of networkx."""

import networkx as nx
import numpy as np
import pytest

from core.circuit.pagerank import ItemGraph
from core.types import Interaction


@pytest.fixture
def interactions():
    random = np.random.default_rng(0)
    pairs = {(f"u{random.integers(12)}", f"i{random.integers(20)}") for _ in range(60)}
    return [Interaction(user, item, True, 0) for user, item in sorted(pairs)]


def test_pagerank_equals_that_of_networkx(interactions):
    graph = ItemGraph(interactions)
    reference = nx.Graph((event.user, event.item) for event in interactions)
    targets = [interactions[0].item, interactions[30].item]
    ranks = graph.pagerank(targets)
    for column, target in enumerate(targets):
        expected = nx.pagerank(reference, alpha=0.85, personalization={target: 1}, tol=1e-12, max_iter=1000)
        for item, row in graph.items.items():
            assert ranks[row, column] == pytest.approx(expected[item], abs=1e-8)


def test_repeated_interaction_counts_once(interactions):
    once, twice = ItemGraph(interactions), ItemGraph([*interactions, *interactions[:10]])
    target = [interactions[0].item]
    assert np.array_equal(once.pagerank(target), twice.pagerank(target))


def test_unknown_target_raises_key_error(interactions):
    with pytest.raises(KeyError):
        ItemGraph(interactions).pagerank(["nobody saw it"])
