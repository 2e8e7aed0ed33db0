"""Deletion in a workspace with strange files: it is refused or taken back in one sentence, and every file is as before."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from core.errors import DamagedError, ReviewError, WorkspaceError
from core.review import execution
from core.review.forgotten_data import ForgottenData
from core.review.leak_scan import Findings, find_leaks
from core.review.vault import Vault, encrypted_files
from core.types import CaseState
from core.workspace import Workspace


@pytest.fixture
def approved(desk):
    desk.approve()
    return desk


def settle(desk):
    return execution.execute_decisions(Workspace(desk.workspace.root))


def contents(root: Path) -> dict[str, bytes]:
    """All files but databases, locks and the ledger."""
    files = (
        path for path in root.rglob("*") if path.is_file() and path.suffix in (".json", ".parquet", ".safetensors")
    )
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def assert_taken_back(desk, sentence: str) -> None:
    before = contents(desk.workspace.root)
    with pytest.raises(ReviewError, match=sentence):
        settle(desk)
    assert contents(desk.workspace.root) == before and desk.case.state is CaseState.PENDING
    assert not list(desk.workspace.layout.vaults())


def test_files_that_nobody_can_read_stop_a_deletion(approved):
    root = approved.workspace.root
    os.mkfifo(root / "data/pipe")  # the search waited for ever for its other end
    (root / "old.gz").write_bytes(gzip.compress(b"nothing of anybody"))
    (root / "sealed").mkdir(exist_ok=True)
    (root / "sealed/export.zip").write_bytes(b"PK\x03\x04 and more")
    (root / "elsewhere").symlink_to(root.parent)
    assert_taken_back(
        approved, r"data/pipe \(no regular file\), elsewhere \(a link that .*\), old\.gz .* sealed/export\.zip"
    )


@pytest.mark.parametrize("name", ["closed", "visits", "sealed", "references"])
def test_a_file_in_place_of_a_folder_is_refused_before_the_first_step(approved, monkeypatch, name):
    root = approved.workspace.root
    shutil.rmtree(root / name, ignore_errors=True)
    (root / name).write_text("nothing")
    monkeypatch.setattr(execution, "STEPS", (execution.seal, lambda one: pytest.fail("went on"), *execution.STEPS[2:]))
    assert_taken_back(approved, f"{name} has to be a folder, and is none")


def test_a_folder_that_becomes_a_file_is_rolled_back(approved, monkeypatch):
    def purge(one):
        shutil.rmtree(one.root / "closed", ignore_errors=True)
        (one.root / "closed").write_text("nothing")
        execution.purge(one)

    monkeypatch.setattr(execution, "STEPS", (*execution.STEPS[:2], purge, *execution.STEPS[3:]))
    assert_taken_back(approved, "nothing was destroyed: .*closed")


@pytest.mark.parametrize("name", ["data/interactions.parquet", "data", "visits", "data/roles.json"])
def test_a_link_in_place_of_a_file_or_folder_is_refused(approved, tmp_path, name):
    path, outside = approved.workspace.root / name, tmp_path / "outside"
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        path.rename(outside)
    else:
        outside.mkdir()
    path.symlink_to(outside)
    assert_taken_back(approved, "is a link or holds one")


def test_a_link_in_place_of_the_requests_holds_an_approval_back(approved, tmp_path):
    path = approved.workspace.layout.requests
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(DamagedError, match="is or holds a symbolic link"):
        settle(approved)
    assert approved.case.state is CaseState.APPROVED and not list(approved.workspace.layout.vaults())


def test_a_pipe_in_place_of_a_request_is_refused(desk):
    os.mkfifo(desk.workspace.layout.request("req-pipe"))
    with pytest.raises(WorkspaceError, match=r"req-pipe\.json is no file"):
        desk.workspace.requests()


def test_an_error_without_words_is_named(approved, monkeypatch):
    def refuse(one):
        raise MemoryError

    monkeypatch.setattr(execution, "STEPS", (*execution.STEPS[:2], refuse, *execution.STEPS[3:]))
    assert_taken_back(approved, "nothing was destroyed: MemoryError$")


def test_only_files_that_a_vault_wrote_are_left_out(desk):
    layout = desk.workspace.layout
    folder = layout.vault(desk.request, 1)
    vault = Vault(folder, layout.ledger_key)
    vault.seal(layout.root, [layout.settings, layout.user_split])
    names = {layout.name(folder / name) for name in ("0", "1", "index", "key")}
    assert encrypted_files(layout) == names
    assert [*find(desk).unread] == []
    (folder / "2").write_bytes(b"not of the vault\x00\x01")
    (folder / "1").write_bytes((folder / "1").read_bytes() + b"more")
    assert encrypted_files(layout) == names - {layout.name(folder / "1")}
    assert {*find(desk).unread} == {layout.name(folder / name) for name in "12"}
    next(vault._keys.glob("*[0-9a-f].key")).unlink()
    assert encrypted_files(layout) == frozenset()


def test_pipes_in_a_vault_are_not_opened(desk):
    folder = desk.workspace.layout.vault(desk.request, 1)
    folder.mkdir(parents=True)
    for name in ("key", "index", "0"):
        os.mkfifo(folder / name)
    assert encrypted_files(desk.workspace.layout) == frozenset() and len(find(desk).unread) == 3


def find(desk) -> Findings:
    nobody = ForgottenData(lambda word: False, lambda user, item: False)
    return find_leaks(desk.workspace.root, nobody, encrypted=encrypted_files(desk.workspace.layout))


def test_verify_destruction_reads_half_characters(approved):
    settle(approved)
    (approved.workspace.root / "half.json").write_text('{"user": "half \\ud800", "item": "1", "note": "\\ud800"}')
    (approved.workspace.root / os.fsdecode(b"half-\xff.txt")).write_text("nothing")
    assert approved.invoke("verify-destruction").exit_code == 0


def test_verify_destruction_tells_what_was_not_searched(approved):
    settle(approved)
    (approved.workspace.root / "old.gz").write_bytes(gzip.compress(b"nothing"))
    result = approved.invoke("verify-destruction")
    assert result.exit_code == 1 and result.output == (
        "old.gz was not searched (compressed, an archive or a PDF), so nobody knows what it holds: move it out of the "
        "workspace.\n"
    )
    assert (
        '"unread": {"old.gz": "compressed, an archive or a PDF"}'
        in approved.invoke("verify-destruction", "--json").output
    )
