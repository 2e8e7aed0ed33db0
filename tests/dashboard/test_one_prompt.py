"""One prompt: its layout, sentences, chart and exports, and the section of the circuit page."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from core.circuit.neuronpedia_json import from_graph_json
from core.runs.handle import RunHandle
from core.types import AttributionGraph, GraphEdge, GraphNode, Interaction, Item, PromptCircuit
from core.utils.text import visible
from dashboard import charts
from dashboard.presenters.chart_export import picture
from dashboard.presenters.prompt_layout import layout, row_of
from dashboard.presenters.single_prompt import connections, effect_sentence, kept_sentence
from dashboard.presenters.theme import DARK, LIGHT
from dashboard.services import prompt_graphs, queries
from tests.dashboard.conftest import ROOT
from tests.dashboard.test_pages import text_of
from tests.hostile import HOSTILE

SCHEMA = json.loads((ROOT / "tests/circuit/neuronpedia_schema.json").read_text(encoding="utf-8"))
NODES = (
    *(GraphNode(f"a1.h{head}", 4, -0.5) for head in (5, 2, 7)),
    GraphNode("m0", 2, 0.4),
    GraphNode("a0.h3", 4, -0.3),
    GraphNode("m1", 4, -0.1),
    GraphNode("input", 2, -0.2),
    GraphNode("logits", 4, 0.0),
)
EDGES = (
    GraphEdge(("a1.h5", 4), ("logits", 4), {"": -0.6}),
    GraphEdge(("m0", 2), ("a1.h5", 4), {"k": 0.5, "v": -0.1}),
    GraphEdge(("input", 2), ("m0", 2), {"": -0.2}),
)
GRAPH = AttributionGraph("one", "tiny", 2, ("Films", "First", "Second", "Third", "Asked"), NODES, EDGES)
CIRCUIT = PromptCircuit(GRAPH, clean=2.0, corrupted=0.5, faithfulness=0.9, edge_share=0.8, all_nodes=40)


def test_columns_do_not_overlap_and_hold_their_nodes() -> None:
    found = layout(GRAPH)
    assert [column.index for column in found.columns] == [2, 4]  # parts without a node take no room
    assert all(before.right <= after.left for before, after in pairwise(found.columns))
    spans = {column.index: (column.left, column.right) for column in found.columns}
    for (_, column), (across, _) in found.places.items():
        assert spans[column][0] < across < spans[column][1]
    assert len(set(found.places.values())) == len(NODES)


def test_heads_of_a_row_stand_in_their_order_and_rows_follow_the_layers() -> None:
    places = layout(GRAPH).places
    assert places["a1.h2", 4] < places["a1.h5", 4] < places["a1.h7", 4]
    rows = [row_of(name, 2) for name in ("input", "a0.h3", "m0", "a1.h5", "m1", "logits")]
    assert rows == sorted(rows) and len(set(rows)) == 6


def test_curve_runs_from_source_to_target_and_never_down() -> None:
    found = layout(GRAPH)
    for edge in EDGES:
        points = found.curve(edge)
        assert points[0] == pytest.approx(found.places[edge.source])
        assert points[-1] == pytest.approx(found.places[edge.target])
        assert all(low[1] <= high[1] + 1e-9 for low, high in pairwise(points))


@pytest.mark.parametrize("paper", [LIGHT, DARK])
def test_chart_shows_titles_layers_and_both_signs(paper) -> None:
    drawn = ElementTree.fromstring(picture(charts.prompt_graph(GRAPH), "svg", paper))
    texts = {"".join(text.itertext()) for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Second", "Asked", "layer 0", "layer 1", "prediction", "user history", "H5", "MLP"} <= texts
    assert {"supports the answer", "opposes the answer"} <= texts and "Third" not in texts


def test_picked_node_leaves_only_its_edges_in_full_colour() -> None:
    chart = charts.prompt_graph(GRAPH, ("a1.h5", 4))
    opacity = chart.layer[1].data.groupby("edge")["opacity"].first().tolist()
    assert opacity[:2] == [1.0, 1.0] and opacity[2] < 1
    assert (charts.prompt_graph(GRAPH).layer[1].data["opacity"] == 1).all()


def test_sign_of_a_line_is_its_support() -> None:
    data = charts.prompt_graph(GRAPH).layer[1].data
    assert data.groupby("edge")["side"].first().tolist() == [
        "supports the answer",
        "opposes the answer",
        "supports the answer",
    ]
    table = connections(GRAPH, None)
    assert table["Support, logits"].tolist() == [0.6, -0.4, 0.2] and table["Input"].tolist() == ["", "k, v", ""]
    assert len(connections(GRAPH, ("m0", 2))) == 2


def test_chart_of_hostile_titles_is_drawn_as_text() -> None:
    titles = [*HOSTILE, "datum.value", '"]; alert(1)', "{{datum.title}}"]
    ends = GraphNode("logits", len(titles) - 1, 0.0)
    nodes = (*(GraphNode("input", column, -0.2) for column in range(len(titles))), ends)
    graph = replace(GRAPH, columns=tuple(titles), nodes=nodes, edges=(GraphEdge(("input", 0), ends.key, {"": 1.0}),))
    drawn = ElementTree.fromstring(picture(charts.prompt_graph(graph), "svg", LIGHT))
    assert not [one for one in drawn.iter() if one.tag.rpartition("}")[2] in ("script", "image", "a", "foreignObject")]
    texts = ["".join(text.itertext()).strip() for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    starts = [visible(title).strip()[:8].strip() for title in titles]
    assert all(any(text.startswith(start) for text in texts) for start in starts)


def test_sentences_state_direction_effect_and_what_is_kept() -> None:
    target, items = Interaction("u1", "i1", True, 0), {"i1": Item("i1", "*Dune*")}
    assert effect_sentence(CIRCUIT, target, items) == (
        "u1 liked “\\*Dune\\*”. The history moves the model towards this answer by 1.50 logits."
    )
    turned = effect_sentence(replace(CIRCUIT, clean=-1.0), replace(target, liked=False), items)
    assert "did not like" in turned and "away from this answer by 1.50 logits" in turned
    assert "6 of 40 nodes alone keep 90% of that effect" in kept_sentence(CIRCUIT)
    assert "choose another number" not in kept_sentence(CIRCUIT)
    for share in (0.5, 1.3):
        assert "choose another number" in kept_sentence(replace(CIRCUIT, faithfulness=share))


def test_page_traces_a_prompt_when_asked(page) -> None:
    app = page("circuit")
    assert "nodes alone keep" not in text_of(app)
    next(button for button in app.button if button.label == "Trace this prompt").click()
    app.run()
    assert "The history moves the model" in text_of(app) and "nodes alone keep" in text_of(app)
    assert app.query_params["trace"] in ("1", ["1"]) and not app.error


def test_address_restores_the_prompt(page) -> None:
    request = queries.workspace().request("req-demo")
    user = request.subjects[1]
    item = list(prompt_graphs.targets(user))[3]
    app = page("circuit", trace="1", person=user, title=item, model="unlearned", nodes="15", node="a0.h2@13")
    chosen = {box.label: box.value for box in app.selectbox}
    assert (chosen["Title that the prompt asks about"], chosen["Model"], chosen["Nodes drawn"]) == (
        item,
        "unlearned",
        "15",
    )
    assert queries.workspace().items[item].title in text_of(app).replace("\\", "")
    assert "These 15 of" in text_of(app)


def test_targets_are_the_training_titles_with_a_history(demo: Path) -> None:
    user = queries.workspace().request("req-demo").subjects[0]
    events = [event.item for event in queries.history(user)]
    found = list(prompt_graphs.targets(user))
    assert found == events[len(found) : 0 : -1] and events[0] not in found
    assert len(found) < len(events) - 1  # the newest ones did not train the adapter


def test_traced_prompt_is_kept_and_exported(demo: Path) -> None:
    run, user = RunHandle(demo / "runs/run-demo"), queries.workspace().request("req-demo").subjects[0]
    item = next(iter(prompt_graphs.targets(user)))
    shares: list[float] = []
    traced = prompt_graphs.trace(run, "original", user, item, shares.append)
    assert shares and prompt_graphs.trace(run, "original", user, item, shares.clear) is traced and shares
    other = prompt_graphs.trace(run, "unlearned", user, item, shares.append)
    assert other is not traced and other.attribution.clean != traced.attribution.clean
    assert other.pair == traced.pair  # models are compared on the same counterfactual prompt
    circuit = traced.circuit(10, prompt_graphs.graph_name(run.id, user, item), "demo")
    content = json.loads(prompt_graphs.graph_json(circuit.graph, circuit.clean))
    jsonschema.Draft7Validator(SCHEMA).validate(content)
    assert from_graph_json(content) == circuit.graph


@pytest.mark.parametrize("which", [0, 1])
def test_circuit_of_a_run_is_exported(demo: Path, which: int) -> None:
    run = RunHandle(demo / "runs/run-demo")
    content = json.loads(prompt_graphs.circuit_json(run, which, {HOSTILE[0]: ["m0", "a0.h1"]}))
    jsonschema.Draft7Validator(SCHEMA).validate(content)
    circuit = queries.circuits(run)[which]
    graph = from_graph_json(content)
    assert [module for module, _ in graph.pinned] == list(circuit.members)
    assert [(one.label, {module for module, _ in one.nodes}) for one in graph.supernodes] == [
        (HOSTILE[0], {"m0", "a0.h1"})
    ]
