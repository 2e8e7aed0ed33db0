import pytest
import torch

from core.circuit.attribution import attribute
from core.circuit.extraction import extract
from core.circuit.graph import circuit_graph, destination_columns, destinations, source_rows, sources, strongest
from core.models.families import anatomy


@pytest.fixture(scope="module")
def llama(make):
    return make("llama")


def test_order_is_that_of_eap_ig(llama):
    parts = anatomy(llama)
    assert sources(parts) == (
        *("input", "a0.h0", "a0.h1", "a0.h2", "a0.h3", "m0"),
        *("a1.h0", "a1.h1", "a1.h2", "a1.h3", "m1"),
    )
    columns = destinations(parts)
    # EAP-IG: layer (3H+1) + which H + head, the MLP last in its layer, the logits last of all.
    assert len(columns) == 2 * 13 + 1
    assert columns[1 * 13 + 2 * 4 + 3] == ("a1.h3", "v")
    assert (columns[12], columns[25], columns[26]) == (("m0", ""), ("m1", ""), ("logits", ""))


def test_slices_point_at_what_they_say(llama):
    parts = anatomy(llama)
    assert sources(parts)[source_rows(parts, 1)] == ("a1.h0", "a1.h1", "a1.h2", "a1.h3")
    assert sources(parts)[source_rows(parts, 1).stop] == "m1"
    assert {name for name, _ in destinations(parts)[destination_columns(parts, 1)]} == {f"a1.h{h}" for h in range(4)}
    assert destinations(parts)[destination_columns(parts, 1).stop] == ("m1", "")


def test_strongest_edges_name_their_scores(llama, contrasts):
    parts = anatomy(llama)
    scores = attribute(llama, contrasts, steps=1).edges
    edges = strongest(parts, scores, 5)
    assert [abs(e.score) for e in edges] == scores.flatten().abs().topk(5).values.tolist()
    for edge in edges:
        place = sources(parts).index(edge.source), destinations(parts).index((edge.target, edge.input))
        assert scores[place].item() == edge.score
    assert strongest(parts, torch.zeros_like(scores), 5) == ()


def test_the_graph_says_all_that_the_circuit_says(llama, contrasts):
    circuit = extract(llama, contrasts).circuit
    drawn = circuit_graph(circuit)
    assert set(drawn) == {"input", "logits", *circuit.modules}
    assert drawn.number_of_edges() == len(circuit.edges)
    for name, score in zip(circuit.modules, circuit.scores, strict=True):
        node = drawn.nodes[name]
        assert node["score"] == score and node["member"] == (name in circuit.members)
        assert (node["layer"], node["kind"]) == (int(name[1]), "head" if name.startswith("a") else "mlp")
    assert drawn.nodes["input"]["layer"] == -1 and drawn.nodes["logits"]["layer"] == 2
    for edge in circuit.edges:
        assert drawn.edges[edge.source, edge.target, edge.input] == {"input": edge.input, "score": edge.score}
        assert drawn.nodes[edge.source]["layer"] <= drawn.nodes[edge.target]["layer"]
