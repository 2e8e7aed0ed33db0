"""Titles and names are text: nothing hostile reaches a page as markup, a drawing as HTML, or an export as a formula."""

import json
import re
from csv import reader
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest

from core.report.sentences import visible
from core.types import Group, ModuleGroup
from core.workspace import Workspace
from dashboard.components.exports import file_name
from dashboard.graph import REMOTE
from dashboard.graph import page as graph_page
from dashboard.tables import FORMULA, csv, guard
from dashboard.words import code, escape
from tests.dashboard.test_pages import PAGES, said
from tests.hostile import HOSTILE


@pytest.mark.parametrize("name", PAGES)
def test_no_hostile_text_is_markdown(hostile: Path, page, name: str) -> None:
    user = Workspace(hostile).roles.members[0]
    shown = said(page(name, **({"user": user} if name == "request" else {})))
    assert not [bad for bad in HOSTILE if escape(bad) != bad and live(bad, shown)]


def live(bad: str, shown: str) -> bool:
    """Whether it stands somewhere as it is, outside of code spans, which show what they hold."""
    prose = re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", shown)
    return re.search(r"(?<!\\)" + re.escape(bad), prose) is not None


def test_hostile_titles_are_shown_as_they_are_in_the_history(hostile: Path, page) -> None:
    app = page("request", user=Workspace(hostile).roles.members[0])
    assert all(title.startswith(HOSTILE) for title in app.dataframe[0].value["Title"])


@pytest.mark.parametrize("bad", HOSTILE)
def test_escaped_text_has_no_live_markup(bad: str) -> None:
    shown = escape(bad)
    assert not re.search(r"(?<!\\)[<>\[\]!`*$:_&#|~{}()-]", shown.replace("\\\\", ""))
    again = re.sub(r"\\(.)", r"\1", shown)  # as Streamlit sees it when it looks for icons, arrows and addresses
    assert not re.search(r":\w+:|://|www\.|:material_|<->|->|<-|--|>=|<=|~=|\w@\w", again, re.IGNORECASE)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x1f\x7f-\x9f]", shown)


@pytest.mark.parametrize("bad", HOSTILE)
def test_escaped_text_is_still_the_text(bad: str) -> None:
    again = re.sub(r"\\(.)", r"\1", escape(bad)).replace("\u2060", "")
    assert again == " ".join(visible(bad).split()) and again


def test_code_spans_hold_any_backticks() -> None:
    assert code("a") == "`a`"
    assert code("a `b`` c") == "``` a `b`` c ```"
    assert "\n" not in code("a\n\nb")


@pytest.mark.parametrize("start", FORMULA)
def test_csv_cells_never_become_formulas(start: str) -> None:
    text = csv(pd.DataFrame([[f"{start}cmd", -1.5]], columns=[f"{start}name", "n"])).decode("utf-8-sig")
    assert guard(f"{start}cmd") == f"'{visible(start)}cmd"
    assert "'" + visible(start) in text and "-1.5" in text and "'-1.5" not in text


@pytest.mark.parametrize("bad", HOSTILE)
def test_no_cell_of_an_export_is_a_formula(bad: str) -> None:
    (row,) = reader(csv(pd.DataFrame([[bad, f"{bad} 1"]], columns=["a", bad])).decode("utf-8-sig").splitlines()[1:])
    assert len(row) == 2 and not [cell for cell in row if cell.strip().startswith(FORMULA)]


@pytest.mark.parametrize("bad", HOSTILE)
def test_a_files_name_leads_nowhere(bad: str) -> None:
    assert re.fullmatch(r"[\w-]*\.csv", file_name(f"{bad}-before", "csv"))


def hostile_graph() -> tuple[nx.MultiDiGraph, tuple[ModuleGroup, ...]]:
    graph = nx.MultiDiGraph()
    graph.add_node("input", layer=-1, kind="input", score=0.0)
    for index, bad in enumerate(HOSTILE):
        graph.add_node(bad, layer=index % 2, kind="mlp", score=0.5)
        graph.add_edge("input", bad, key="", input="", score=0.1 * index)
    graph.add_node("logits", layer=2, kind="logits", score=0.0)
    return graph, tuple(ModuleGroup(bad, Group.FORGET, 0.1, 0.1, 0.5, 0.1, 0.0) for bad in HOSTILE)


def test_a_drawing_with_hostile_names_stays_offline_and_inert() -> None:
    html = graph_page(*hostile_graph(), edges=500)
    found, plain = Tags(html), Tags(graph_page(*harmless_graph(), edges=500))
    assert found.tags == plain.tags, "a name became an element or an attribute"
    assert not [value for name, value in found.tags if name in ("src", "href") or name.startswith("on")]
    assert not REMOTE.search(html) and "popup.innerHTML" not in html, "pyvis turned tooltips into HTML"
    assert html.count("Content-Security-Policy") == 1
    (policy,) = (value for name, value in found.tags if name == "content" and "default-src" in str(value))
    assert policy.startswith("default-src 'none'") and "http" not in policy and "base-uri 'none'" in policy


def test_a_drawing_knows_its_nodes_by_number() -> None:
    html = graph_page(*hostile_graph(), edges=500)
    (nodes,) = re.findall(r"nodes = new vis\.DataSet\((.*)\);", html)
    found = json.loads(nodes)
    assert all(type(node["id"]) is int for node in found)
    assert [node["id"] for node in found] == list(range(len(found)))


class Tags(HTMLParser):
    """Every element with its attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags += [(tag, None), *attrs]


def harmless_graph() -> tuple[nx.MultiDiGraph, tuple[ModuleGroup, ...]]:
    graph, groups = hostile_graph()
    names = {name: f"m{place}" for place, name in enumerate(HOSTILE)}
    return nx.relabel_nodes(graph, names), tuple(replace(row, module=names[row.module]) for row in groups)
