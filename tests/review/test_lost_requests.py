"""Requests whose files are gone: `doctor` names them, until `ledger confirm` signs that they are not open any more."""

import json

import pytest

from core.cli.workspace_checks import check_workspace
from core.errors import RequestError
from core.review import execution
from core.runs.requests import check_opened, lost_requests, open_request


@pytest.fixture
def lost(desk):
    """A second request, and its file, which was removed."""
    request = open_request(desk.workspace, users=desk.workspace.user_split.training_users[3:4])
    file = desk.workspace.layout.request(request.id)
    content = file.read_bytes()
    file.unlink()
    return request, file, content


def named(desk):
    return [one for one in check_workspace(desk.workspace) if not one.ok]


def test_lost_request_is_named_until_it_is_signed_as_gone(desk, lost):
    request, _, _ = lost
    (finding,) = named(desk)
    assert request.id in finding.name and "`ledger confirm`" in finding.detail
    shown = json.loads(desk.invoke("ledger", "confirm", "--json").stdout)
    assert shown["gone"] == [request.id] and not shown["signed"]
    assert f"{request.id}: was opened, and its file is gone" in desk.invoke("ledger", "confirm").stdout
    assert named(desk)  # looking signs nothing
    assert desk.invoke("ledger", "confirm", "--digest", shown["digest"]).exit_code == 0
    assert not named(desk) and "signed as they stand" in desk.invoke("ledger", "confirm").stdout


def test_file_that_comes_back_after_it_was_signed_as_gone_does_not_count(desk, lost):
    request, file, content = lost
    shown = json.loads(desk.invoke("ledger", "confirm", "--json").stdout)
    desk.invoke("ledger", "confirm", "--digest", shown["digest"])
    file.write_bytes(content)
    with pytest.raises(RequestError, match="is not signed as it stands"):
        check_opened(desk.workspace, desk.workspace.request(request.id))


def test_no_request_counts_as_lost_while_a_deletion_is_at_work(desk, lost, monkeypatch):
    desk.approve()
    monkeypatch.setattr(execution, "find_leaks", killed)
    with pytest.raises(KeyboardInterrupt):
        execution.execute_decisions(desk.workspace)
    assert desk.workspace.layout.vaults() and lost_requests(desk.workspace) == []


def killed(*_words, **_values):
    raise KeyboardInterrupt
