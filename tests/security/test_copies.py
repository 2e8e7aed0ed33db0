"""A copy of a workspace, or a link, names the workers of the original; whatever is done there leaves them alone."""

import shutil
import subprocess
import sys

import pytest

from core.runs import store
from core.runs.handle import open_run
from core.runs.lease import _end_lost_workers
from core.runs.process_identity import current_moment, is_alive, kill, worker_of
from core.runs.submit import create_run, resume
from core.workspace import Workspace


@pytest.fixture
def silent_worker(workspace):
    """A run whose worker is alive, as its command line tells, and was silent for two minutes."""
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu")
    command = [sys.executable, "-c", "import time; time.sleep(600)", "core", "worker", str(run.path.resolve())]
    process = subprocess.Popen(command)
    worker = worker_of(process.pid)
    run.store.claim(run.id, worker)
    with pytest.MonkeyPatch.context() as patch:
        moment = current_moment()
        late = type(moment)(moment.boot, moment.steady + 120, moment.wall + 120)
        patch.setattr(store, "current_moment", lambda: late)
        yield run, worker
    process.kill()
    process.wait()


@pytest.mark.parametrize("act", ["cancel", "resume"])
def test_worker_of_the_original_lives_on(silent_worker, tmp_path, act, monkeypatch):
    run, worker = silent_worker
    copied = Workspace(shutil.copytree(run.workspace.root, tmp_path / "copy"))
    monkeypatch.setattr("core.runs.submit.start", lambda run: None)
    monkeypatch.setattr("core.runs.submit.current_moment", store.current_moment, raising=False)
    other = open_run(copied, run.id)
    other.request_cancel() if act == "cancel" else resume(other)
    assert is_alive(worker)
    run.request_cancel()
    assert not is_alive(worker)


def test_worker_of_a_linked_run_lives_on(silent_worker, tmp_path, monkeypatch):
    run, worker = silent_worker
    copied = Workspace(shutil.copytree(run.workspace.root, tmp_path / "copy"))
    own = create_run(copied, copied.requests()[0].id, "uniform", "cpu", seed=1)
    shutil.rmtree(copied.layout.run(run.id).path)
    copied.layout.run(run.id).path.symlink_to(run.path)
    monkeypatch.setattr("core.runs.lease.current_moment", store.current_moment)
    _end_lost_workers(own)
    assert is_alive(worker)
    _end_lost_workers(run)
    assert not is_alive(worker)


@pytest.mark.parametrize("words", [(), ("worker",), ("-m", "core", "report", "-w")])
def test_a_process_that_only_names_the_run_lives_on(tmp_path, words):
    """An editor or a backup: whoever can write the store can name it as the run's worker."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", *words, str(tmp_path)])
    kill(worker := worker_of(other.pid), tmp_path)
    assert is_alive(worker)
    other.kill()
    other.wait()


@pytest.mark.parametrize(
    "words",
    [
        ("-m", "core", "worker"),
        ("-m", "core.runs.dispatcher"),
        ("-m", "core", "reference", "--workspace"),
        ("/bin/cure-lens", "reference", "-r", "req-1", "-w"),
    ],
)
def test_a_process_that_was_started_with_the_folder_is_killed(tmp_path, words):
    own = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", *words, str(tmp_path)])
    kill(worker_of(own.pid), tmp_path)
    assert own.wait() == -9
