"""Attribution graphs fit the published graph JSON schema and come back unchanged."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from core.circuit.neuronpedia_json import circuit_as_graph, from_graph_json, to_graph_json
from core.circuit.prompt_graph import attribute_prompt, prune
from core.errors import WorkspaceError
from core.runs.artifacts import RunArtifacts
from core.types import GraphNode
from tests.hostile import HOSTILE

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((Path(__file__).parent / "neuronpedia_schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def circuit():
    found = RunArtifacts(ROOT / "assets/demo/runs/run-demo").circuits
    assert found
    return found[0]


@pytest.fixture
def prompt_circuit(build_model, pairs):
    pair = replace(pairs[1], items=(4, 8, 10, 12))
    found = attribute_prompt(build_model("llama"), pair)
    return prune(found, 15, "one-prompt", "tiny", tuple(f"part {slot}" for slot in found.slots))


@pytest.fixture(params=["run", "prompt"])
def graph(request, circuit, prompt_circuit):
    return (
        circuit_as_graph(circuit, "run-demo", "demo", "36 prompts") if request.param == "run" else prompt_circuit.graph
    )


def through_file(graph, **options):
    content = json.loads(json.dumps(to_graph_json(graph, **options), allow_nan=False))
    jsonschema.Draft7Validator(SCHEMA).validate(content)
    return content


def test_graph_fits_the_schema_and_comes_back(graph):
    assert from_graph_json(through_file(graph)) == graph


def test_node_ids_are_unique_and_links_and_pins_name_nodes(graph):
    content = through_file(graph)
    ids = [node["node_id"] for node in content["nodes"]]
    assert len(set(ids)) == len(ids) == len({node["jsNodeId"] for node in content["nodes"]})
    ends = {link[end] for link in content["links"] for end in ("source", "target")}
    assert ends <= set(ids) and set(content["qParams"]["pinnedIds"]) <= set(ids)
    assert all(0 <= node["ctx_idx"] < len(content["metadata"]["prompt_tokens"]) for node in content["nodes"])


def test_fields_say_what_the_nodes_are(prompt_circuit):
    content = through_file(prompt_circuit.graph, token_prob=0.75)
    kinds = {node["feature_type"]: node for node in content["nodes"]}
    assert kinds["logit"]["token_prob"] == 0.75 and kinds["logit"]["is_target_logit"]
    assert kinds["logit"]["layer"] == "3" and kinds["embedding"]["layer"] == "E"
    assert not any(node["token_prob"] for kind, node in kinds.items() if kind != "logit")
    head = kinds["attention head"]
    assert head["clerp"] == f"a{head['layer']}.h{head['feature']}"
    influences = [node["influence"] for node in content["nodes"]]
    assert influences == sorted(influences) and influences[-1] == pytest.approx(1)


def test_link_weight_is_the_sum_of_its_inputs(circuit):
    content = through_file(circuit_as_graph(circuit, "run-demo", "demo"))
    assert sum(link["weight"] for link in content["links"]) == pytest.approx(sum(edge.score for edge in circuit.edges))
    assert any(len(link["by_input"]) > 1 for link in content["links"])


def test_run_circuit_pins_its_members(circuit):
    graph = from_graph_json(through_file(circuit_as_graph(circuit, "run-demo", "demo")))
    assert [module for module, _ in graph.pinned] == list(circuit.members)
    assert {node.module: node.score for node in graph.nodes} == dict(
        zip((*circuit.modules, "input", "logits"), (*circuit.scores, 0.0, 0.0), strict=True)
    )


def test_hostile_titles_come_back(prompt_circuit):
    columns = tuple(HOSTILE[index % len(HOSTILE)] for index in range(len(prompt_circuit.graph.columns)))
    graph = replace(prompt_circuit.graph, columns=columns)
    assert from_graph_json(through_file(graph)) == graph


def test_supernodes_come_back_with_hostile_labels(graph):
    modules = [node.module for node in graph.nodes if node.module not in ("input", "logits")]
    labelled = {label: modules[index : index + 2] for index, label in enumerate(HOSTILE[:5])}
    grouped = graph.with_supernodes(labelled | {"of no node here": ["m99"]})
    assert [one.label for one in grouped.supernodes] == list(HOSTILE[:5])
    assert all({name for name, _ in one.nodes} == {*labelled[one.label]} for one in grouped.supernodes)
    content = through_file(grouped)
    assert all(label in HOSTILE and nodes for label, *nodes in content["qParams"]["supernodes"])
    assert from_graph_json(content) == grouped


def test_graph_without_our_fields_is_read(prompt_circuit):
    content = through_file(prompt_circuit.graph)
    for node in content["nodes"]:
        del node["score"], node["token_prob"]
    for link in content["links"]:
        del link["by_input"]
    graph = from_graph_json(content)
    assert [edge.score for edge in graph.edges] == [edge.score for edge in prompt_circuit.graph.edges]
    assert graph.nodes == tuple(GraphNode(*node.key, 0.0) for node in prompt_circuit.graph.nodes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda c: c["nodes"][0].update(feature_type="cross layer transcoder"), "'cross layer transcoder'"),
        (lambda c: c["nodes"][0].update(ctx_idx=99), "ctx_idx 99"),
        (lambda c: c["nodes"][0].update(feature_type="mlp", layer="E"), "no layer and head"),
        (lambda c: c["nodes"].pop(), "no node of type 'logit'|cannot be read"),
        (lambda c: c["nodes"][0].update(score=float("nan")), "score of the graph JSON is nan: give a finite number"),
        (lambda c: c["links"][0].update(by_input={"": float("inf")}), "score of the graph JSON is inf"),
        (lambda c: c["nodes"][-1].update(layer="1000000000"), "layer 1000000000: choose 2 to 1000"),
        (lambda c: c["nodes"][0].update(feature_type="mlp", layer="77"), "above the last layer"),
        (lambda c: c["qParams"].update(supernodes=[["a label", "nowhere"]]), "export the graph again"),
        (lambda c: c["links"][0].update(source="nowhere"), "export the graph again"),
        (lambda c: c.pop("metadata"), "export the graph again"),
    ],
)
def test_bad_file_is_refused_with_a_sentence(prompt_circuit, change, sentence):
    content = deepcopy(through_file(prompt_circuit.graph))
    change(content)
    with pytest.raises(WorkspaceError, match=sentence):
        from_graph_json(content)
