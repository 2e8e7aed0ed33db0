"""Order of sources and destinations, the strongest edges, and the networkx graph of a circuit."""

import pytest
import torch

from core.circuit.attribution import attribute_pairs
from core.circuit.extraction import extract
from core.circuit.graph import circuit_graph, destination_columns, destinations, source_rows, sources, strongest
from core.models.families import anatomy


@pytest.fixture(scope="module")
def llama(build_model):
    return build_model("llama")


def test_sources_and_destinations_have_the_order_of_eap_ig(llama):
    parts = anatomy(llama)
    assert sources(parts) == (
        *("input", "a0.h0", "a0.h1", "a0.h2", "a0.h3", "m0"),
        *("a1.h0", "a1.h1", "a1.h2", "a1.h3", "m1"),
    )
    columns = destinations(parts)
    # EAP-IG's column of a head: layer (3H+1) + input H + head; each layer ends with its MLP, the last column is the logits.
    assert len(columns) == 2 * 13 + 1
    assert columns[1 * 13 + 2 * 4 + 3] == ("a1.h3", "v")
    assert (columns[12], columns[25], columns[26]) == (("m0", ""), ("m1", ""), ("logits", ""))


def test_layer_slices_select_the_heads_of_a_layer(llama):
    parts = anatomy(llama)
    assert sources(parts)[source_rows(parts, 1)] == ("a1.h0", "a1.h1", "a1.h2", "a1.h3")
    assert sources(parts)[source_rows(parts, 1).stop] == "m1"
    assert {name for name, _ in destinations(parts)[destination_columns(parts, 1)]} == {f"a1.h{h}" for h in range(4)}
    assert destinations(parts)[destination_columns(parts, 1).stop] == ("m1", "")


def test_strongest_edges_have_the_largest_absolute_scores(llama, pairs):
    parts = anatomy(llama)
    scores = attribute_pairs(llama, pairs, steps=1).edges
    edges = strongest(parts, scores, 5)
    assert [abs(e.score) for e in edges] == scores.flatten().abs().topk(5).values.tolist()
    for edge in edges:
        index = sources(parts).index(edge.source), destinations(parts).index((edge.target, edge.input))
        assert scores[index].item() == edge.score
    assert strongest(parts, torch.zeros_like(scores), 5) == ()


def test_graph_holds_all_modules_and_edges_of_a_circuit(llama, pairs):
    circuit = extract(llama, pairs).circuit
    graph = circuit_graph(circuit)
    assert set(graph) == {"input", "logits", *circuit.modules}
    assert graph.number_of_edges() == len(circuit.edges)
    for name, score in zip(circuit.modules, circuit.scores, strict=True):
        node = graph.nodes[name]
        assert node["score"] == score and node["member"] == (name in circuit.members)
        assert (node["layer"], node["kind"]) == (int(name[1]), "head" if name.startswith("a") else "mlp")
    assert graph.nodes["input"]["layer"] == -1 and graph.nodes["logits"]["layer"] == 2
    for edge in circuit.edges:
        assert graph.edges[edge.source, edge.target, edge.input] == {"input": edge.input, "score": edge.score}
        assert graph.nodes[edge.source]["layer"] <= graph.nodes[edge.target]["layer"]
