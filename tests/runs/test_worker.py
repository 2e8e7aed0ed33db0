"""Worker: a run from its spec to its end, with cancellation, loss, failure and resume."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from core.cli.runs import _run_at
from core.errors import DeviceError, LeaseLostError, RequestError, RunError
from core.models import interruption
from core.pipeline.events import StepTaken
from core.runs import checkpoints, folder_observer
from core.runs.folder_observer import FolderObserver
from core.runs.handle import open_run, runs
from core.runs.process_identity import _start_ticks, current_moment, this_worker
from core.runs.submit import create_run
from core.runs.submit import start as launch
from core.runs.worker import work
from core.types import ENDED, Group, RunState, RunStatus
from core.unlearning.early_stopping import Stopper
from core.unlearning.gradient_unlearning import UnlearningStep
from core.utils.serialization import to_json


def wait_for_end(run, seconds=120):
    end = time.monotonic() + seconds
    while run.status.state not in (*ENDED, RunState.LOST) and time.monotonic() < end:
        time.sleep(0.1)
    return run.status


def new_run(workspace, **options):
    return create_run(workspace, workspace.requests()[0].id, **{"method": "cure", "device": "cpu", **options})


def test_detached_run_ends_with_all_results(workspace):
    run = new_run(workspace, steps=6)
    launch(run)
    assert wait_for_end(run).state is RunState.DONE, (run.path / "log.txt").read_text()
    circuits, groups = run.circuits, run.groups
    assert circuits[0].faithfulness >= circuits[0].threshold
    assert {group.module for group in groups} == set(circuits[0].modules)
    assert (run.path / "adapter/adapter_model.safetensors").is_file()
    assert len(run.evaluation.references) == 2
    assert run.report.read_text().startswith("<!")
    assert json.loads((run.path / "report.json").read_text())
    kinds = [event["kind"] for event in run.events()]
    assert kinds.count("step") == json.loads((run.path / "outcome.json").read_text())["steps"]
    assert run.status.progress == 1.0


def test_run_does_not_change_base_and_original_adapter(workspace):
    before = (
        (workspace.root / "base/model.safetensors").read_bytes(),
        (workspace.root / "adapter/adapter_model.safetensors").read_bytes(),
    )
    assert work(new_run(workspace, steps=3, method="uniform")) is RunState.DONE
    assert before == (
        (workspace.root / "base/model.safetensors").read_bytes(),
        (workspace.root / "adapter/adapter_model.safetensors").read_bytes(),
    )


def test_run_by_memory_contrast_stores_contrast_of_each_module(workspace):
    run = new_run(workspace, steps=3, method="cure_merge")
    assert work(run) is RunState.DONE and run.circuits is None
    found, outcome = run.memory, run.outcome
    unchanged = {one.module for one in found if one.group is Group.OUTSIDE}
    assert {one.module for one in found} == {owner for cell in outcome.cells for owner in cell.owners}
    assert all(cell.relative_change == 0 for cell in outcome.cells if set(cell.owners) & unchanged)


def test_log_tells_how_far_a_stage_is(workspace, monkeypatch, caplog):
    monkeypatch.setattr(folder_observer, "LOG_EVERY", -1.0)
    monkeypatch.setattr(interruption, "PERIOD", 0.0)
    with caplog.at_level("INFO", logger="core"):
        assert work(new_run(workspace, steps=4, method="uniform")) is RunState.DONE
    assert [f"stage unlearning: {percent}%" in caplog.messages for percent in (0, 25, 50, 75, 100)] == [True] * 5
    assert caplog.messages.count("stage unlearning: 0%") > 1  # also while it measures the goal, before the first step


def test_cancelled_run_does_no_work(workspace):
    run = new_run(workspace, steps=6)
    run.request_cancel()
    assert work(run) is RunState.CANCELLED
    assert "stopped by a person" in run.status.message
    assert run.evaluation is None


def test_run_cancelled_in_progress_removes_its_unlearned_adapter(workspace, monkeypatch):
    run = new_run(workspace, steps=6)
    (run.path / "adapter").mkdir()
    on_event = FolderObserver.on_event

    def observe(observer, event):
        on_event(observer, event)
        if isinstance(event, StepTaken) and event.step.number == 2:
            run.request_cancel()

    monkeypatch.setattr(FolderObserver, "on_event", observe)
    assert work(run) is run.status.state is RunState.CANCELLED
    assert sum(event["kind"] == "step" for event in run.events()) == 2
    assert not (run.path / "adapter").exists()


def test_cancelled_lost_run_leaves_no_unlearned_adapter(workspace):
    """The silent worker is killed, and its partly written adapter is removed."""
    run = new_run(workspace)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "core", "worker", str(run.path)])
    worker = replace(this_worker(), pid=sleeper.pid, start_ticks=_start_ticks(sleeper.pid))
    assert run.store.register_worker(run.id, worker) and run.store.claim(run.id, worker)
    with run.store.changing() as database:  # the last heartbeat is an hour old
        beat = to_json(
            replace(current_moment(), steady=current_moment().steady - 3600, wall=current_moment().wall - 3600)
        )
        database.execute("UPDATE runs SET beat = ?", (json.dumps(beat),))
    for name in ("adapter", ".adapter.part", "checkpoint/01-0000002"):
        (run.path / name).mkdir(parents=True)
    (run.path / ".reviewer.html.abcdefgh").write_text("a title")
    run.request_cancel()
    assert sleeper.wait() == -signal.SIGKILL and run.status.state is RunState.CANCELLED
    assert sorted(path.name for path in run.path.iterdir()) == ["spec.json"]


def test_fenced_worker_removes_files_it_wrote_after_cancellation(workspace, monkeypatch):
    run = new_run(workspace, steps=6)
    on_event = FolderObserver.on_event

    def observe(observer, event):
        on_event(observer, event)
        if isinstance(event, StepTaken) and event.step.number == 2:
            with run.store.changing():
                run.store._move(run.store.find(run.id), RunState.CANCELLED)
            (run.path / "checkpoint").mkdir(exist_ok=True)

    monkeypatch.setattr(FolderObserver, "on_event", observe)
    with pytest.raises(LeaseLostError):
        work(run)
    assert run.status.state is RunState.CANCELLED and run.unlearned_adapter_paths == []


def test_run_missing_from_the_store_can_be_cancelled(workspace):
    run = new_run(workspace)
    with run.store.changing() as database:
        database.execute("DELETE FROM runs")
    assert run.status.state is RunState.LOST
    run.request_cancel()
    assert run.status.state is RunState.CANCELLED


def test_repeated_steps_after_rollback_are_reported_once(workspace, monkeypatch):
    """After four NaN steps, the loop returns to its last checkpoint."""
    call, keep, nan_steps, taken = UnlearningStep.__call__, checkpoints.Checkpoints.save_if_due, [3, 4, 5, 6], []

    def step_with_nan(self, step):
        taken.append(step + 1)
        if nan_steps and step + 1 == nan_steps[0]:
            nan_steps.pop(0)
            raise FloatingPointError
        return call(self, step)

    monkeypatch.setattr(UnlearningStep, "__call__", step_with_nan)
    monkeypatch.setattr(
        checkpoints.Checkpoints, "save_if_due", lambda *arguments: keep(*arguments[:-1], arguments[2] == 2)
    )
    monkeypatch.setattr(Stopper, "reason", property(lambda self: "", lambda self, value: None), raising=False)
    run = new_run(workspace, steps=10, method="finetune")
    assert work(run) is RunState.DONE and taken.count(4) == 2
    assert [event["step"] for event in run.events() if event["kind"] == "step"] == list(range(1, 11))


def test_failed_run_has_an_error_message(workspace):
    run = new_run(workspace)
    shutil.rmtree(workspace.root / "adapter")
    assert work(run) is RunState.FAILED
    assert "adapter" in run.status.message


def test_run_on_full_disk_fails_before_its_first_stage(workspace, monkeypatch):
    run = new_run(workspace)
    monkeypatch.setattr(checkpoints, "SPARE", 10**18)
    assert work(run) is RunState.FAILED
    assert "full: free some space" in run.status.message
    assert "stage" not in [event["kind"] for event in run.events()]
    monkeypatch.undo()
    run.store.resume(run.id)
    assert work(run) is RunState.DONE


def test_run_of_killed_worker_is_lost(workspace):
    run = new_run(workspace)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", str(run.path)])
    worker = replace(this_worker(), pid=sleeper.pid, start_ticks=_start_ticks(sleeper.pid))
    assert run.store.register_worker(run.id, worker) and run.store.claim(run.id, worker)
    assert run.status.state is RunState.RUNNING
    sleeper.kill()
    time.sleep(0.1)  # the process is still a zombie
    assert run.status.state is RunState.LOST
    sleeper.wait()
    assert run.status.state is RunState.LOST


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "magic"}, RunError, "magic"),
        ({"seed": -1}, RunError, "The seed is -1: choose a whole number from 0 to"),
        ({"device": "tpu"}, DeviceError, "tpu"),
        ({"request_id": "req-none"}, RequestError, "req-none"),
    ],
)
def test_run_with_bad_options_is_not_created(workspace, options, error, message):
    with pytest.raises(error, match=message):
        create_run(workspace, **{"request_id": workspace.requests()[0].id, "device": "cpu", **options})
    assert runs(workspace) == ()


def test_unknown_run_or_path_is_refused(workspace):
    for name in ("run-none", "../adapter"):
        with pytest.raises(RunError, match="not in this workspace"):
            open_run(workspace, name)


def test_written_status_is_read(workspace):
    run = new_run(workspace)
    worker = this_worker()
    run.store.register_worker(run.id, worker)
    token = run.store.claim(run.id, worker)
    run.store.write_status(run.id, token, RunStatus(stage="circuit", eta=3.5))
    assert to_json(run.status)["eta"] == 3.5


@pytest.mark.parametrize("stage", ["original", "contrast prompts", "circuit", "unlearning", "evaluation"])
def test_run_stops_in_the_pass_during_which_it_is_cancelled(workspace, monkeypatch, stage):
    run, start, tokens = new_run(workspace, steps=6), FolderObserver._start_stage, []

    def cancel(observer, name):
        start(observer, name)
        if name == stage:
            tokens.append(observer)
            tokens.append(observer._tokens)
            run.request_cancel()

    monkeypatch.setattr(FolderObserver, "_start_stage", cancel)
    monkeypatch.setattr(interruption, "PERIOD", 0.0)
    assert work(run) is RunState.CANCELLED
    observer, before = tokens
    assert observer.stage == stage and observer._tokens == before  # no pass came to its end


def test_worker_finds_its_run_through_a_link_to_the_workspace_and_through_no_other(workspace, tmp_path):
    run = create_run(workspace, workspace.requests()[0].id, "finetune", "cpu")
    (tmp_path / "home").symlink_to(workspace.root)
    assert _run_at(tmp_path / "home" / "runs" / run.id).path == run.path
    (run.path.parent / "run-linked").symlink_to(tmp_path)
    assert _run_at(run.path.parent / "run-linked").path == run.path.parent / "run-linked"
