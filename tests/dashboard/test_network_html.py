"""The circuit as a network to rearrange: every module and connection, signs, and no name as HTML."""

import json
import re
from dataclasses import replace

import networkx as nx
import pytest

from core.circuit.graph import circuit_graph
from core.types import Group, ModuleGroup
from dashboard.presenters import phrases
from dashboard.presenters.network_html import REMOTE, page, pairs
from dashboard.presenters.theme import COLOURS, LIGHT, OPPOSES, SUPPORTS
from tests.dashboard.test_hostile import Tags
from tests.dashboard.test_pure import CIRCUIT, GROUPS, MODULES
from tests.hostile import HOSTILE


def data_of(html: str, name: str) -> list[dict]:
    (found,) = re.findall(rf"{name} = new vis\.DataSet\((.*)\);", html)
    return json.loads(found)


def test_parallel_edges_are_merged_and_sorted_by_strength() -> None:
    found = pairs(circuit_graph(CIRCUIT))
    assert [(source, target) for source, target, _ in found] == [("m1", "logits"), ("a0.h0", "a1.h0"), ("input", "m0")]
    assert found[1][2] == {"q": 0.2, "v": -0.3}


@pytest.mark.parametrize("edges", [0, 2, 99])
def test_every_module_has_the_colour_and_shape_of_its_group(edges: int) -> None:
    html = page(circuit_graph(CIRCUIT), GROUPS, edges)
    assert all(phrases.module_title(name) in html for name in MODULES)
    assert all(colour in html for colour in COLOURS.values())
    assert '"triangle"' in html and '"diamond"' in html
    assert len(data_of(html, "edges")) == min(edges, 3)


def test_colour_and_dashes_tell_the_sign_and_every_line_is_curved() -> None:
    for edge, (_, _, scores) in zip(
        reversed(data_of(page(circuit_graph(CIRCUIT), GROUPS, 99), "edges")),
        pairs(circuit_graph(CIRCUIT)),
        strict=True,
    ):
        opposes = sum(scores.values()) > 0
        assert edge["color"]["color"] == (OPPOSES if opposes else SUPPORTS)[0] and edge["dashes"] == opposes
        assert edge["smooth"]["type"] == "curvedCW" and edge["smooth"]["roundness"] > 0


def test_lower_membership_probability_gives_a_paler_fill() -> None:
    fills = []
    for probability in (1.0, 0.5, 0.0):
        groups = (replace(GROUPS[0], membership_probability=probability), *GROUPS[1:])
        fills.append(data_of(page(circuit_graph(CIRCUIT), groups, 0), "nodes")[1]["color"])
    assert {fill["border"] for fill in fills} == {COLOURS[Group.FORGET]}
    assert [fill["background"] for fill in fills] == [COLOURS[Group.FORGET], "#E9AD7D", LIGHT.back]


def hostile_graph() -> tuple[nx.MultiDiGraph, tuple[ModuleGroup, ...]]:
    graph = nx.MultiDiGraph()
    graph.add_node("input", layer=-1, kind="input", score=0.0)
    for index, bad in enumerate(HOSTILE):
        graph.add_node(bad, layer=index % 2, kind="mlp", score=0.5)
        graph.add_edge("input", bad, key="", input="", score=0.1 * index)
    graph.add_node("logits", layer=2, kind="logits", score=0.0)
    return graph, tuple(ModuleGroup(bad, Group.FORGET, 0.1, 0.1, 0.5, 0.1, 0.0) for bad in HOSTILE)


def test_hostile_names_add_no_links_or_scripts() -> None:
    graph, groups = hostile_graph()
    names = {name: f"m{number}" for number, name in enumerate(HOSTILE)}
    harmless = nx.relabel_nodes(graph, names), tuple(replace(row, module=names[row.module]) for row in groups)
    html = page(graph, groups, edges=500)
    found = Tags(html)
    assert found.tags == Tags(page(*harmless, edges=500)).tags, "a name became an element or an attribute"
    assert not [value for name, value in found.tags if name in ("src", "href") or name.startswith("on")]
    assert not REMOTE.search(html) and "popup.innerHTML" not in html, "pyvis turned tooltips into HTML"
    assert html.count("Content-Security-Policy") == 1
    (policy,) = (value for name, value in found.tags if name == "content" and "default-src" in str(value))
    assert policy.startswith("default-src 'none'") and "http" not in policy and "base-uri 'none'" in policy


def test_nodes_are_identified_by_number() -> None:
    found = data_of(page(*hostile_graph(), edges=500), "nodes")
    assert [node["id"] for node in found] == list(range(len(found)))
