"""Titles and names are text: nothing hostile reaches a page as markup, a drawing as HTML, or an export as a formula."""

import re
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest

from core.types import Group, ModuleGroup
from core.workspace import Workspace
from dashboard.graph import REMOTE
from dashboard.graph import page as graph_page
from dashboard.tables import FORMULA, csv, guard
from dashboard.words import code, escape
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.test_pages import PAGES, said


@pytest.mark.parametrize("name", PAGES)
def test_no_hostile_text_is_markdown(hostile: Path, page, name: str) -> None:
    shown = said(page(name))
    assert not [bad for bad in HOSTILE[:5] if bad in shown]


def test_hostile_titles_are_shown_as_they_are_in_the_history(hostile: Path, page) -> None:
    app = page("request", user=Workspace(hostile).roles.members[0])
    assert any(title.startswith(tuple(HOSTILE)) for title in app.dataframe[0].value["Title"])


@pytest.mark.parametrize("bad", HOSTILE)
def test_escaped_text_has_no_live_markup(bad: str) -> None:
    assert not re.search(r"(?<!\\)[<>\[\]!`*$:_]", escape(bad))
    assert "://" not in escape(bad)


def test_code_spans_hold_any_backticks() -> None:
    assert code("a") == "`a`"
    assert code("a `b`` c") == "``` a `b`` c ```"
    assert "\n" not in code("a\n\nb")


@pytest.mark.parametrize("start", FORMULA)
def test_csv_cells_never_become_formulas(start: str) -> None:
    text = csv(pd.DataFrame([[f"{start}cmd", -1.5]], columns=[f"{start}name", "n"])).decode("utf-8-sig")
    assert guard(f"{start}cmd") == f"'{start}cmd"
    assert "'" + start in text and "-1.5" in text and "'-1.5" not in text


def hostile_graph() -> tuple[nx.MultiDiGraph, tuple[ModuleGroup, ...]]:
    graph = nx.MultiDiGraph()
    graph.add_node("input", layer=-1, kind="input", score=0.0)
    for index, bad in enumerate(HOSTILE):
        graph.add_node(bad, layer=index % 2, kind="mlp", score=0.5)
        graph.add_edge("input", bad, key="", input="", score=0.1 * index)
    graph.add_node("logits", layer=2, kind="logits", score=0.0)
    return graph, tuple(ModuleGroup(bad, Group.FORGET, 0.1, 0.1, 0.5, 0.1, 0.0) for bad in HOSTILE)


def test_a_drawing_with_hostile_names_stays_offline_and_inert() -> None:
    html = graph_page(*hostile_graph(), edges=50)
    assert not REMOTE.search(html)
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", html)
    assert html.count("Content-Security-Policy") == 1
    assert "<img src=x" not in html and "<script>fetch" not in html
    assert "popup.innerHTML" not in html, "pyvis turned tooltips into HTML"
