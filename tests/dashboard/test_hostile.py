"""Titles and names are text: nothing hostile reaches a page as markup, a drawing as HTML, or an export as a formula."""

import json
import re
import shutil
from collections.abc import Iterator
from csv import reader
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import networkx as nx
import pandas as pd
import pytest
import streamlit as st
from markdown_it import MarkdownIt

from core.ledger.chain import entries
from core.ledger.keys import demo_keys, keep_keys, read_public
from core.report.case_record import about, record
from core.report.summary import visible
from core.review import ledger_entries
from core.review.cases import Cases
from core.review.decisions import comment
from core.runs.ledger_entries import Ledger
from core.types import Decision, Group, ModuleGroup, Role
from core.utils.clock import utc_now
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace
from dashboard.components.exports import file_name
from dashboard.presenters.circuit_html import REMOTE
from dashboard.presenters.circuit_html import page as graph_page
from dashboard.presenters.phrases import code, escape
from dashboard.presenters.tables import FORMULA, csv, guard
from tests.dashboard.conftest import DEMO, ROOT, opened
from tests.dashboard.test_pages import PAGES, said
from tests.hostile import HOSTILE

ALL = " ".join(HOSTILE)  # one person's name, or one message: a page shows only one of it
REQUEST = "req-demo"
Shown = list[tuple[str, str]]
MARKDOWN_KINDS = ("title", "subheader", "markdown", "caption", "info", "warning", "success", "error")
FREE = {"link_open", "image", "html_inline", "html_block", "heading_open", "table_open", "blockquote_open", "fence"}


@pytest.mark.parametrize("name", PAGES)
def test_no_hostile_text_is_markdown(hostile: Path, page, name: str) -> None:
    user = Workspace(hostile).user_split.members[0]
    shown = said(page(name, **({"user": user} if name == "request" else {})))
    assert not [bad for bad in HOSTILE if escape(bad) != bad and live(bad, shown)]


def live(bad: str, shown: str) -> bool:
    """Whether it stands somewhere as it is, outside of code spans, which show what they hold."""
    prose = re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", shown)
    return re.search(r"(?<!\\)" + re.escape(bad), prose) is not None


def test_hostile_titles_are_shown_as_they_are_in_the_history(hostile: Path, page) -> None:
    app = page("request", user=Workspace(hostile).user_split.members[0])
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


# ---------------------------------------------------------------- the review desk


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace in which all that people write and are called is hostile; the dashboard looks at it."""
    folder = tmp_path_factory.mktemp("review")
    place = Workspace(Path(shutil.copytree(DEMO, folder / "demo")))
    people = dict.fromkeys((ALL, *HOSTILE), ("operator", "privacy_officer"))
    write_json(place.root / "workspace.json", replace(place.settings, people=people))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        patch.setenv("CURE_LENS_WORKSPACE", str(place.root))
        patch.chdir(ROOT)
        ask_for_reasons(place)
        write_a_case(Workspace(place.root))
        yield Workspace(place.root)


@pytest.fixture(scope="module")
def review(written: Workspace) -> Shown:
    """All that the desk shows there, and the door, as kinds of elements and their text."""
    st.cache_data.clear()
    st.cache_resource.clear()
    return shown_to(ALL, *(one.id for one in written.requests())) + shown_to(f"stranger {ALL}", REQUEST)


def ask_for_reasons(place: Workspace) -> None:
    """Requests by somebody hostile, each with as much of a reason as a page shows."""
    request, reasons = replace(place.request(REQUEST), opened_by=ALL), [HOSTILE[0]]
    for bad in HOSTILE[1:]:
        longer = f"{reasons[-1]} {bad}"
        reasons = [*reasons, bad] if len(longer) > 500 else [*reasons[:-1], longer]
    for number, reason in enumerate(reasons):
        own = f"{REQUEST}-{number}" if number else REQUEST
        write_json(place.root / f"requests/{own}.json", replace(request, id=own, reason=reason))


def write_a_case(place: Workspace) -> None:
    """One that went back, with a decision and a comment by everybody, in the ledger too."""
    keep_keys(demo_keys())
    cases = Cases(place)
    case = cases.submit(REQUEST, "run-demo", ALL, "0" * 64)
    for bad in HOSTILE:
        comment(place, REQUEST, bad, bad)
    decisions = tuple(Decision(bad, Role.PRIVACY_OFFICER, True, "0" * 64, bad, utc_now()) for bad in HOSTILE)
    cases.change(case.number, lambda one: replace(one, message=ALL, decisions=decisions))
    ledger_entries.enter_decisions(Ledger(place), cases.all())


def shown_to(person: str, *requests: str) -> Shown:
    """What the review page shows somebody of each request."""
    app = opened("review", user={"is_logged_in": True, "email": person})
    found = []
    for request in requests:
        app.query_params["request"] = request
        assert not app.run().exception
        found += [(kind, one.value) for kind in (*MARKDOWN_KINDS, "text") for one in app.get(kind)]
    return found


def parsed(shown: Shown) -> tuple[set[str], str]:
    """What kinds of elements a Markdown parser finds, and the text that is left."""
    tokens = [
        one
        for kind, text in shown
        if kind != "text"
        for block in MarkdownIt().enable("table").parse(text)
        for one in (block, *(block.children or ()))
    ]
    return {one.type for one in tokens}, "\n".join(one.content for one in tokens if one.type in ("text", "code_inline"))


def test_nothing_that_people_write_at_the_desk_is_markdown(review: Shown) -> None:
    prose = "\n".join(text for kind, text in review if kind != "text")
    assert not [bad for bad in HOSTILE if escape(bad) != bad and live(bad, prose)]
    assert not parsed(review)[0] & FREE


# Where each of them stands, as the words beside it; and how often there.
PLACES = {
    "^You are .*: operator": 1,
    "^You are stranger .* no role": 1,
    "^Opened by ": 1,
    "^Reason: ": 1,
    "^The request was approved but could not": 1,
    " · ": 1,  # who commented
    "^- .* approved": 2,  # who decided, and why
    "^1\\. .* submitted run": 3,  # what happened, as the ledger has it
}


@pytest.mark.parametrize(("place", "times"), PLACES.items())
def test_all_that_people_write_at_the_desk_can_be_read(review: Shown, place: str, times: int) -> None:
    told = parsed([(kind, text) for kind, text in review if re.search(place, text, re.DOTALL)])[1].replace("\u2060", "")
    assert [bad for bad in HOSTILE if told.count(" ".join(visible(bad).split())) < times] == []


def shown(text: str) -> str:
    """Line by line without what is not seen."""
    return "\n".join(map(visible, text.splitlines()))


def test_comments_are_shown_as_nothing_but_text(review: Shown) -> None:
    assert [text for kind, text in review if kind == "text"] == [shown(bad.strip()) for bad in HOSTILE]


def test_no_element_of_the_record_stems_from_a_name_or_a_reason(written: Workspace) -> None:
    found = about(to_json(entries(written.layout.ledger, read_public(written.layout.ledger_key))), REQUEST)
    page, decisions = record(REQUEST, found), [one["content"]["decision"] for one in found if one["kind"] == "decision"]
    assert {one["person"] for one in decisions} == {one["reason"] for one in decisions} == set(HOSTILE)
    for one in decisions:
        one |= {"person": "Plain", "reason": "Plain"}
    assert Tags(page).tags == Tags(record(REQUEST, found)).tags


# ---------------------------------------------------------------- drawings


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
    found, to_json = Tags(html), Tags(graph_page(*harmless_graph(), edges=500))
    assert found.tags == to_json.tags, "a name became an element or an attribute"
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
