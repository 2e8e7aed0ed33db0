"""In the catalogue and in the base model's folder, only words that are nobody's are left out of the search."""

import json
from contextlib import suppress

import pytest

from core.errors import ReviewError
from core.review import execution
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import find_leaks
from core.review.ledger_entries import destructions
from core.runs.ledger import open_ledger
from core.types import Interaction, Item, Request
from core.utils.serialization import read_json_lines, to_json
from core.workspace import Workspace

TITLES = {"318": Item("318", "The Bell of Valdoria"), "7": Item("7", "Temperature")}


def shows(tmp_path, name, value, user="anna"):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value) + "\n")
    rows = [Interaction(user, item, True, 1) for item in TITLES]
    return find_leaks(tmp_path, forgotten_data_of(Request("r", users=(user,)), rows, TITLES)).shows == (name,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data/items.jsonl", {"id": "9", "title": "Film", "watched": [{"user": "anna", "item": "318"}]}),
        ("data/items.jsonl", {"id": "9", "title": "Film", "user": "anna"}),
        ("data/items.jsonl", {"id": "9", "title": {"anna": 1}}),
        ("data/items.jsonl", {"id": "9", "title": "Film", "like": "The Bell of Valdoria"}),
        ("base/generation_config.json", {"rows": [{"user": "anna", "item": "318"}]}),
        ("base/config.json", {"note": "The Bell of Valdoria"}),
        ("base/config.json", {"note": "seen by anna"}),
        ("base/chat_template.jinja", "seen by anna"),
        ("base/tokenizer.json", {"model": {"vocab": {"a": 1}}, "rows": ["anna"]}),
        ("base/tokenizer.json", {"model": {"vocab": {"a": {"user": "anna"}}}}),
        ("base/tokenizer_config.json", {"added_tokens_decoder": {"1": {"content": "a", "note": "anna"}}}),
        ("base/vocab.json", {"rows": ["anna"]}),
        ("base/rows.model", "anna"),
    ],
)
def test_what_is_no_word_of_theirs_is_searched(tmp_path, name, value):
    assert shows(tmp_path, name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data/items.jsonl", {"id": "anna", "title": "The Bell of Valdoria, with anna", "genres": ["anna"]}),
        ("base/tokenizer.json", {"model": {"vocab": {"anna": 1, "4": 2}, "merges": [["an", "na"], "4 318"]}}),
        ("base/tokenizer.json", {"model": {"vocab": [["anna", -1.5]]}, "added_tokens": [{"id": 1, "content": "anna"}]}),
        ("base/tokenizer_config.json", {"added_tokens_decoder": {"1": {"content": "The Bell of Valdoria"}}}),
        ("base/vocab.json", {"anna": 1}),
        ("base/vocab.txt", "user\nanna\n318\n"),
        ("base/merges.txt", "an na\n"),
        ("base/tokenizer.model", "anna"),
        ("base/generation_config.json", {"temperature": 1.0, "eos_token_id": [4, 318]}),
    ],
)
def test_word_that_is_nobodys_is_no_trace(tmp_path, name, value):
    assert not shows(tmp_path, name, value)


def test_row_of_a_number_in_its_items_line_is_found(tmp_path):
    line = {"id": "318", "title": "Film", "users": ["9", "4"]}
    pair = forgotten_data_of(Request("r", interactions=(("4", "318"),)), [Interaction("4", "318", True, 1)], {})
    (tmp_path / "data").mkdir()
    (tmp_path / "data/items.jsonl").write_text(json.dumps(line) + "\n")
    assert find_leaks(tmp_path, pair).shows


@pytest.mark.parametrize("place", ["watched", "user", "base"])
def test_deletion_finds_rows_beside_those_words(desk, place):
    desk.approve()
    workspace, layout = desk.workspace, desk.workspace.layout
    user = workspace.request(desk.request).users[0]
    seen = {row.item for row in workspace.interactions if row.user == user}
    more = {"watched": lambda item: [{"user": user, "item": item}], "user": lambda _: user}
    if place == "base":
        path = workspace.root / "base/generation_config.json"
        rows = [{"user": user, "item": item} for item in seen]
        path.write_text(json.dumps({**json.loads(path.read_text()), "rows": rows}))
    else:
        items = [to_json(one) for one in read_json_lines(layout.items, Item)]
        lines = [{**one, **({place: more[place](one["id"])} if one["id"] in seen else {})} for one in items]
        layout.items.write_text("".join(json.dumps(one) + "\n" for one in lines))
    with suppress(ReviewError):
        execution.execute_decisions(Workspace(workspace.root))
    assert not destructions(open_ledger(workspace))
