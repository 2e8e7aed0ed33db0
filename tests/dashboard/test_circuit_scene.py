"""Data of the circuit explorer: every module once, edges by strength, and two circuits compared."""

import json
from dataclasses import replace

import pytest

from core.types import CurvePoint, Edge
from dashboard.components.connection import connection_edges
from dashboard.components.explorer import parsed
from dashboard.presenters.circuit_scene import scene, texts
from dashboard.presenters.tables import connection_inputs
from tests.dashboard.test_pure import CIRCUIT, GROUPS, MODULES

ID, UP, SIDE = 0, 9, 10


def test_scene_places_every_module_once_between_input_and_logits() -> None:
    nodes = scene(CIRCUIT, GROUPS)["nodes"]
    assert [node[ID] for node in nodes] == [*MODULES, "input", "logits"]
    height = {node[ID]: node[UP] for node in nodes}
    assert height["input"] < height["a0.h0"] < height["m0"] < height["a1.h1"] < height["m1"] < height["logits"]
    assert len({(node[8], node[UP]) for node in nodes}) == len(nodes)
    assert {node[ID] for node in nodes if node[SIDE] == "in"} == set(CIRCUIT.members)


def test_edges_are_sorted_by_strength_with_scores_by_input() -> None:
    data = scene(CIRCUIT, GROUPS)
    names = [node[ID] for node in data["nodes"]]
    found = [(names[source], names[target], scores) for source, target, _, *scores in data["edges"]]
    assert found == [
        ("m1", "logits", [0, 0, 0, 0.9]),
        ("a0.h0", "a1.h0", [0.2, 0, -0.3, 0]),
        ("input", "m0", [0, 0, 0, 0.4]),
    ]


def test_scene_marks_the_modules_and_edges_of_two_circuits() -> None:
    other = replace(CIRCUIT, members=("m1", "m0"), edges=(*CIRCUIT.edges[2:], Edge("m0", "m1", "", 0.7)))
    data = scene(CIRCUIT, GROUPS, other)
    names = [node[ID] for node in data["nodes"]]
    assert {node[ID]: node[SIDE] for node in data["nodes"] if node[SIDE] not in ("out", "end")} == {
        "m1": "both",
        "a0.h0": "here",
        "m0": "there",
    }
    sides = {(names[source], names[target]): side for source, target, side, *_ in data["edges"]}
    assert sides == {
        ("m1", "logits"): "both",
        ("input", "m0"): "both",
        ("a0.h0", "a1.h0"): "here",
        ("m0", "m1"): "there",
    }


def test_every_stop_of_the_pruning_slider_was_measured() -> None:
    curve = (CurvePoint(1, 0.2, 0.0), CurvePoint(6, 1.0, 1.0))
    data = scene(replace(CIRCUIT, curve=curve), GROUPS)
    assert data["curve"] == [[1, 0.2, 0.0], [len(CIRCUIT.members), CIRCUIT.faithfulness, None], [6, 1.0, 1.0]]
    rank = {node[ID]: node[11] for node in data["nodes"][:-2]}
    by_score = sorted(MODULES, key=lambda name: -abs(CIRCUIT.scores[MODULES.index(name)]))
    assert sorted(MODULES, key=rank.__getitem__) == by_score


def test_connection_is_found_by_its_ends_and_says_its_sign() -> None:
    edges = connection_edges(CIRCUIT, "a0.h0>a1.h0")
    assert [(edge.input, edge.score) for edge in edges] == [("v", -0.3), ("q", 0.2)]
    assert list(connection_inputs(edges).iloc[:, 1]) == ["supports", "opposes"]
    assert connection_edges(CIRCUIT, "a0.h0") == connection_edges(CIRCUIT, "m0>a0.h0") == ()


def test_scene_is_valid_json_and_every_text_is_defined() -> None:
    json.dumps(scene(CIRCUIT, GROUPS), allow_nan=False)
    found = texts()
    assert "{module}" in found["tip"] and "{side}" in found["tip_compare"] and all(found.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"edges": 60, "keep": None, "inputs": ["q", "k", "v", "other"]}),
        ("25.1.q.other", {"edges": 25, "keep": "circuit", "inputs": ["q", "other"]}),
        ("25.k19.q.other", {"edges": 25, "keep": 19, "inputs": ["q", "other"]}),
        ("<script>.kx", {"edges": 60, "keep": None, "inputs": ["q", "k", "v", "other"]}),
    ],
)
def test_view_is_parsed_from_the_address(text: str, expected: dict) -> None:
    assert parsed(text, 60) == expected
