"""Sealed copies that are moved, missing or copied: their key stays for whoever still needs it."""

import shutil

import pytest

from core.errors import LedgerError
from core.review import execution
from core.review.cases import Cases
from core.types import CaseState
from core.workspace import Workspace
from tests.review.test_closing import killed_behind, settle, then, vault_keys


def execute(root):
    return execution.execute_decisions(Workspace(root))


def put_pending(root, number):
    Cases(Workspace(root)).reopen(number, "")


@pytest.mark.parametrize("state", [CaseState.APPROVED, CaseState.PENDING])
def test_backup_at_the_place_of_a_moved_workspace_keeps_its_key(desk, monkeypatch, tmp_path, state):
    case, root = desk.approve(), desk.workspace.root
    backup = shutil.copytree(root, tmp_path / "backup")
    killed_behind(desk, monkeypatch, "publish")
    moved = root.rename(tmp_path / "moved")
    backup.rename(root)
    if state is CaseState.PENDING:
        put_pending(root, case.number)
    with pytest.raises(LedgerError, match=f"put the copies back, .* delete the key file {vault_keys(tmp_path)[0]}"):
        execute(root)
    assert vault_keys(tmp_path) and desk.case.state is state
    assert execute(moved).state is CaseState.CLOSED and not vault_keys(tmp_path)


@pytest.mark.parametrize("when", ["after a kill", "between two steps"])
def test_copies_that_are_put_back_go_on(desk, monkeypatch, tmp_path, when):
    path, away = desk.workspace.layout.vault(desk.request, desk.approve().number), tmp_path / "away"
    with monkeypatch.context() as patch:
        if when == "after a kill":
            killed_behind(desk, patch, "purge")
            path.rename(away)
        else:
            then(patch, "publish", lambda one: path.rename(away))
        with pytest.raises(LedgerError, match="put the copies back"):
            execute(desk.workspace.root)
    assert vault_keys(tmp_path) and desk.case.state is CaseState.APPROVED
    away.rename(path)
    assert execute(desk.workspace.root).state is CaseState.CLOSED and not vault_keys(tmp_path)


@pytest.mark.parametrize("behind", ["publish", "sign_destruction"])
def test_copy_of_a_workspace_in_its_deletion_keeps_the_key(desk, monkeypatch, tmp_path, behind):
    desk.approve()
    killed_behind(desk, monkeypatch, behind)
    copy = shutil.copytree(desk.workspace.root, tmp_path / "copy")
    with pytest.raises(LedgerError, match="is a copy of"):
        execute(copy)
    assert vault_keys(tmp_path)
    assert execute(desk.workspace.root).state is CaseState.CLOSED and not vault_keys(tmp_path)


def test_signed_case_that_a_file_calls_closed_loses_its_key(desk, monkeypatch, tmp_path):
    case = desk.approve()
    killed_behind(desk, monkeypatch, "sign_destruction")
    desk.workspace.layout.vault(desk.request, case.number).rename(tmp_path / "away")
    put_pending(desk.workspace.root, case.number)
    assert execute(desk.workspace.root).state is CaseState.CLOSED and not vault_keys(tmp_path)


@pytest.mark.parametrize("entered", ["now", "by an earlier version"])
def test_case_of_missing_copies_is_closed_when_the_ledger_says_that_all_is_signed(desk, monkeypatch, tmp_path, entered):
    """Earlier versions did not enter how many destructions a case has: then only the copies can say."""
    desk.approve()
    killed_behind(desk, monkeypatch, "sign_destruction")
    path = desk.workspace.layout.vault(desk.request, desk.case.number)
    path.rename(tmp_path / "copies")
    if entered == "by an earlier version":
        with monkeypatch.context() as patch:
            patch.setattr(execution.ledger_entries, "is_all_destroyed", lambda *_: False)
            settle(desk)
        assert vault_keys(tmp_path) and desk.case.state is CaseState.APPROVED
        (tmp_path / "copies").rename(path)
    settle(desk)
    assert not vault_keys(tmp_path) and desk.case.state is CaseState.CLOSED
