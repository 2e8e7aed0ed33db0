"""Every id that was taken in can be named on the command line, and the printed commands name it right."""

import csv
import json
import shlex
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.cli.app import app
from core.cli.options import joined, pairs_of, parts_of
from core.data.interaction_files import write_interactions
from core.data.interaction_store import InteractionStore
from core.errors import RequestError
from core.types import Request
from core.utils.commands import command_line
from core.utils.serialization import from_json, read_json, read_json_lines, write_json, write_json_lines
from core.workspace import Workspace

IDS = (
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1).map(str.strip).filter(bool)
)


@given(st.lists(IDS, min_size=1))
def test_list_of_any_ids_is_read_as_it_was_written(ids):
    assert parts_of(joined(ids)) == ids
    assert shlex.split(command_line("request", "--users", joined(ids)))[-1] == joined(ids)


def test_parts_may_stand_on_lines_of_their_own():
    assert parts_of("a\nb,c\r\n\n d") == ["a", "b", "c", "d"]
    assert parts_of('"new\nline",b') == ["new\nline", "b"]


def test_a_part_that_is_no_name_is_one_sentence():
    with pytest.raises(RequestError, match=r"^The list 'x{40}'\.\.\. cannot be read .*: write A,B,C\.$"):
        parts_of("x" * csv.field_size_limit() + "x")


@given(st.lists(st.tuples(IDS, IDS), min_size=1, max_size=4))
def test_pairs_of_any_ids_are_found_or_refused_as_ambiguous(pairs):
    text = joined(f"{user}:{item}" for user, item in pairs)
    try:
        assert pairs_of(text, lambda user, item: (user, item) in pairs) == pairs
    except RequestError as error:
        assert "can be read as" in str(error)


NAMES = {"u": "Person, No. ", "i": "urn:item:"}  # ids of the tiny workspace, prefixed


@pytest.fixture
def renamed(workspace, tmp_path):
    """The tiny workspace with ids that hold commas, colons, blanks and pipes."""
    folder = shutil.copytree(workspace.root, tmp_path / "renamed")
    layout = Workspace(folder).layout

    def new(name: str) -> str:
        return f"{NAMES[name[0]]}{name[1:]}|a b"

    write_json_lines(layout.items, [one | {"id": new(one["id"])} for one in read_json_lines(layout.items, dict)])
    events = [replace(one, user=new(one.user), item=new(one.item)) for one in workspace.interactions]
    write_interactions(layout.interactions, InteractionStore.of(events))
    users = {part: [new(one) for one in own] for part, own in read_json(layout.user_split).items()}
    write_json(layout.user_split, users)
    return Workspace(folder)


def test_request_takes_any_id(renamed):
    space = ["request", "--workspace", str(renamed.root)]
    first, second, *_ = renamed.user_split.training_users
    item = next(event.item for event in renamed.interactions if event.user == second)
    before = {one.id for one in renamed.requests()}
    for options in (["--users", joined([first])], ["--interactions", joined([f"{second}:{item}"])]):
        result = CliRunner().invoke(app, [*space, *options])
        assert result.exit_code == 0, result.output
    opened = [one for one in Workspace(renamed.root).requests() if one.id not in before]
    assert {one.users for one in opened} == {(first,), ()}
    assert {one.interactions for one in opened} == {(), ((second, item),)}


def from_standard_input(workspace, text, *options):
    command = ["request", "--workspace", str(workspace.root), "--stdin", "--json", *options]
    return CliRunner().invoke(app, command, input=text)


def test_request_is_read_from_the_standard_input(renamed):
    first, second, *_ = renamed.user_split.training_users
    item = next(event.item for event in renamed.interactions if event.user == second)
    wanted = {"users": [first], "interactions": [[second, item]], "reason": "moved away"}
    opened = from_json(Request, json.loads(from_standard_input(renamed, json.dumps(wanted)).stdout))
    assert opened == renamed.request(opened.id)
    assert (opened.users, opened.interactions, opened.reason) == ((first,), ((second, item),), "moved away")


@pytest.mark.parametrize(
    ("text", "options", "sentence"),
    [
        ("{", (), "The standard input is damaged"),
        ('{"users": "u1"}', (), "The standard input is damaged"),
        ("{}", (), "names nobody"),
        ("{}", ("--users", "u1"), "leave out --users"),
        ("{}", ("--batch", "a,b"), "leave out --users"),
    ],
)
def test_bad_standard_input_opens_nothing(renamed, text, options, sentence):
    before = renamed.requests()
    refused = from_standard_input(renamed, text, *options)
    assert refused.exit_code and sentence in str(refused.exception) and Workspace(renamed.root).requests() == before
