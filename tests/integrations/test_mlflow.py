"""An export to MLflow holds the run's numbers, once, and nothing of people; a run not done is refused."""

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
from core.types import Group, GroupEdit, Move
from core.workspace import Workspace

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path) -> RunHandle:
    """The demo world's finished run, in a copy."""
    return RunHandle(shutil.copytree(ROOT / "assets/demo", tmp_path / "demo") / "runs/run-demo")


@pytest.fixture
def uri(tmp_path) -> str:
    """A store of MLflow's that is not there yet."""
    pytest.importorskip("mlflow", reason="MLflow is optional: pip install 'cure-lens[mlflow]'")
    return (tmp_path / "a store").as_uri()


def client(uri: str):
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)


def exported(folder: RunHandle, uri: str):
    """The run as MLflow gives it back."""
    run = to_mlflow(folder, uri)
    return client(uri).get_run(run)


def logged(uri: str) -> list:
    """All runs in a store, whatever became of them."""
    known = client(uri)
    return list(known.search_runs([one.experiment_id for one in known.search_experiments()]))


def test_the_numbers_are_those_of_the_run(folder, uri):
    run = exported(folder, uri)
    steps = [event for event in folder.events() if event["kind"] == "step"]
    for name in ("forget_loss", "retain_loss", "gap"):
        history = client(uri).get_metric_history(run.info.run_id, name)
        assert [(one.step, one.value) for one in history] == [(e["step"], e[name]) for e in steps if name in e]
    found, measured = folder.evaluation, run.data.metrics
    assert measured["closeness/residual"] == found.closeness.residual
    assert measured["closeness/jsd"] == found.closeness.jsd
    assert measured["original/forget_auc"] == found.original.forget_auc.value
    assert measured["unlearned/ndcg"] == found.unlearned.ndcg.value
    assert measured["references/test_auc"] == fmean(one.test_auc.value for one in found.references)


def test_settings_tags_and_times_are_those_of_the_run(folder, uri):
    run = exported(folder, uri)
    asked = {"id": "run-demo", "request": "req-demo", "method": "cure", "seed": "1", "used_dtype": "float32"}
    assert asked.items() <= run.data.params.items() and "edit" not in run.data.params
    assert run.data.tags["cure_lens.run"] == "run-demo" and run.data.tags["cure_lens.version"] == __version__
    assert (run.info.end_time - run.info.start_time) / 1000 == pytest.approx(folder.status.seconds, abs=0.002)


def test_a_run_is_exported_once(folder, uri):
    assert to_mlflow(folder, uri) == to_mlflow(folder, uri)
    assert len(logged(uri)) == 1


def test_a_broken_off_export_is_not_taken_for_one(folder, uri, monkeypatch):
    def unplugged(*_, **__):
        raise OSError("the line is dead")

    with monkeypatch.context() as patch, pytest.raises(RunError, match="the line is dead"):
        patch.setattr("mlflow.MlflowClient.set_terminated", unplugged)
        to_mlflow(folder, uri)
    whole = to_mlflow(folder, uri)
    assert {run.info.run_id: run.info.status for run in logged(uri)}[whole] == "FINISHED"
    assert len(logged(uri)) == 2 and to_mlflow(folder, uri) == whole


def test_nobody_and_no_title_is_in_anything_logged(folder, uri):
    workspace = Workspace(folder.path.parents[1])
    users, titles = workspace.request("req-demo").subjects, [item.title for item in workspace.items.values()]
    told = f"{users[0]} likes {titles[0]}"
    edit = GroupEdit("run-demo", moves=(Move("a0.h0", Group.FORGET, told),))
    folder.write_spec(replace(folder.spec, edit=edit))
    folder.add_event({"kind": "step", "step": 145, "steps": 145, "seconds": 70.0, "forget_loss": 0.1, "note": told})
    run = exported(folder, uri)
    assert run.data.params["edit"] == "run-demo" and not client(uri).list_artifacts(run.info.run_id)
    store = Path(uri.removeprefix("file://").replace("%20", " "))
    files = [str(path) + path.read_text() for path in store.rglob("*") if path.is_file()]
    text = "\n".join([*map(str, (run.data.params, run.data.tags, run.data.metrics)), *files])
    assert len(files) > 40 and "forget_loss" in text
    assert not [word for word in (*users, *titles, *workspace.user_split.members) if word in text]


def test_nothing_is_sent_home(folder, uri):
    """In a process that MLflow does not take for a test or a CI, where it is silent anyway."""
    code = (
        "import sys; from pathlib import Path\n"
        "from core.runs.handle import RunHandle; from core.integrations.mlflow import to_mlflow\n"
        "to_mlflow(RunHandle(Path(sys.argv[1])), sys.argv[2])\n"
        "from mlflow.telemetry.client import get_telemetry_client; sys.exit(get_telemetry_client() is not None)"
    )
    command = [sys.executable, "-c", code, str(folder.path), uri]
    ended = subprocess.run(command, cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_the_command_logs_beside_the_runs_unless_told_where(folder, uri, capsys, monkeypatch):
    root = folder.path.parents[1]
    monkeypatch.setattr("sys.argv", ["core", "export", "-w", str(root), "--run", "run-demo", "--json"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    said = json.loads(capsys.readouterr().out)
    assert not end.value.code and said["uri"] == (root / "mlflow").as_uri()
    assert [run.info.run_id for run in logged(said["uri"])] == [said["mlflow"]]


def test_an_address_that_mlflow_does_not_know_is_refused_in_a_sentence(folder, uri):
    with pytest.raises(RunError, match=r"MLflow cannot write to 'ftp://host' \(.*\): give file:FOLDER .*\.$"):
        to_mlflow(folder, "ftp://host")


def test_a_run_that_is_not_done_is_refused(folder, tmp_path):
    waiting = create_run(Workspace(folder.path.parents[1]), "req-demo", device="cpu", seed=7)
    with pytest.raises(RunError, match=r"cannot be exported \(it is queued\): wait until it is done"):
        to_mlflow(waiting, (tmp_path / "store").as_uri())
    assert not (tmp_path / "store").exists()


def test_without_mlflow_the_sentence_names_the_extra(folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(RunError, match=r"pip install 'cure-lens\[mlflow\]'\.$"):
        to_mlflow(folder, (tmp_path / "store").as_uri())
