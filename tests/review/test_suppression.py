"""The suppression list: it holds who waits for a deletion, nobody can read it, and nobody leaves it in silence."""

import ast
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import RequestError, ReviewError, WorkspaceError
from core.integrations import suppression_client
from core.integrations.suppression_client import Suppression
from core.review import execution
from core.runs.requests import open_request
from core.runs.suppression import suppression_list
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from tests.review.test_closing import killed_behind


@pytest.fixture
def client(desk, tmp_path):
    """Writes the list with the command, and returns a client that reads it."""

    def write() -> Suppression:
        paths = str(tmp_path / "list.json"), str(tmp_path / "list.key")
        found = desk.invoke("suppression", "--out", paths[0], "--key-out", paths[1])
        if found.exception and not isinstance(found.exception, SystemExit):
            raise found.exception
        return Suppression(*paths)

    return write


def test_list_covers_who_waits_and_nobody_else(desk, client, tmp_path):
    workspace = desk.workspace
    waiting = workspace.request(desk.request).users
    others = set(workspace.user_split.training_users) - set(waiting)
    event = next(one for one in workspace.interactions if one.user in others)
    open_request(workspace, interactions=[(event.user, event.item)], opened_by="rita")
    found = client()
    assert all(map(found.covers, waiting)) and all(found.covers(user, "anything") for user in waiting)
    assert found.covers(event.user, event.item) and not found.covers(event.user)
    assert not any(found.covers(user, "else") for user in others)
    text = (tmp_path / "list.json").read_text()
    assert not any(f'"{one}"' in text for one in (*waiting, event.user, event.item))
    assert (tmp_path / "list.key").stat().st_mode & 0o077 == 0


def test_list_empties_when_the_deletion_is_signed(desk, client, monkeypatch):
    found, waiting = client(), desk.workspace.request(desk.request).users
    desk.approve()
    killed_behind(desk, monkeypatch, "purge")
    with pytest.raises(WorkspaceError, match="A deletion is being carried out"):
        client()
    assert all(map(found.covers, waiting)), "the earlier list is gone"
    execution.execute_decisions(Workspace(desk.workspace.root))
    client()
    assert not any(map(found.covers, waiting)), "the client did not read the new list"


@pytest.mark.parametrize("change", ["other people", "gone", "settings"])
def test_nobody_leaves_the_list_by_a_file_that_is_changed(desk, client, tmp_path, change):
    client()
    before, file = (tmp_path / "list.json").read_bytes(), desk.workspace.layout.request(desk.request)
    if change == "gone":
        file.unlink()
    elif change == "settings":
        write_json(desk.workspace.layout.settings, replace(desk.workspace.settings, window=99))
    else:
        write_json(file, read_json(file) | {"users": read_json(file)["users"][:1]})
    with pytest.raises((RequestError, ReviewError), match="not signed as it stands|is gone|signed"):
        client()
    assert (tmp_path / "list.json").read_bytes() == before


def test_damaged_list_is_an_error_and_no_permission(client, tmp_path):
    found = client()
    (tmp_path / "list.json").write_text("{")
    os.utime(tmp_path / "list.json", ns=(1, 1))
    with pytest.raises(ValueError, match="Expecting"):
        found.covers("anybody")
    (tmp_path / "list.json").unlink()
    with pytest.raises(OSError, match="No such file"):
        found.covers("anybody")


def test_client_can_be_copied():
    """It imports the standard library only."""
    tree = ast.parse(Path(suppression_client.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names and names <= set(sys.stdlib_module_names)


def test_two_lists_of_the_same_requests_differ_in_their_time_only(desk):
    one, other = suppression_list(desk.workspace), suppression_list(desk.workspace)
    assert replace(one, made="") == replace(other, made="") and json.dumps(one.users)
