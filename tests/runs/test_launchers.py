"""Launchers: runs through Slurm, Ray and torchrun, their cancellation, and errors of a launcher."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.torch import load_file

from core.cli.diagnostics import examine
from core.errors import RunError
from core.runs import launchers
from core.runs.device_locks import free
from core.runs.handle import RunHandle, open_run
from core.runs.launchers import LAUNCHERS, Launcher
from core.runs.process_identity import this_worker
from core.runs.submit import create_run, is_orphaned, resume, start
from core.runs.worker import work
from core.runs.worker_command import command
from core.types import ENDED, RunState, RunStatus
from core.utils.serialization import write_json
from core.workspace import Workspace
from tests.runs.killed_worker import start_and_die

ROOT = Path(__file__).parents[2]
PORT, DASHBOARD = 6398, 8298
CLUSTERS = {"slurm": {"cluster": "local", "timeout_min": 10}, "ray": {"address": f"http://127.0.0.1:{DASHBOARD}"}}


@pytest.fixture(scope="module")
def ray():
    """A Ray cluster on this machine."""
    pytest.importorskip("ray.job_submission", reason="ray[default] is not installed")
    tool = Path(sys.executable).with_name("ray")
    options = ("--head", "--port", PORT, "--dashboard-port", DASHBOARD, "--num-cpus", 2, "--disable-usage-stats")
    subprocess.run([tool, "start", *map(str, options)], check=True, capture_output=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            launchers.free_resources_ray(CLUSTERS["ray"])
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
def cluster_workspace(workspace, tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    write_json(workspace.root / "workspace.json", replace(workspace.settings, clusters=CLUSTERS))
    return Workspace(workspace.root)


def new_run(workspace: Workspace, launcher: str, steps: int) -> RunHandle:
    return create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", steps=steps, launcher=launcher)


def wait_for_end(run: RunHandle, seconds: float = 180) -> RunState:
    deadline = time.monotonic() + seconds
    while run.status.state not in (*ENDED, RunState.LOST) and time.monotonic() < deadline:
        time.sleep(0.2)
    return run.status.state


@pytest.mark.slow
def test_cluster_run_is_cancelled(cluster_workspace, launcher):
    run = new_run(cluster_workspace, launcher, 100_000)
    start(run)
    deadline = time.monotonic() + 120
    while not run.events() and time.monotonic() < deadline:
        time.sleep(0.2)
    run.request_cancel()
    assert wait_for_end(run) is RunState.CANCELLED and not (run.path / "adapter").exists()


@pytest.mark.slow
def test_cluster_run_ends_after_kill_of_its_submitter(cluster_workspace, launcher):
    run = new_run(cluster_workspace, launcher, 4)
    submitter = start_and_die(run)
    assert submitter.returncode == -signal.SIGKILL, submitter.stderr
    assert wait_for_end(run) is RunState.DONE, run.status
    assert run.evaluation and run.outcome.steps == 4


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cure", "retrain"])
def test_two_processes_give_the_adapter_of_one_process(workspace, tmp_path, method):
    """With torchrun and gloo, each of two processes takes half of every batch."""
    adapters = []
    for processes in (1, 2):
        root = shutil.copytree(workspace.root, tmp_path / f"by-{processes}")
        clusters = {"local": {"processes": processes}}
        write_json(root / "workspace.json", replace(workspace.settings, epochs=2, clusters=clusters))
        run = create_run(Workspace(root), workspace.requests()[0].id, method, "cpu", steps=20)
        start(run)
        assert wait_for_end(run) is RunState.DONE, (run.status, (run.path / "log.txt").read_text())
        steps = [event["step"] for event in run.events() if event["kind"] == "step"]
        assert steps == list(range(1, len(steps) + 1))
        adapters.append(load_file(run.path / "adapter/adapter_model.safetensors"))
    one, two = adapters
    before = load_file(workspace.root / "adapter/adapter_model.safetensors")
    assert max((one[name] - before[name]).abs().max() for name in one) > 1e-3
    assert max((one[name] - two[name]).abs().max() for name in one) < 1e-5


@pytest.mark.slow
def test_run_of_two_processes_is_cancelled(workspace):
    write_json(workspace.root / "workspace.json", replace(workspace.settings, clusters={"local": {"processes": 2}}))
    run = create_run(Workspace(workspace.root), workspace.requests()[0].id, "uniform", "cpu", steps=100_000)
    start(run)
    deadline = time.monotonic() + 120
    while not any(event["kind"] == "step" for event in run.events()) and time.monotonic() < deadline:
        time.sleep(0.2)
    run.request_cancel()
    assert wait_for_end(run) is RunState.CANCELLED
    while free(("cpu",)) != ("cpu",) and time.monotonic() < deadline:  # wait until all processes have ended
        time.sleep(0.2)
    assert free(("cpu",)) == ("cpu",)


@pytest.mark.slow
def test_run_with_failed_job_is_orphaned_and_resumed(cluster_workspace, launcher, monkeypatch):
    """Causes are a wrong path on the node, or a job that was cancelled in the cluster's own queue."""
    run = new_run(cluster_workspace, launcher, 4)
    with monkeypatch.context() as patch:
        patch.setattr(launchers, "command", lambda *_: [shutil.which("false")])
        start(run)
    deadline = time.monotonic() + 60
    while not is_orphaned(run) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert run.status.state is RunState.QUEUED and is_orphaned(run)
    (finding,) = [one for one in examine(cluster_workspace.root) if one.name == f"run {run.id}"]
    assert not finding.ok and "job ended before the worker started" in finding.detail and "resume" in finding.fix
    resume(run)
    assert wait_for_end(run) is RunState.DONE and not is_orphaned(run)


def test_run_cancelled_before_its_job_does_no_work(cluster_workspace):
    run = new_run(cluster_workspace, "slurm", 4)
    run.request_cancel()
    assert run.status.state is RunState.CANCELLED
    assert work(run) is RunState.CANCELLED and not run.events()


@pytest.mark.parametrize("processes", [1, 2])
def test_worker_runs_no_package_of_the_current_folder(workspace, tmp_path, processes):
    for name in ("core", "torch"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"open({str(tmp_path / 'seen')!r}, 'w').close()\nraise SystemExit(1)\n"
        )
    run = new_run(workspace, "local", 4)
    run.request_cancel()
    done = subprocess.run(command(run, {"processes": processes}), cwd=tmp_path, capture_output=True, text=True)
    assert "cancelled" in done.stderr and not (tmp_path / "seen").exists()


def test_unknown_launcher_or_missing_library_is_reported(cluster_workspace, monkeypatch):
    with pytest.raises(RunError, match="'cloud' is unknown: choose one of local, slurm, ray"):
        new_run(cluster_workspace, "cloud", 4)
    monkeypatch.setitem(sys.modules, "submitit", None)
    run = new_run(cluster_workspace, "slurm", 4)
    with pytest.raises(RunError, match="not installed"):
        start(run)
    assert run.status.state is RunState.FAILED and "not installed" in run.status.message


def test_jobs_of_slurm_wait_outside_of_the_workspace(cluster_workspace, tmp_path, monkeypatch):
    asked = {}
    executor = SimpleNamespace(update_parameters=asked.update, submit=lambda job: SimpleNamespace(job_id=7))
    made = SimpleNamespace(
        AutoExecutor=lambda **given: asked.update(given) or executor,
        helpers=SimpleNamespace(CommandFunction=lambda words, verbose: asked.update(words=words)),
    )
    monkeypatch.setitem(sys.modules, "submitit", made)
    run = new_run(cluster_workspace, "slurm", 4)
    assert launchers.start_slurm(run, {"slurm_partition": "gpu", "timeout_min": 9, "cards": 2}) == "7"
    assert (
        asked["slurm_partition"] == "gpu" and asked["slurm_python"] == f"{sys.executable} -P" and "cards" not in asked
    )
    assert asked["folder"].is_relative_to(tmp_path / "state/cure-lens/slurm")
    assert asked["folder"].stat().st_mode & 0o077 == 0
    run.request_cancel()
    assert (
        subprocess.run(asked["words"], capture_output=True).stderr == b"" and "cancelled" in run.layout.log.read_text()
    )


def test_job_files_of_ended_runs_are_removed_and_no_others(cluster_workspace, tmp_path, monkeypatch):
    """Of two workspaces that both have jobs, one of them a copy with runs of the same ids."""

    def executor(folder: Path, **_: object) -> SimpleNamespace:
        def submit(job: object) -> SimpleNamespace:
            (folder / f"{len(jobs)}_submitted.pkl").write_text("job")
            jobs.append(folder)
            return SimpleNamespace(job_id=len(jobs))

        return SimpleNamespace(update_parameters=lambda **_: None, submit=submit)

    jobs = list[Path]()
    helpers = SimpleNamespace(CommandFunction=lambda words, verbose: words)
    monkeypatch.setitem(sys.modules, "submitit", SimpleNamespace(AutoExecutor=executor, helpers=helpers))
    done, cancelled, failed, waiting, running = (new_run(cluster_workspace, "slurm", steps) for steps in range(1, 6))
    for run in (done, cancelled, failed, waiting, running):
        start(run)
    copied = Workspace(shutil.copytree(cluster_workspace.root, tmp_path / "copy"))
    start(open_run(copied, done.id))
    assert len(jobs) == 6 and len({folder for folder in jobs if any(folder.iterdir())}) == 6
    for run, state in ((done, RunState.DONE), (failed, RunState.FAILED)):
        run.store.end(run.id, run.store.claim(run.id, this_worker()), RunStatus(state))
    cancelled.request_cancel()
    running.store.claim(running.id, this_worker())
    start(new_run(cluster_workspace, "slurm", 9))
    assert [folder.exists() for folder in jobs] == [False, False, False, True, True, True, True]
    assert all(any(folder.iterdir()) for folder in jobs[3:])
    resume(failed)
    assert jobs[7] == jobs[2] and any(jobs[7].iterdir())


def test_id_in_the_queue_leads_to_no_folder_elsewhere(cluster_workspace, tmp_path):
    """Somebody writes an id into the database that leads from an ended run's folder of jobs to another one."""
    run, other = (new_run(cluster_workspace, "slurm", steps) for steps in (1, 2))
    launchers.slurm_folder(other)
    victim = tmp_path / "victim"
    victim.mkdir()
    run.request_cancel()
    with sqlite3.connect(cluster_workspace.layout.store) as database:
        leading = f"{other.id}/../../../../victim"
        database.execute("UPDATE runs SET id = ? WHERE id = ?", (leading, run.id))
    launchers.slurm_folder(other)
    assert victim.is_dir()


def test_run_refused_by_its_cluster_fails(cluster_workspace, monkeypatch):
    def refuse(run, options):
        raise ConnectionError("nobody answers\nat the address.")

    monkeypatch.setitem(LAUNCHERS, "ray", Launcher(refuse, str, lambda job, options: False))
    run = new_run(cluster_workspace, "ray", 4)
    with pytest.raises(RunError, match=r"'ray' did not take the run \(nobody answers at the address\)"):
        start(run)
    assert run.status.state is RunState.FAILED and "clusters" in run.status.message


def test_local_and_slurm_launcher_report_free_resources():
    assert "GB of memory free" in LAUNCHERS["local"].free_resources({})
    if not shutil.which("sinfo"):
        assert "sinfo" in LAUNCHERS["slurm"].free_resources({})


def test_ray_launcher_reports_used_cpus(ray):
    deadline = time.monotonic() + 60  # a new cluster reports nothing for some seconds
    while not (found := LAUNCHERS["ray"].free_resources(CLUSTERS["ray"])) and time.monotonic() < deadline:
        time.sleep(1)
    assert "of 2 CPU in use" in found


def test_store_on_shared_disk_uses_no_write_ahead_log(cluster_workspace):
    run = new_run(cluster_workspace, "slurm", 4)
    with run.store.opened() as database:
        assert database.execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    path = run.store.path
    del run.store  # with no open connection, the next one could change the journal mode
    assert next(one for one in examine(cluster_workspace.root) if one.name == "store").ok
    assert sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone()[0] == "delete"
    assert run.store.path.is_file() and not list(run.path.parent.glob("*-wal"))
