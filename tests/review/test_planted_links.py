"""Links in place of folders and databases of a workspace: nothing outside is written, removed or opened."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

from core.errors import CureLensError, WorkspaceError
from core.review import execution
from core.review.batches import dissolve, open_batch
from core.review.cases import Cases
from core.review.vault import Vault
from core.runs import checkpoints
from core.runs.checkpoints import Checkpoints
from core.runs.handle import open_run, store_of
from core.runs.reference_job import launch_training
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.utils import sqlite
from core.workspace import Workspace
from core.workspace.locks import shared_model_lock
from core.workspace.visits import record_visit
from tests.review.conftest import Desk

DATABASES = ("review.sqlite", "runs/store.sqlite")


def others(desk: Desk) -> list[str]:
    own = desk.workspace.request(desk.request).users
    return [one for one in desk.workspace.user_split.training_users if one not in own]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def use(desk: Desk, name: str) -> Cases | object:
    return Cases(desk.workspace) if name == "review.sqlite" else store_of(desk.workspace)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody else."""
    (folder := tmp_path / "outside").mkdir()
    return folder


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A database of somebody else."""
    with closing(sqlite3.connect(tmp_path / "mine.db")) as database, database:
        database.execute("CREATE TABLE own (text)")
    return tmp_path / "mine.db"


def replace_by_link(folder: Path, outside: Path) -> None:
    if folder.exists():
        folder.rename(outside.with_name("moved"))
    folder.parent.mkdir(exist_ok=True)
    folder.symlink_to(outside)


def after(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[execution.Execution], None]) -> None:
    """Somebody acts right after a step of the deletion."""

    def acted(step: Callable[[execution.Execution], None]) -> Callable[[execution.Execution], None]:
        return lambda one: (step(one), act(one) if step.__name__ == name else None)[0]

    monkeypatch.setattr(execution, "STEPS", tuple(map(acted, execution.STEPS)))


@pytest.mark.parametrize("name", ["runs", "references", "requests", "data", "closed"])
def test_link_that_is_planted_after_the_sealing_leads_nowhere(desk, monkeypatch, outside, name) -> None:
    before = {}

    def plant(one: execution.Execution) -> None:
        (outside / "thesis").mkdir()
        (outside / "thesis/chapter.txt").write_text("mine")
        if name in ("data", "requests"):  # as the step reads it before it writes
            for file in (one.root / name).iterdir():
                (outside / file.name).write_bytes(file.read_bytes())
        (outside / f"{desk.request}.json").touch()
        replace_by_link(one.root / name, outside)
        before.update(contents(outside))

    desk.approve()
    after(monkeypatch, "seal", plant)
    with pytest.raises(CureLensError):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert before and contents(outside) == before


def test_deletion_goes_on_where_a_planted_link_was_removed(desk, monkeypatch, outside) -> None:
    def plant(one: execution.Execution) -> None:
        replace_by_link(one.root / "closed", outside)

    desk.approve()
    with monkeypatch.context() as patch:
        after(patch, "seal", plant)
        with pytest.raises(CureLensError, match="closed is a link or no folder"):
            execution.execute_decisions(Workspace(desk.workspace.root))
    desk.workspace.layout.all_closed.unlink()
    desk.decide("petra")
    desk.decide("owen")
    execution.execute_decisions(Workspace(desk.workspace.root))
    assert [one.id for one in Workspace(desk.workspace.root).closed()] == [desk.request] and not contents(outside)


def test_dissolving_a_batch_removes_nothing_outside(desk, outside) -> None:
    users = others(desk)[:2]
    batch = open_batch(desk.workspace, [open_request(desk.workspace, [one], opened_by="rita").id for one in users])
    (outside / batch.id).mkdir()
    (outside / batch.id / "backup").write_text("mine")
    replace_by_link(desk.workspace.layout.all_references, outside)
    with pytest.raises(WorkspaceError, match="references is a link or no folder"):
        dissolve(desk.workspace, batch.id)
    assert (outside / batch.id / "backup").exists() and desk.workspace.layout.request(batch.id).exists()


@pytest.mark.parametrize("name", ["runs", "requests", "references", "visits"])
def test_nothing_is_written_through_a_link_in_place_of_a_folder(desk, outside, name) -> None:
    users, workspace = others(desk)[:1], Workspace(desk.workspace.root)
    uses: dict[str, Callable[[], object]] = {
        "runs": lambda: create_run(workspace, desk.request, "uniform", "cpu", steps=3, launched_by="olaf"),
        "requests": lambda: open_request(workspace, users, opened_by="rita"),
        "references": lambda: launch_training(workspace, desk.request, 3, "cpu", "olaf"),
        "visits": lambda: record_visit(workspace, "petra", "2026-01-01T00:00:00+00:00"),
    }
    replace_by_link(desk.workspace.root / name, outside)
    with suppress(CureLensError) if name == "visits" else pytest.raises(CureLensError, match=name):
        uses[name]()  # a page is shown, whether its visit can be recorded or not
    assert not list(outside.iterdir())


def test_run_folder_that_becomes_a_link_takes_no_event_and_no_checkpoint(desk, outside) -> None:
    run = open_run(desk.workspace, desk.run)
    spec = run.spec
    own = Checkpoints(run.layout.checkpoint, every=0)
    replace_by_link(run.path, outside)
    (outside / "events.jsonl").touch()
    (outside / "adapter").mkdir()
    for act in (
        lambda: run.add_event({"kind": "step"}),
        lambda: own.save_if_due(1, 1, lambda: {"step": 1}, last=True),
        lambda: run.write_spec(spec),
    ):
        with pytest.raises(WorkspaceError, match="is a link or no folder"):
            act()
    run.discard()
    assert contents(outside) == {"events.jsonl": b""} and (outside / "adapter").is_dir()


def test_old_checkpoints_are_not_removed_through_a_link(desk, outside, monkeypatch) -> None:
    monkeypatch.setattr(checkpoints, "KEPT", 0)
    run = open_run(desk.workspace, desk.run)
    (outside / ".01-0000001.part").mkdir()
    replace_by_link(run.layout.checkpoint, outside)
    with pytest.raises(WorkspaceError, match="checkpoint is a link or no folder"):
        Checkpoints(run.layout.checkpoint)
    assert list(outside.iterdir())


def test_copies_are_neither_sealed_nor_destroyed_behind_a_link(desk, outside) -> None:
    layout = desk.workspace.layout
    vault = Vault(layout.vault(desk.request, 1), layout.ledger_key)
    (outside / vault.path.name).mkdir()
    (outside / f".{vault.path.name}.part").mkdir()
    replace_by_link(layout.sealed, outside)
    with suppress(CureLensError):
        vault.destroy()
    with pytest.raises(CureLensError):
        Vault(layout.vault(desk.request, 2), layout.ledger_key).seal(layout.root, [layout.settings])
    assert len(list(outside.iterdir())) == 2


def test_workspace_behind_a_link_is_worked_in_as_any_other(desk, tmp_path) -> None:
    (tmp_path / "link").symlink_to(desk.workspace.root)
    workspace = Workspace(tmp_path / "link")
    opened = open_request(workspace, others(desk)[:1], opened_by="rita")
    with shared_model_lock(workspace):
        assert desk.workspace.request(opened.id) == opened


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_database_elsewhere_is_not_changed_through_a_link(desk, foreign, outside, name, folder) -> None:
    before, place = foreign.read_bytes(), desk.workspace.root / name
    if folder and name == DATABASES[1]:
        foreign = foreign.rename(outside / place.name)
        replace_by_link(place.parent, outside)
    else:
        place.unlink(missing_ok=True)
        place.symlink_to(foreign)
    with pytest.raises(WorkspaceError, match="is a link"):
        use(desk, name).all()
    assert "is a link" in use(desk, name).flaws()[0]
    assert foreign.read_bytes() == before and len(list(outside.iterdir())) <= 1


@pytest.mark.parametrize("name", DATABASES)
def test_link_that_is_planted_while_a_database_is_opened_is_noticed(desk, foreign, monkeypatch, name) -> None:
    before, place, checked = foreign.read_bytes(), desk.workspace.root / name, sqlite._require_file

    def planted(path: Path, make: bool) -> None:
        checked(path, make)
        path.unlink(missing_ok=True)
        path.symlink_to(foreign)

    place.touch()
    monkeypatch.setattr(sqlite, "_require_file", planted)
    with pytest.raises(WorkspaceError, match="is a link"):
        use(desk, name).all()
    assert foreign.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "journal"), [("review.sqlite", "-journal"), *(("runs/store.sqlite", one) for one in ("-wal", "-shm"))]
)
def test_journal_elsewhere_is_not_changed_through_a_link(desk, tmp_path, name, journal) -> None:
    (tmp_path / "victim").write_text("mine")
    place = desk.workspace.root / f"{name}{journal}"
    place.unlink(missing_ok=True)
    place.symlink_to(tmp_path / "victim")
    with suppress(CureLensError):
        if name == "review.sqlite":
            desk.submit()
        else:
            create_run(desk.workspace, desk.request, "uniform", "cpu", steps=3, launched_by="olaf")
    assert (tmp_path / "victim").read_text() == "mine"
