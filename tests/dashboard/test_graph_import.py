"""Graph JSON files on the circuit page: read and drawn, or refused in one sentence; supernodes are taken over."""

import json
from dataclasses import replace

import pytest

from core.circuit.neuronpedia_json import to_graph_json
from core.errors import WorkspaceError
from core.types import AttributionGraph, GraphEdge, GraphNode
from dashboard.presenters.single_prompt import MOST_EDGES, MOST_NODES, strongest_part
from dashboard.presenters.supernodes import LONGEST, labelled_modules
from dashboard.services import prompt_graphs
from tests.dashboard.test_one_prompt import GRAPH
from tests.dashboard.test_pages import text_of
from tests.hostile import HOSTILE


def file(graph: AttributionGraph) -> bytes:
    return json.dumps(to_graph_json(graph)).encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is no JSON"),
        (b"\xff\xfe", "The file is no JSON"),
        (b"[" * 100_000, "The file is no JSON"),
        (b"<script>alert(1)</script>", "The file is no JSON"),
        (b"[]", "The graph JSON cannot be read"),
        (b'{"metadata": {}}', "The graph JSON cannot be read"),
        (b" " * (20 * 2**20 + 1), "The file has 20 MiB: choose one of at most 20 MiB."),
    ],
)
def test_wrong_file_is_refused_in_one_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(WorkspaceError) as refused:
        prompt_graphs.read_graph(content)
    assert str(refused.value).startswith(sentence) and "\n" not in str(refused.value)


def test_saved_file_comes_back() -> None:
    graph = GRAPH.with_supernodes({"mine": ["m0", "a1.h5"]})
    assert prompt_graphs.read_graph(file(graph)) == graph


def test_large_graph_is_drawn_in_part() -> None:
    inner = [GraphNode(f"a{layer}.h{head}", 0, 0.0) for layer in range(20) for head in range(40)]
    edges = [GraphEdge(("input", 0), node.key, {"q": float(number)}) for number, node in enumerate(inner)]
    edges += [GraphEdge(node.key, ("logits", 0), {"": 0.5}) for node in inner]
    ends = GraphNode("input", 0, 0.0), GraphNode("logits", 0, 0.0)
    part = strongest_part(AttributionGraph("large", "model", 20, ("all",), (*inner, *ends), tuple(edges)))
    assert {node.module for node in part.nodes} == {node.module for node in (*inner[-MOST_NODES:], *ends)}
    assert len(part.edges) == MOST_EDGES
    assert {key for edge in part.edges for key in (edge.source, edge.target)} <= {node.key for node in part.nodes}


def test_supernodes_are_taken_over_within_their_limits() -> None:
    labels = {f"{label} {'x' * LONGEST}": ["m0", "a1.h5"] for label in HOSTILE[:20]}
    found = labelled_modules(GRAPH.with_supernodes(labels), ["m0", "a1.h5"])
    assert len(found) == 1 and len(next(iter(found))) <= LONGEST  # a module has one label
    assert labelled_modules(GRAPH.with_supernodes({"mine": ["m0"]}), ["m9"]) == {}


def test_page_draws_a_file_and_takes_its_supernodes_over(page) -> None:
    app = page("circuit")
    graph = replace(GRAPH, name="a <b> *graph*", columns=HOSTILE[: len(GRAPH.columns)], description=HOSTILE[0])
    app.file_uploader[0].upload("graph.json", file(graph.with_supernodes({"mine": ["m0"]})), "application/json").run()
    assert (
        "a \\<b\\> \\*graph\\*, of model tiny: 8 nodes and 3 connections. All are drawn." in text_of(app)
        and not app.exception
    )
    next(one for one in app.button if one.label == "Use its supernode on this page").click().run()
    assert app.query_params["supernodes"] == "mine:m0" and not app.exception


def test_page_refuses_a_wrong_file(page) -> None:
    app = page("circuit")
    app.file_uploader[0].upload("graph.json", b"{}", "application/json").run()
    assert len(app.error) == 1 and "cannot be read" in app.error[0].value and not app.exception
