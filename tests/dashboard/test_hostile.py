"""Hostile texts stay text: no markup on pages, no HTML in drawings, no formulas in exports."""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from csv import reader
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import streamlit as st
from markdown_it import MarkdownIt

from core.ledger.chain import entries
from core.ledger.keys import demo_keys, keep_keys, read_public
from core.report.case_record import entries_of_request, render_case_record
from core.review import ledger_entries
from core.review.cases import Cases
from core.review.decisions import comment
from core.runs.ledger_entries import Ledger
from core.runs.requests import write_marked
from core.runs.signed_settings import settings_to_sign
from core.types import Decision, Role
from core.utils.clock import utc_now
from core.utils.serialization import to_json, write_json
from core.utils.text import visible
from core.workspace import Workspace
from dashboard.components.explorer import explorer_page
from dashboard.components.exports import file_name
from dashboard.presenters.circuit_scene import scene, texts
from dashboard.presenters.phrases import code, escape
from dashboard.presenters.tables import FORMULA, csv, guard
from tests.dashboard.conftest import DEMO, ROOT, open_page
from tests.dashboard.test_pages import PAGES, text_of
from tests.dashboard.test_pure import CIRCUIT, GROUPS, MODULES
from tests.hostile import HOSTILE

ALL = " ".join(HOSTILE)  # for fields that a page shows once, such as a person's name or a message
REQUEST = "req-demo"
Elements = list[tuple[str, str]]
MARKDOWN_KINDS = ("title", "subheader", "markdown", "caption", "info", "warning", "success", "error")
MARKUP_TOKENS = {
    "link_open",
    "image",
    "html_inline",
    "html_block",
    "heading_open",
    "table_open",
    "blockquote_open",
    "fence",
}


@pytest.mark.parametrize("name", PAGES)
def test_page_shows_no_hostile_text_as_markdown(hostile_demo: Path, page, name: str) -> None:
    user = Workspace(hostile_demo).user_split.training_users[0]
    text = text_of(page(name, **({"user": user} if name == "request" else {})))
    assert not [bad for bad in HOSTILE if escape(bad) != bad and has_live_markup(bad, text)]


def has_live_markup(bad: str, text: str) -> bool:
    """Whether Markdown contains a hostile text unescaped outside code spans."""
    prose = re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    return re.search(r"(?<!\\)" + re.escape(bad), prose) is not None


def test_history_shows_hostile_titles_unchanged(hostile_demo: Path, page) -> None:
    app = page("request", user=Workspace(hostile_demo).user_split.training_users[0])
    assert all(title.startswith(HOSTILE) for title in app.dataframe[0].value["Title"])


@pytest.mark.parametrize("bad", HOSTILE)
def test_escaped_text_has_no_live_markup(bad: str) -> None:
    shown = escape(bad)
    assert not re.search(r"(?<!\\)[<>\[\]!`*$:_&#|~{}()-]", shown.replace("\\\\", ""))
    unescaped = re.sub(r"\\(.)", r"\1", shown)  # the text in which Streamlit looks for icons, arrows and addresses
    assert not re.search(r":\w+:|://|www\.|:material_|<->|->|<-|--|>=|<=|~=|\w@\w", unescaped, re.IGNORECASE)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x1f\x7f-\x9f]", shown)


@pytest.mark.parametrize("bad", HOSTILE)
def test_escaped_text_keeps_its_visible_text(bad: str) -> None:
    unescaped = re.sub(r"\\(.)", r"\1", escape(bad)).replace("\u2060", "")
    assert unescaped == " ".join(visible(bad).split()) and unescaped


def test_code_span_may_contain_backticks() -> None:
    assert code("a") == "`a`"
    assert code("a `b`` c") == "``` a `b`` c ```"
    assert "\n" not in code("a\n\nb")


@pytest.mark.parametrize("start", FORMULA)
def test_csv_cell_never_becomes_a_formula(start: str) -> None:
    text = csv(pd.DataFrame([[f"{start}cmd", -1.5]], columns=[f"{start}name", "n"])).decode("utf-8-sig")
    assert guard(f"{start}cmd") == f"'{visible(start)}cmd"
    assert "'" + visible(start) in text and "-1.5" in text and "'-1.5" not in text


@pytest.mark.parametrize("bad", HOSTILE)
def test_exported_hostile_cell_is_no_formula(bad: str) -> None:
    (row,) = reader(csv(pd.DataFrame([[bad, f"{bad} 1"]], columns=["a", bad])).decode("utf-8-sig").splitlines()[1:])
    assert len(row) == 2 and not [cell for cell in row if cell.strip().startswith(FORMULA)]


@pytest.mark.parametrize("bad", HOSTILE)
def test_file_name_contains_no_path(bad: str) -> None:
    assert re.fullmatch(r"[\w-]*\.csv", file_name(f"{bad}-before", "csv"))


# ---------------------------------------------------------------- the review page


@pytest.fixture(scope="module")
def hostile_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace with hostile names, reasons, comments and decisions; the dashboard serves it."""
    folder = tmp_path_factory.mktemp("review")
    workspace = Workspace(Path(shutil.copytree(DEMO, folder / "demo")))
    people = dict.fromkeys((ALL, *HOSTILE), ("operator", "privacy_officer"))
    write_json(workspace.root / "workspace.json", replace(workspace.settings, people=people))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        patch.setenv("CURE_LENS_WORKSPACE", str(workspace.root))
        patch.chdir(ROOT)
        keep_keys(demo_keys())
        # `ledger confirm` would refuse such names.
        Ledger(workspace).record_settings(settings_to_sign(Workspace(workspace.root)))
        write_requests(workspace)
        write_case(Workspace(workspace.root))
        yield Workspace(workspace.root)


@pytest.fixture(scope="module")
def review_elements(hostile_workspace: Workspace) -> Elements:
    """All elements of the review page, and of its refusal of a stranger, as pairs of kind and text."""
    st.cache_data.clear()
    st.cache_resource.clear()
    requests = [one.id for one in hostile_workspace.requests()]
    return elements_for(ALL, *requests) + elements_for(f"stranger {ALL}", REQUEST)


def write_requests(workspace: Workspace) -> None:
    """Write requests whose reasons hold all hostile texts, each at most 500 characters, the length that a page shows."""
    request, reasons = replace(workspace.request(REQUEST), opened_by=ALL), [HOSTILE[0]]
    for bad in HOSTILE[1:]:
        longer = f"{reasons[-1]} {bad}"
        reasons = [*reasons, bad] if len(longer) > 500 else [*reasons[:-1], longer]
    for number, reason in enumerate(reasons):
        own = f"{REQUEST}-{number}" if number else REQUEST
        write_marked(workspace, replace(request, id=own, reason=reason))


def write_case(workspace: Workspace) -> None:
    """Write a returned case with a comment and a decision by each person, also in the ledger."""
    cases = Cases(workspace)
    case = cases.submit(REQUEST, "run-forgotten", ALL, "0" * 64)
    for bad in HOSTILE:
        comment(workspace, REQUEST, bad, bad)
    decisions = tuple(Decision(bad, Role.PRIVACY_OFFICER, True, "0" * 64, bad, utc_now()) for bad in HOSTILE)
    case = cases.change(case.number, lambda one: replace(one, message=ALL, decisions=decisions))
    ledger_entries.enter_submission(ledger := Ledger(workspace), case)
    for one in decisions:
        ledger_entries.enter_decision(ledger, case, one)


def elements_for(person: str, *requests: str) -> Elements:
    """Elements of the review page of each request, as a person sees it."""
    app = open_page("review", user={"is_logged_in": True, "email": person})
    found = []
    for request in requests:
        app.query_params["request"] = request
        assert not app.run().exception
        found += [(kind, one.value) for kind in (*MARKDOWN_KINDS, "text") for one in app.get(kind)]
    return found


def parse_markdown(shown: Elements) -> tuple[set[str], str]:
    """Token types that a Markdown parser finds in the elements, and the remaining text."""
    tokens = [
        one
        for kind, text in shown
        if kind != "text"
        for block in MarkdownIt().enable("table").parse(text)
        for one in (block, *(block.children or ()))
    ]
    return {one.type for one in tokens}, "\n".join(one.content for one in tokens if one.type in ("text", "code_inline"))


def test_review_page_shows_no_hostile_text_as_markdown(review_elements: Elements) -> None:
    prose = "\n".join(text for kind, text in review_elements if kind != "text")
    assert not [bad for bad in HOSTILE if escape(bad) != bad and has_live_markup(bad, prose)]
    assert not parse_markdown(review_elements)[0] & MARKUP_TOKENS


# Pattern of each element that shows texts of people, and how often it shows each of them.
PATTERNS = {
    "^You are .*: operator": 1,
    "^You are stranger .* no role": 1,
    "^Opened by ": 1,
    "^Reason: ": 1,
    "^The request was approved but could not": 1,
    " · ": 1,  # author of a comment
    "^- .* approved": 2,  # person and reason of a decision
    "^1\\. .* submitted run": 3,  # entries of the ledger
}


@pytest.mark.parametrize(("pattern", "times"), PATTERNS.items())
def test_review_page_shows_every_hostile_text_in_full(review_elements: Elements, pattern: str, times: int) -> None:
    _, shown = parse_markdown([(kind, text) for kind, text in review_elements if re.search(pattern, text, re.DOTALL)])
    shown = shown.replace("\u2060", "")
    assert [bad for bad in HOSTILE if shown.count(" ".join(visible(bad).split())) < times] == []


def visible_lines(text: str) -> str:
    """The text without invisible characters, line by line."""
    return "\n".join(map(visible, text.splitlines()))


def test_comments_are_shown_as_plain_text(review_elements: Elements) -> None:
    assert [text for kind, text in review_elements if kind == "text"] == [visible_lines(bad.strip()) for bad in HOSTILE]


def test_names_and_reasons_add_no_html_element_to_the_record(hostile_workspace: Workspace) -> None:
    found = entries_of_request(
        to_json(entries(hostile_workspace.layout.ledger, read_public(hostile_workspace.layout.ledger_key))), REQUEST
    )
    page, decisions = (
        render_case_record(REQUEST, found),
        [one["content"]["decision"] for one in found if one["kind"] == "decision"],
    )
    assert {one["person"] for one in decisions} == {one["reason"] for one in decisions} == set(HOSTILE)
    for one in decisions:
        one |= {"person": "Plain", "reason": "Plain"}
    assert Tags(page).tags == Tags(render_case_record(REQUEST, found)).tags


# ---------------------------------------------------------------- drawings


def drawn(labels: Sequence[str]) -> str:
    """The stand-alone page of a circuit whose supernodes have these labels."""
    return explorer_page(
        scene(CIRCUIT, GROUPS) | {"texts": texts(), "supernodes": [[label, MODULES[0]] for label in labels]}
    )


def test_drawing_with_hostile_labels_has_no_links_or_scripts() -> None:
    html = drawn(HOSTILE)
    found, expected = Tags(html), Tags(drawn([f"m{number}" for number in range(len(HOSTILE))]))
    assert found.tags == expected.tags, "a label became an element or an attribute"
    assert not [value for name, value in found.tags if name in ("src", "href") or name.startswith("on")]
    assert html.count("Content-Security-Policy") == 1 and "innerHTML" not in html
    (policy,) = (value for name, value in found.tags if name == "content" and "default-src" in str(value))
    assert policy.startswith("default-src 'none'") and "http" not in policy and "base-uri 'none'" in policy


def test_drawing_holds_every_module_edge_and_label() -> None:
    (data,) = re.findall(r"draw\(\{data: (.*), setStateValue", drawn(HOSTILE))
    found = json.loads(data)
    assert [node[0] for node in found["nodes"]] == [*MODULES, "input", "logits"] and len(found["edges"]) == 3
    assert [label for label, _ in found["supernodes"]] == list(HOSTILE)


class Tags(HTMLParser):
    """Elements of an HTML text and their attributes, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags += [(tag, None), *attrs]
