"""A run from its spec to its end, as a process of its own."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from core.errors import DeviceError, Fenced, RequestError, RunError
from core.pipeline.events import StepTaken
from core.runs import checkpoints
from core.runs.folder_observer import FolderObserver
from core.runs.handle import open_run, runs
from core.runs.process_identity import _start_ticks, moment, this_worker
from core.runs.submit import create_run
from core.runs.submit import start as launch
from core.runs.worker import work
from core.types import ENDED, Group, RunState, RunStatus
from core.unlearning.gradient_unlearning import UnlearningStep
from core.utils.serialization import to_json


def wait(folder, seconds=120):
    end = time.monotonic() + seconds
    while folder.status.state not in (*ENDED, RunState.LOST) and time.monotonic() < end:
        time.sleep(0.1)
    return folder.status


def start(workspace, **options):
    return create_run(workspace, workspace.requests()[0].id, device="cpu", **options)


def test_a_detached_run_ends_done_with_every_result(workspace):
    folder = start(workspace, steps=6)
    launch(folder)
    assert wait(folder).state is RunState.DONE, (folder.path / "log.txt").read_text()
    circuits, groups = folder.circuits, folder.groups
    assert circuits[0].faithfulness >= circuits[0].threshold
    assert {group.module for group in groups} == set(circuits[0].modules)
    assert (folder.path / "adapter/adapter_model.safetensors").is_file()
    assert len(folder.evaluation.references) == 2
    assert folder.report.read_text().startswith("<!")
    assert json.loads((folder.path / "report.json").read_text())
    kinds = [event["kind"] for event in folder.events()]
    assert kinds.count("step") == json.loads((folder.path / "outcome.json").read_text())["steps"]
    assert folder.status.progress == 1.0


def test_the_base_is_untouched_by_a_run(workspace):
    before = (
        (workspace.root / "base/model.safetensors").read_bytes(),
        (workspace.root / "adapter/adapter_model.safetensors").read_bytes(),
    )
    assert work(start(workspace, steps=3, method="uniform")) is RunState.DONE
    assert before == (
        (workspace.root / "base/model.safetensors").read_bytes(),
        (workspace.root / "adapter/adapter_model.safetensors").read_bytes(),
    )


def test_a_run_by_memory_keeps_what_each_module_remembers(workspace):
    folder = start(workspace, steps=3, method="cure_merge")
    assert work(folder) is RunState.DONE and folder.circuits is None
    found, outcome = folder.memory, folder.outcome
    still = {one.module for one in found if one.group is Group.OUTSIDE}
    assert {one.module for one in found} == {owner for cell in outcome.cells for owner in cell.owners}
    assert all(cell.moved == 0 for cell in outcome.cells if set(cell.owners) & still)


def test_cancel_is_heard(workspace):
    folder = start(workspace, steps=6)
    folder.request_cancel()
    assert work(folder) is RunState.CANCELLED
    assert "stopped by a person" in folder.status.message
    assert folder.evaluation is None


def test_cancel_is_heard_in_mid_run_and_destroys_the_candidate(workspace, monkeypatch):
    folder = start(workspace, steps=6)
    (folder.path / "adapter").mkdir()
    on_event = FolderObserver.on_event

    def observed(observer, event):
        on_event(observer, event)
        if isinstance(event, StepTaken) and event.step.number == 2:
            folder.request_cancel()

    monkeypatch.setattr(FolderObserver, "on_event", observed)
    assert work(folder) is folder.status.state is RunState.CANCELLED
    assert sum(event["kind"] == "step" for event in folder.events()) == 2
    assert not (folder.path / "adapter").exists()


def test_a_lost_run_that_is_cancelled_leaves_nothing_of_its_candidate(workspace):
    """Whoever worked on it was silent, is killed, and had an adapter half written."""
    folder = start(workspace)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker = replace(this_worker(), pid=sleeper.pid, start_ticks=_start_ticks(sleeper.pid))
    assert folder.store.enlist(folder.id, worker) and folder.store.claim(folder.id, worker)
    with folder.store.changing() as database:  # an hour ago
        beat = to_json(replace(moment(), steady=moment().steady - 3600, wall=moment().wall - 3600))
        database.execute("UPDATE runs SET beat = ?", (json.dumps(beat),))
    for name in ("adapter", ".adapter.part", "checkpoint/01-0000002"):
        (folder.path / name).mkdir(parents=True)
    (folder.path / ".reviewer.html.abcdefgh").write_text("a title")
    folder.request_cancel()
    assert sleeper.wait() == -signal.SIGKILL and folder.status.state is RunState.CANCELLED
    assert sorted(path.name for path in folder.path.iterdir()) == ["spec.json"]


def test_a_worker_that_was_silent_takes_away_what_it_wrote_after_the_run_was_cancelled(workspace, monkeypatch):
    folder = start(workspace, steps=6)
    on_event = FolderObserver.on_event

    def observed(observer, event):
        on_event(observer, event)
        if isinstance(event, StepTaken) and event.step.number == 2:
            with folder.store.changing():
                folder.store._move(folder.store.entry(folder.id), RunState.CANCELLED)
            (folder.path / "checkpoint").mkdir(exist_ok=True)

    monkeypatch.setattr(FolderObserver, "on_event", observed)
    with pytest.raises(Fenced):
        work(folder)
    assert folder.status.state is RunState.CANCELLED and folder.candidate == []


def test_a_run_that_was_never_queued_can_be_given_up(workspace):
    folder = start(workspace)
    with folder.store.changing() as database:
        database.execute("DELETE FROM runs")
    assert folder.status.state is RunState.LOST
    folder.request_cancel()
    assert folder.status.state is RunState.CANCELLED


def test_steps_that_are_taken_again_after_a_way_back_are_told_once(workspace, monkeypatch):
    """Four steps without a number, and the loop goes back to its last checkpoint."""
    call, keep, bad, taken = UnlearningStep.__call__, checkpoints.Checkpoints.keep, [3, 4, 5, 6], []

    def broken(self, step):
        taken.append(step + 1)
        if bad and step + 1 == bad[0]:
            bad.pop(0)
            raise FloatingPointError
        return call(self, step)

    monkeypatch.setattr(UnlearningStep, "__call__", broken)
    monkeypatch.setattr(checkpoints.Checkpoints, "keep", lambda *told: keep(*told[:-1], told[2] == 2))
    folder = start(workspace, steps=10, method="finetune")
    assert work(folder) is RunState.DONE and taken.count(4) == 2
    assert [event["step"] for event in folder.events() if event["kind"] == "step"] == list(range(1, 11))


def test_a_failure_says_why(workspace):
    folder = start(workspace)
    shutil.rmtree(workspace.root / "adapter")
    assert work(folder) is RunState.FAILED
    assert "adapter" in folder.status.message


def test_a_disk_without_room_is_said_before_anything_is_done(workspace, monkeypatch):
    folder = start(workspace)
    monkeypatch.setattr(checkpoints, "SPARE", 10**18)
    assert work(folder) is RunState.FAILED
    assert "full: free some space" in folder.status.message
    assert "stage" not in [event["kind"] for event in folder.events()]
    monkeypatch.undo()
    folder.store.resume(folder.id)
    assert work(folder) is RunState.DONE


def test_a_killed_worker_is_seen_as_lost(workspace):
    folder = start(workspace)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    worker = replace(this_worker(), pid=sleeper.pid, start_ticks=_start_ticks(sleeper.pid))
    assert folder.store.enlist(folder.id, worker) and folder.store.claim(folder.id, worker)
    assert folder.status.state is RunState.RUNNING
    sleeper.kill()
    time.sleep(0.1)  # still a zombie: nobody has waited for it
    assert folder.status.state is RunState.LOST
    sleeper.wait()
    assert folder.status.state is RunState.LOST


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "magic"}, RunError, "magic"),
        ({"device": "tpu"}, DeviceError, "tpu"),
        ({"request_id": "req-none"}, RequestError, "req-none"),
    ],
)
def test_a_run_that_cannot_start_leaves_nothing(workspace, options, error, words):
    with pytest.raises(error, match=words):
        create_run(workspace, **{"request_id": workspace.requests()[0].id, "device": "cpu", **options})
    assert runs(workspace) == ()


def test_unknown_runs_and_paths_are_refused(workspace):
    for name in ("run-none", "../adapter"):
        with pytest.raises(RunError, match="not in this workspace"):
            open_run(workspace, name)


def test_status_survives_a_round_trip(workspace):
    folder = start(workspace)
    worker = this_worker()
    folder.store.enlist(folder.id, worker)
    token = folder.store.claim(folder.id, worker)
    folder.store.tell(folder.id, token, RunStatus(stage="circuit", eta=3.5))
    assert to_json(folder.status)["eta"] == 3.5
