"""References trained in the background: progress, one process at a time, stop, a killed process, and the estimate."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import CancelledError, DeviceError, RequestError, RunError, WorkspaceError
from core.runs import machine_locks
from core.runs.device_locks import lock_name, take
from core.runs.estimate.references import estimate_references
from core.runs.machine_locks import end_silent_holders, holder, is_free
from core.runs.process_identity import this_worker, worker_of
from core.runs.reference_job import launch_training, stop_training, training_status
from core.runs.reference_training import train_missing
from core.runs.references import FIRST_SEED
from core.types import ReferenceTraining, RunState
from core.utils.serialization import write_json
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout

SEEN = lambda number, step: False  # noqa: E731 - a watcher that lets the training go on


@pytest.fixture
def request_id(workspace: Workspace) -> str:
    """The request of the workspace, which has two references."""
    return workspace.requests()[0].id


def names(workspace: Workspace, request_id: str) -> list[str]:
    return [folder.name for folder in workspace.reference_folders(request_id)]


def wait_until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def test_only_missing_references_are_trained_and_the_end_is_recorded(workspace: Workspace, request_id: str) -> None:
    before = {name: weights(workspace, request_id, name) for name in names(workspace, request_id)}
    seen: list[tuple[int, int, int]] = []
    folders = train_missing(
        workspace, request_id, 3, "cpu", lambda number, step: seen.append((number, step.number, step.total))
    )
    assert [folder.name for folder in folders] == [f"seed-{FIRST_SEED + number}" for number in range(3)]
    assert {number for number, _, _ in seen} == {2} and seen[-1][1] == seen[-1][2]
    assert before == {name: weights(workspace, request_id, name) for name in before}
    status = training_status(workspace, request_id)
    assert (status.state, status.wanted, status.progress, status.message) == (RunState.DONE, 3, 1.0, "")


def weights(workspace: Workspace, request_id: str, name: str) -> bytes:
    return AdapterLayout(workspace.layout.references(request_id) / name).weights.read_bytes()


def test_progress_counts_the_missing_references_together(workspace: Workspace, request_id: str, monkeypatch) -> None:
    monkeypatch.setattr("core.runs.reference_training.WRITE_EVERY", 0.0)
    shares: list[float] = []

    def watch(number: int, step) -> bool:
        found = training_status(workspace, request_id)
        assert found.state is RunState.RUNNING and found.device == "cpu"
        assert found.progress == pytest.approx((number - 2 + step.number / step.total) / 2)
        assert 0 <= found.eta <= found.seconds * (1 - found.progress) / found.progress  # the wait is no pace
        shares.append(found.progress)
        return False

    train_missing(workspace, request_id, 4, "cpu", watch)
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_second_process_on_one_request_is_refused(workspace: Workspace, request_id: str) -> None:
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        working = ReferenceTraining(RunState.RUNNING, 3, worker=worker_of(other.pid))
        write_json(workspace.layout.training(request_id).status, working)
        with pytest.raises(RunError, match="are being trained already: wait until they are ready"):
            train_missing(workspace, request_id, 3, "cpu", SEEN)
        launch_training(workspace, request_id, 3, "cpu", "")  # a second browser starts nothing
        assert training_status(workspace, request_id) == working
    finally:
        other.communicate(b"\n")
    assert training_status(workspace, request_id).state is RunState.LOST


def test_many_browsers_start_one_process(workspace: Workspace, request_id: str) -> None:
    held = take(("cpu",))  # the training waits, so all browsers meet it
    found: list[int] = []

    def press() -> None:
        launch_training(workspace, request_id, 3, "cpu", "")
        found.append(training_status(workspace, request_id).worker.pid)

    browsers = [threading.Thread(target=press) for _ in range(6)]
    try:
        for one in browsers:
            one.start()
        for one in browsers:
            one.join()
        assert len(found) == 6 and len(set(found)) == 1
        wait_until(
            lambda: training_status(workspace, request_id).seconds or state(workspace, request_id) is RunState.LOST
        )
        stop_training(workspace, request_id)
        wait_until(lambda: state(workspace, request_id) is RunState.CANCELLED)
        assert "kept" in training_status(workspace, request_id).message
    finally:
        held[1].close()
    assert names(workspace, request_id) == ["seed-101", "seed-102"]


@pytest.mark.parametrize("name", ["log", "stop", "path"])
def test_training_writes_through_no_link(workspace: Workspace, request_id: str, tmp_path: Path, name: str) -> None:
    files, outside = workspace.layout.training(request_id), tmp_path / "outside"
    if name == "path":
        files.path.rename(outside)
    getattr(files, name).symlink_to(outside)
    for act in (
        lambda: launch_training(workspace, request_id, 3, "cpu", ""),
        lambda: stop_training(workspace, request_id),
    ):
        with pytest.raises(WorkspaceError):
            act()
    assert not outside.exists() or not (outside / files.log.name).exists()


def state(workspace: Workspace, request_id: str) -> RunState:
    return training_status(workspace, request_id).state


@pytest.mark.slow
def test_killed_training_is_lost_and_goes_on_with_the_missing_ones(workspace: Workspace, request_id: str) -> None:
    launch_training(workspace, request_id, 200, "cpu", "")
    wait_until(lambda: len(names(workspace, request_id)) >= 3)
    worker = training_status(workspace, request_id).worker
    os.kill(worker.pid, signal.SIGKILL)
    wait_until(lambda: state(workspace, request_id) is RunState.LOST)
    assert "died without a message" in training_status(workspace, request_id).message
    ready = names(workspace, request_id)
    launch_training(workspace, request_id, len(ready) + 1, "cpu", "")
    wait_until(lambda: state(workspace, request_id) is RunState.DONE)
    assert names(workspace, request_id)[: len(ready)] == ready and len(names(workspace, request_id)) == len(ready) + 1


def test_stopped_training_loses_its_device(workspace: Workspace, request_id: str, monkeypatch) -> None:
    launch_training(workspace, request_id, 200, "cpu", "")
    wait_until(lambda: state(workspace, request_id) is RunState.RUNNING)
    worker = training_status(workspace, request_id).worker
    wait_until(lambda: (found := holder(lock_name("cpu"))) and found.worker == worker)
    os.kill(worker.pid, signal.SIGSTOP)
    monkeypatch.setattr(machine_locks, "HEARTBEAT_TIMEOUT", 1.0)

    def is_taken_over() -> bool:
        end_silent_holders([lock_name("cpu")])
        return is_free(lock_name("cpu"))

    wait_until(is_taken_over)
    assert state(workspace, request_id) is RunState.LOST


def test_training_for_a_request_that_was_changed_is_refused(workspace: Workspace, request_id: str) -> None:
    assert CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)]).exit_code == 0
    write_json(workspace.layout.request(request_id), replace(workspace.request(request_id), reason="other"))
    with pytest.raises(RequestError, match="is not signed as it stands"):
        train_missing(workspace, request_id, 3, "cpu", SEEN)


def test_stop_ends_the_training_at_its_next_step(workspace: Workspace, request_id: str) -> None:
    def press_stop(number: int, step) -> bool:
        if step.number == 2:
            stop_training(workspace, request_id)
        assert step.number <= 2
        return False

    with pytest.raises(CancelledError):
        train_missing(workspace, request_id, 3, "cpu", press_stop)
    assert state(workspace, request_id) is RunState.CANCELLED and len(names(workspace, request_id)) == 2
    with pytest.raises(RunError, match="no training of references to stop"):
        stop_training(workspace, request_id)
    train_missing(workspace, request_id, 3, "cpu", SEEN)  # the old stop is forgotten
    assert len(names(workspace, request_id)) == 3


def test_failure_is_recorded_with_its_reason(workspace: Workspace, request_id: str) -> None:
    def fail(number: int, step) -> bool:
        raise ValueError("the loss is not a number")

    with pytest.raises(ValueError, match="not a number"):
        train_missing(workspace, request_id, 3, "cpu", fail)
    found = training_status(workspace, request_id)
    assert (found.state, found.message) == (RunState.FAILED, "the loss is not a number")


def test_lost_training_can_be_given_up(workspace: Workspace, request_id: str) -> None:
    dead = replace(this_worker(), pid=2**22 + 1)
    write_json(workspace.layout.training(request_id).status, ReferenceTraining(RunState.RUNNING, 3, worker=dead))
    assert state(workspace, request_id) is RunState.LOST
    stop_training(workspace, request_id)
    assert state(workspace, request_id) is RunState.CANCELLED


def test_unknown_request_or_device_leaves_nothing_behind(workspace: Workspace, request_id: str) -> None:
    for start in (
        lambda: launch_training(workspace, "req-gone", 3, "cpu", ""),
        lambda: train_missing(workspace, "req-gone", 3, "cpu", SEEN),
    ):
        with pytest.raises(RequestError):
            start()
    with pytest.raises(DeviceError, match="'tpu' is unknown"):
        launch_training(workspace, request_id, 3, "tpu", "")
    assert not workspace.layout.references("req-gone").exists() and training_status(workspace, request_id) is None


def test_linked_folder_has_no_training(workspace: Workspace, request_id: str, tmp_path: Path) -> None:
    write_json(tmp_path / "elsewhere/training.json", ReferenceTraining(RunState.DONE, 3))
    (workspace.layout.all_references / "req-link").symlink_to(tmp_path / "elsewhere")
    assert training_status(workspace, "req-link") is None


def test_estimate_grows_with_the_missing_references(workspace: Workspace, request_id: str) -> None:
    assert estimate_references(workspace, request_id, 2, "cpu") == (0.0, 0)
    seconds, missing = estimate_references(workspace, request_id, 4, "cpu")
    assert missing == 2 and seconds > 0


@pytest.mark.slow
def test_command_estimates_without_training(workspace: Workspace, request_id: str) -> None:
    command = [sys.executable, "-m", "core", "reference", "--workspace", str(workspace.root), "--request", request_id]
    done = subprocess.run(
        [*command, "--seeds", "3", "--estimate", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["missing"] == 1 and len(names(workspace, request_id)) == 2
