"""Export to MLflow: numbers and settings of the run, no user data, and refusals."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

import core.cli.app as cli
from core import __version__
from core.errors import RunError
from core.integrations.mlflow import to_mlflow
from core.runs.handle import RunHandle
from core.runs.submit import create_run
from core.types import Group, GroupEdit, GroupMove
from core.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_handle(tmp_path) -> RunHandle:
    """The finished run of a copy of the demo."""
    return RunHandle(shutil.copytree(ROOT / "assets/demo", tmp_path / "demo") / "runs/run-demo")


@pytest.fixture
def uri(tmp_path) -> str:
    """The address of an MLflow store that does not exist yet."""
    pytest.importorskip("mlflow", reason="MLflow is optional: pip install 'cure-lens[mlflow]'")
    return (tmp_path / "a store").as_uri()


def client(uri: str):
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)


def exported(run_handle: RunHandle, uri: str):
    """Export a run and read it back from MLflow."""
    run = to_mlflow(run_handle, uri)
    return client(uri).get_run(run)


def stored_runs(uri: str) -> list:
    """All runs in a store, in any state."""
    known = client(uri)
    return list(known.search_runs([one.experiment_id for one in known.search_experiments()]))


def test_export_holds_metrics_of_the_run(run_handle, uri):
    run = exported(run_handle, uri)
    steps = [event for event in run_handle.events() if event["kind"] == "step"]
    for name in ("forget_loss", "retain_loss", "left"):
        history = client(uri).get_metric_history(run.info.run_id, name)
        assert [(one.step, one.value) for one in history] == [(e["step"], e[name]) for e in steps if name in e]
    found, measured = run_handle.evaluation, run.data.metrics
    assert measured["closeness/residual"] == found.closeness.residual
    assert measured["closeness/jsd"] == found.closeness.jsd
    assert measured["original/forget_auc"] == found.original.forget_auc.value
    assert measured["unlearned/ndcg"] == found.unlearned.ndcg.value
    assert measured["references/test_auc"] == fmean(one.test_auc.value for one in found.references)


def test_export_holds_settings_tags_and_times_of_the_run(run_handle, uri):
    run = exported(run_handle, uri)
    expected = {
        "id": "run-demo",
        "request": "req-one",
        "method": "cure_merge_circuit",
        "seed": "1",
        "used_dtype": "float32",
    }
    assert expected.items() <= run.data.params.items() and "edit" not in run.data.params
    assert run.data.tags["cure_lens.run"] == "run-demo" and run.data.tags["cure_lens.version"] == __version__
    assert (run.info.end_time - run.info.start_time) / 1000 == pytest.approx(run_handle.status.seconds, abs=0.002)


def test_run_is_exported_once(run_handle, uri):
    assert to_mlflow(run_handle, uri) == to_mlflow(run_handle, uri)
    assert len(stored_runs(uri)) == 1


def test_interrupted_export_does_not_count_as_an_export(run_handle, uri, monkeypatch):
    def fail(*_, **__):
        raise OSError("the line is dead")

    with monkeypatch.context() as patch, pytest.raises(RunError, match="the line is dead"):
        patch.setattr("mlflow.MlflowClient.set_terminated", fail)
        to_mlflow(run_handle, uri)
    complete = to_mlflow(run_handle, uri)
    assert {run.info.run_id: run.info.status for run in stored_runs(uri)}[complete] == "FINISHED"
    assert len(stored_runs(uri)) == 2 and to_mlflow(run_handle, uri) == complete


def test_export_holds_no_user_and_no_title(run_handle, uri):
    workspace = Workspace(run_handle.path.parents[1])
    users, titles = workspace.request("req-one").subjects, [item.title for item in workspace.items.values()]
    private_text = f"{users[0]} likes {titles[0]}"
    edit = GroupEdit("run-demo", moves=(GroupMove("a0.h0", Group.FORGET, private_text),))
    run_handle.write_spec(replace(run_handle.spec, edit=edit))
    run_handle.add_event(
        {"kind": "step", "step": 145, "steps": 145, "seconds": 70.0, "forget_loss": 0.1, "note": private_text}
    )
    run = exported(run_handle, uri)
    assert run.data.params["edit"] == "run-demo" and not client(uri).list_artifacts(run.info.run_id)
    store = Path(uri.removeprefix("file://").replace("%20", " "))
    files = [str(path) + path.read_text() for path in store.rglob("*") if path.is_file()]
    text = "\n".join([*map(str, (run.data.params, run.data.tags, run.data.metrics)), *files])
    assert len(files) > 40 and "forget_loss" in text
    assert not [word for word in (*users, *titles, *workspace.user_split.training_users) if word in text]


def test_export_starts_no_mlflow_telemetry(run_handle, uri):
    """Runs in a process without test and CI variables, because MLflow sends no telemetry when they are set."""
    code = (
        "import sys; from pathlib import Path\n"
        "from core.runs.handle import RunHandle; from core.integrations.mlflow import to_mlflow\n"
        "to_mlflow(RunHandle(Path(sys.argv[1])), sys.argv[2])\n"
        "from mlflow.telemetry.client import get_telemetry_client; sys.exit(get_telemetry_client() is not None)"
    )
    command = [sys.executable, "-c", code, str(run_handle.path), uri]
    result = subprocess.run(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_command_writes_to_the_workspace_by_default(run_handle, uri, capsys, monkeypatch):
    root = run_handle.path.parents[1]
    monkeypatch.setattr("sys.argv", ["core", "export", "-w", str(root), "--run", "run-demo", "--json"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    printed = json.loads(capsys.readouterr().out)
    assert not end.value.code and printed["uri"] == (root / "mlflow").as_uri()
    assert [run.info.run_id for run in stored_runs(printed["uri"])] == [printed["mlflow"]]


@pytest.mark.parametrize("address", ["ftp://host", "databricks", "postgresql://host/db", "plugin://x", "http://", ""])
def test_unknown_address_is_refused_in_one_sentence(run_handle, address, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # it is not asked
    with pytest.raises(RunError, match=rf"MLflow's address '{address}' is of no kind .*: give file:FOLDER, .*FILE\.$"):
        to_mlflow(run_handle, address)


def test_refusal_of_mlflow_is_told_in_one_sentence(run_handle, tmp_path, uri):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"MLflow cannot write to 'file:.*' \(.*\): give file:FOLDER, .*\.$"):
        to_mlflow(run_handle, (tmp_path / "file/store").as_uri())


def test_unfinished_run_is_refused(run_handle, tmp_path):
    waiting = create_run(Workspace(run_handle.path.parents[1]), "req-one", device="cpu", seed=7)
    with pytest.raises(RunError, match=r"cannot be exported \(it is queued\): wait until it is done"):
        to_mlflow(waiting, (tmp_path / "store").as_uri())
    assert not (tmp_path / "store").exists()


def test_error_without_mlflow_names_the_extra(run_handle, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(RunError, match=r"pip install 'cure-lens\[mlflow\]'\.$"):
        to_mlflow(run_handle, (tmp_path / "store").as_uri())
