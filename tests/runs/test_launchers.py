"""Launchers: the same worker through each of them; cancelled there, and alive when whoever asked is gone."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from core.cli.diagnostics import _store, examine
from core.errors import RunError
from core.runs import launchers
from core.runs.device_locks import free
from core.runs.handle import RunHandle
from core.runs.launchers import LAUNCHERS, Launcher
from core.runs.submit import create_run, is_orphaned, resume, start
from core.runs.worker import work
from core.types import ENDED, RunState
from core.utils.serialization import write_json
from core.workspace import Workspace
from tests.runs.killed_worker import start_and_die

ROOT = Path(__file__).parents[2]
PORT, DASHBOARD = 6398, 8298
CLUSTERS = {"slurm": {"cluster": "local", "timeout_min": 10}, "ray": {"address": f"http://127.0.0.1:{DASHBOARD}"}}


@pytest.fixture(scope="module")
def ray():
    """A Ray cluster of this machine alone."""
    pytest.importorskip("ray.job_submission", reason="ray[default] is not installed")
    tool = Path(sys.executable).with_name("ray")
    options = ("--head", "--port", PORT, "--dashboard-port", DASHBOARD, "--num-cpus", 2, "--disable-usage-stats")
    subprocess.run([tool, "start", *map(str, options)], check=True, capture_output=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            launchers.spare_ray(CLUSTERS["ray"])
            break
        except OSError:
            time.sleep(0.5)
    yield
    subprocess.run([tool, "stop", "--force"], capture_output=True)


@pytest.fixture(params=["slurm", "ray"])
def launcher(request) -> str:
    if request.param == "slurm":
        pytest.importorskip("submitit", reason="submitit is not installed")
    else:
        request.getfixturevalue("ray")
    return request.param


@pytest.fixture
def place(workspace) -> Workspace:
    write_json(workspace.root / "workspace.json", replace(workspace.settings, clusters=CLUSTERS))
    return Workspace(workspace.root)


def made(place: Workspace, launcher: str, steps: int) -> RunHandle:
    return create_run(place, place.requests()[0].id, "uniform", "cpu", steps=steps, launcher=launcher)


def ended(folder: RunHandle, seconds: float = 180) -> RunState:
    deadline = time.monotonic() + seconds
    while folder.status.state not in (*ENDED, RunState.LOST) and time.monotonic() < deadline:
        time.sleep(0.2)
    return folder.status.state


@pytest.mark.slow
def test_a_run_is_cancelled(place, launcher):
    folder = made(place, launcher, 100_000)
    start(folder)
    deadline = time.monotonic() + 120
    while not folder.events() and time.monotonic() < deadline:
        time.sleep(0.2)
    folder.request_cancel()
    assert ended(folder) is RunState.CANCELLED and not (folder.path / "adapter").exists()


@pytest.mark.slow
def test_a_run_is_taken_and_finished_though_whoever_submitted_it_is_gone(place, launcher):
    folder = made(place, launcher, 4)
    gone = start_and_die(folder)
    assert gone.returncode == -signal.SIGKILL, gone.stderr
    assert ended(folder) is RunState.DONE, folder.status
    assert folder.evaluation and folder.outcome.steps == 4


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cure", "cure_merge", "retrain"])
def test_two_processes_make_the_adapter_of_one_with_the_whole_batch(workspace, tmp_path, method):
    """torchrun and gloo: each process takes half of every batch, so one process has the doubled batch of each."""
    adapters = []
    for processes in (1, 2):
        root = shutil.copytree(workspace.root, tmp_path / f"by-{processes}")
        clusters = {"local": {"processes": processes}}
        write_json(root / "workspace.json", replace(workspace.settings, epochs=2, clusters=clusters))
        folder = create_run(Workspace(root), workspace.requests()[0].id, method, "cpu", steps=20)
        start(folder)
        assert ended(folder) is RunState.DONE, (folder.status, (folder.path / "log.txt").read_text())
        steps = [event["step"] for event in folder.events() if event["kind"] == "step"]
        assert steps == list(range(1, len(steps) + 1))
        adapters.append(load_file(folder.path / "adapter/adapter_model.safetensors"))
    one, two = adapters
    before = load_file(workspace.root / "adapter/adapter_model.safetensors")
    assert max((one[name] - before[name]).abs().max() for name in one) > 1e-3
    assert max((one[name] - two[name]).abs().max() for name in one) < 1e-5


@pytest.mark.slow
def test_a_run_of_two_processes_is_cancelled_as_one_is(workspace):
    write_json(workspace.root / "workspace.json", replace(workspace.settings, clusters={"local": {"processes": 2}}))
    folder = create_run(Workspace(workspace.root), workspace.requests()[0].id, "uniform", "cpu", steps=100_000)
    start(folder)
    deadline = time.monotonic() + 120
    while not any(event["kind"] == "step" for event in folder.events()) and time.monotonic() < deadline:
        time.sleep(0.2)
    folder.request_cancel()
    assert ended(folder) is RunState.CANCELLED
    while free(("cpu",)) != ("cpu",) and time.monotonic() < deadline:  # all of them are gone
        time.sleep(0.2)
    assert free(("cpu",)) == ("cpu",)


@pytest.mark.slow
def test_a_run_whose_job_never_began_is_found_and_resumed(place, launcher, monkeypatch):
    """A wrong path on the node, or somebody who stopped it in the cluster's own queue."""
    folder = made(place, launcher, 4)
    with monkeypatch.context() as patch:
        patch.setattr(launchers, "command", lambda *_: [shutil.which("false")])
        start(folder)
    deadline = time.monotonic() + 60
    while not is_orphaned(folder) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert folder.status.state is RunState.QUEUED and is_orphaned(folder)
    (told,) = [one for one in examine(place) if one.name == f"run {folder.id}"]
    assert not told.ok and "job ended before the worker started" in told.said and "resume" in told.mend
    resume(folder)
    assert ended(folder) is RunState.DONE and not is_orphaned(folder)


def test_one_cancelled_before_its_job_starts_is_not_worked_on(place):
    folder = made(place, "slurm", 4)
    folder.request_cancel()
    assert folder.status.state is RunState.CANCELLED
    assert work(folder) is RunState.CANCELLED and not folder.events()


def test_an_unknown_launcher_and_a_missing_library_are_one_sentence(place, monkeypatch):
    with pytest.raises(RunError, match="'cloud' is unknown: choose one of local, slurm, ray"):
        made(place, "cloud", 4)
    monkeypatch.setitem(sys.modules, "submitit", None)
    folder = made(place, "slurm", 4)
    with pytest.raises(RunError, match="not installed"):
        start(folder)
    assert folder.status.state is RunState.FAILED and "not installed" in folder.status.message


def test_a_cluster_that_does_not_take_the_run_is_said_and_ends_it(place, monkeypatch):
    def refuse(folder, options):
        raise ConnectionError("nobody answers\nat the address.")

    monkeypatch.setitem(LAUNCHERS, "ray", Launcher(refuse, str, lambda job, options: False))
    folder = made(place, "ray", 4)
    with pytest.raises(RunError, match=r"'ray' did not take the run \(nobody answers at the address\)"):
        start(folder)
    assert folder.status.state is RunState.FAILED and "clusters" in folder.status.message


def test_what_is_free_is_said_for_each():
    assert "GB of memory free" in LAUNCHERS["local"].spare({})
    if not shutil.which("sinfo"):
        assert "sinfo" in LAUNCHERS["slurm"].spare({})


def test_ray_says_what_is_in_use(ray):
    assert "of 2 CPU in use" in LAUNCHERS["ray"].spare(CLUSTERS["ray"])


def test_a_store_that_machines_share_keeps_no_write_ahead_log(place):
    folder = made(place, "slurm", 4)
    with folder.store.opened() as database:
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    path = folder.store.path
    del folder.store  # nobody has it open, so whoever opens it next could change that
    assert _store(place).ok
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert folder.store.path.is_file() and not list(folder.path.parent.glob("*-wal"))
