"""Links that another process plants while a file is copied or written: nothing elsewhere is read, written or opened."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from core.benchmark.scenarios import make_scenario
from core.cli import runs as cli_runs
from core.cli.app import app
from core.cli.options import output_path
from core.errors import CureLensError, DamagedError, ModelError, WorkspaceError
from core.ledger.keys import demo_keys, keep_keys
from core.models import recommender
from core.models.recommender import load
from core.models.saved_adapter import save_adapter
from core.pipeline import prepare
from core.pipeline.context import load_adapter
from core.pipeline.given_models import take_adapter
from core.pipeline.train_reference import train_reference
from core.review import execution
from core.runs import external
from core.runs.external import create_external_run
from core.runs.submit import create_run
from core.types import Task
from core.utils.assets import asset
from core.utils.atomic_io import staging, write_text
from core.utils.no_links import copy_file
from core.workspace import Workspace
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS

FILES = (WEIGHTS, ADAPTER_CONFIG)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A private file of the person who works, outside of the workspace."""
    path = tmp_path / "victim"
    path.write_text("mine\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def adapter(workspace: Workspace, tmp_path: Path) -> Path:
    """An adapter of another tool."""
    folder = tmp_path / "given"
    train_reference(workspace, workspace.requests()[0], 999, "cpu", folder, lambda step: True)
    return folder


def plant_after_mkdir(monkeypatch: pytest.MonkeyPatch, find: Callable[[], list[Path]], victim: Path) -> None:
    """Plant links to the victim under both names, as soon as a folder is made."""
    made = os.mkdir

    def mkdir(*given, **named) -> None:
        made(*given, **named)
        for folder in find():
            for name in FILES:
                with suppress(FileExistsError):
                    (folder / name).symlink_to(victim)

    monkeypatch.setattr(os, "mkdir", mkdir)


def is_untouched(victim: Path) -> bool:
    return victim.read_text() == "mine\n" and victim.stat().st_mode & 0o777 == 0o600


def test_adapter_of_another_tool_is_not_written_through_a_planted_link(workspace, adapter, victim, monkeypatch) -> None:
    plant_after_mkdir(monkeypatch, lambda: list(workspace.layout.runs.glob("run-*/adapter")), victim)
    run = create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu")
    assert is_untouched(victim)
    for name in FILES:
        assert not (run.layout.adapter / name).is_symlink()
        assert (run.layout.adapter / name).read_bytes() == (adapter / name).read_bytes()


def test_adapter_of_another_tool_is_not_written_into_a_planted_folder(
    workspace, adapter, tmp_path, monkeypatch
) -> None:
    (outside := tmp_path / "outside").mkdir()
    made = external.make_private_folder
    monkeypatch.setattr(
        external, "make_private_folder", lambda path: made(path) or (path / "adapter").symlink_to(outside)
    )
    with pytest.raises(CureLensError):
        create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu")
    assert not list(outside.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_adapter_with_a_link_is_refused_with_its_mend(workspace, adapter, victim, name) -> None:
    (adapter / name).rename(adapter / "elsewhere")
    (adapter / name).symlink_to(adapter / "elsewhere")
    for use in (
        lambda: create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu"),
        lambda: load_adapter(workspace, str(adapter), "cpu"),
    ):
        with pytest.raises(
            ModelError, match=rf"holds the symbolic link {name}: copy it with cp -rL, and name the copy"
        ):
            use()
    assert not workspace.layout.runs.exists()


@pytest.mark.parametrize("name", FILES)
def test_link_that_is_planted_after_the_check_is_not_read(workspace, adapter, victim, monkeypatch, name) -> None:
    """The copy would bring the victim into the workspace, or into a run that others may read."""

    def planted(*given) -> None:
        (adapter / name).unlink()
        (adapter / name).symlink_to(victim)

    monkeypatch.setattr(external, "check_external_adapter", planted)
    with pytest.raises(CureLensError):
        create_external_run(workspace, workspace.requests()[0].id, adapter, "cpu")
    assert not list(workspace.layout.runs.glob("run-*"))
    monkeypatch.setattr(recommender, "check_adapter", lambda *given: None)
    with pytest.raises(CureLensError, match="given|cure-lens"):
        load(workspace.base, str(adapter), Task.CLICK, (" Yes", " No"), "cpu")
    shutil.rmtree(workspace.layout.adapter)
    with pytest.raises(OSError, match=name):
        take_adapter(workspace, adapter, ())
    assert "mine" not in "".join(path.read_text("latin-1") for path in workspace.layout.adapter.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_private_copy_is_not_written_through_a_planted_link(workspace, victim, tmp_path, monkeypatch, name) -> None:
    (place := tmp_path / "place").mkdir()
    (place / name).symlink_to(victim)
    folder = type("Place", (), {"__enter__": lambda self: str(place), "__exit__": lambda self, *error: None})
    monkeypatch.setattr(recommender, "TemporaryDirectory", lambda prefix: folder())
    with pytest.raises(CureLensError):
        load_adapter(workspace, str(workspace.adapter), "cpu")
    assert is_untouched(victim)


def test_given_adapter_is_not_written_through_a_planted_link(workspace, adapter, victim, monkeypatch) -> None:
    shutil.rmtree(workspace.layout.adapter)
    plant_after_mkdir(monkeypatch, lambda: [one for one in [workspace.layout.adapter] if one.is_dir()], victim)
    with pytest.raises(OSError, match="exist"):
        take_adapter(workspace, adapter, ())
    assert is_untouched(victim)


def test_templates_are_not_written_through_a_planted_link(workspace, victim, tmp_path) -> None:
    (tmp_path / "words.toml").write_text("[click]\n")
    workspace.layout.templates.symlink_to(victim)
    prepare.write_data(workspace.layout, SimpleNamespace(items=(), interactions=workspace.interactions),
                       workspace.user_split, workspace.settings, tmp_path / "words.toml")  # fmt: skip
    assert is_untouched(victim) and workspace.layout.templates.read_text() == "[click]\n"


def test_adapter_is_not_saved_into_a_planted_folder(workspace, tmp_path, monkeypatch) -> None:
    (outside := tmp_path / "outside").mkdir()
    model = load_adapter(workspace, str(workspace.adapter), "cpu").model
    staging(tmp_path / "saved").symlink_to(outside)  # which rmtree leaves where it is
    with pytest.raises(CureLensError):
        save_adapter(model, tmp_path / "saved")
    assert not list(outside.iterdir())


def test_approved_adapter_is_not_published_into_a_planted_folder(workspace, tmp_path) -> None:
    (outside := tmp_path / "outside").mkdir()
    target = workspace.layout.approved_adapter("run-x")
    staging(target).symlink_to(outside)
    given = SimpleNamespace(
        root=workspace.root, adapter=target, approved_files=lambda: iter([(WEIGHTS, b"weights")]),
        workspace=workspace, layout=workspace.layout,
    )  # fmt: skip
    with pytest.raises(CureLensError, match="part"):
        execution.publish(given)
    assert not list(outside.iterdir()) and Workspace(workspace.root).settings == workspace.settings


def test_scenario_of_a_benchmark_copies_no_linked_data(workspace, victim, tmp_path) -> None:
    (workspace.layout.data_folder / "notes.txt").symlink_to(victim)
    with pytest.raises(DamagedError, match="symbolic link"):
        make_scenario(workspace, 1, tmp_path / "scenario", lambda *given: True)
    assert not list(tmp_path.rglob("scenario*"))


def test_mode_of_a_written_file_is_set_through_no_link(tmp_path, victim, monkeypatch) -> None:
    """With its temporary name exchanged, the private file that a link names would be opened to everybody."""
    sync = os.fsync

    def exchanged(descriptor: int) -> None:
        sync(descriptor)
        (part,) = tmp_path.glob(".a.json.*")
        part.unlink()
        part.symlink_to(victim)

    monkeypatch.setattr(os, "fsync", exchanged)
    write_text(tmp_path / "a.json", "{}")
    assert is_untouched(victim)


@pytest.mark.parametrize("kind", ["file", "link", "broken link", "linked source", "pipe"])
def test_copy_takes_a_regular_file_to_a_new_name_only(tmp_path, victim, kind) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new\n")
    if kind == "file":
        target.write_text("old\n")
    elif kind == "link":
        target.symlink_to(victim)
    elif kind == "broken link":
        target.symlink_to(tmp_path / "nowhere")
    else:
        source.unlink()
        source.symlink_to(victim) if kind == "linked source" else os.mkfifo(source)
    with pytest.raises(OSError):
        copy_file(source, target)
    assert is_untouched(victim) and not (tmp_path / "nowhere").exists()
    assert not target.exists() or target.read_text() in ("old\n", "mine\n")


def test_export_is_not_written_through_a_link_in_place_of_its_folder(workspace, tmp_path, monkeypatch) -> None:
    (tmp_path / "outside").mkdir()
    workspace.layout.mlflow.symlink_to(tmp_path / "outside")
    run = create_run(workspace, workspace.requests()[0].id, "finetune", "cpu", steps=2)
    monkeypatch.setattr(cli_runs, "to_mlflow", lambda run, uri: f"written to {uri}")
    with pytest.raises(DamagedError, match="mlflow is or holds a symbolic link"):
        cli_runs.export(workspace.root, run.id)
    cli_runs.export(workspace.root, run.id, uri="http://127.0.0.1:1")


def test_folder_that_is_exchanged_on_the_way_leads_nowhere(tmp_path, victim, monkeypatch) -> None:
    """Its descriptor is held: whatever stands under its name by then is not looked at."""
    (folder := tmp_path / "folder").mkdir()
    (outside := tmp_path / "outside").mkdir()
    made = os.fdopen

    def exchanged(*given):
        folder.rename(tmp_path / "moved")
        folder.symlink_to(outside)
        return made(*given)

    monkeypatch.setattr(os, "fdopen", exchanged)
    write_text(folder / "a.json", "{}")
    assert not list(outside.iterdir()) and (tmp_path / "moved/a.json").read_text() == "{}"


def test_path_that_a_person_names_may_lead_through_links(workspace, tmp_path, monkeypatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "link/keys"))
    result = CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)])
    assert result.exit_code == 0, result.output
    out = tmp_path / "link/head.json"
    assert CliRunner().invoke(app, ["ledger", "head", "-w", str(workspace.root), "--out", str(out)]).exit_code == 0
    assert (tmp_path / "real/head.json").is_file()


OUTPUTS = {
    "head": ("ledger", "head", "--out"),
    "record": ("ledger", "record", "-r", "req-one", "--out"),
    "graph": ("graph", "--run", "run-demo", "-o"),
}


@pytest.mark.parametrize("command", OUTPUTS)
@pytest.mark.parametrize("planted", ["file", "folder", "behind an own link", "while the settings are away"])
def test_output_in_a_workspace_follows_no_link_there(tmp_path, victim, monkeypatch, command, planted) -> None:
    """A head, say, that its signer keeps in the workspace, where somebody planted a link to a file of theirs."""
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    keep_keys(demo_keys())
    root = shutil.copytree(asset("demo"), tmp_path / "demo")
    (tmp_path / "own").symlink_to(root / "out")
    place = {"file": root, "behind an own link": tmp_path / "own"}.get(planted, root / "out") / victim.name
    if planted == "folder":
        (root / "out").symlink_to(tmp_path)
    else:
        place.parent.resolve().mkdir(exist_ok=True)
        place.symlink_to(victim)
    if planted == "while the settings are away":
        exists = Path.exists
        monkeypatch.setattr(Path, "exists", lambda path: path.name != "workspace.json" and exists(path))
    with suppress(CureLensError):
        CliRunner().invoke(app, [*OUTPUTS[command], str(place), "-w", str(root)])
    assert victim.read_text() == "mine\n"
    assert planted == "folder" or (place.is_file() and not place.is_symlink())


def test_output_behind_a_circle_of_links_is_refused(tmp_path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(WorkspaceError, match="too many links"):
        output_path(tmp_path / "a/head.json")
