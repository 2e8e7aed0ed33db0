"""Killed workers: a resumed run ends with each step counted once and with the result of an undisturbed run.

By default 8 random kills and some refused writes are tested; this command tests 200 kills and every write:
CURE_LENS_KILLS=200 python -m pytest tests/runs/test_kill.py
"""

import errno
import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from core.runs.device_locks import free
from core.runs.dispatcher import ensure_dispatcher
from core.runs.folder_observer import RESERVED
from core.runs.hand_over import DeviceNeeds, hand_over
from core.runs.handle import RunHandle
from core.runs.submit import create_run, resume, start
from core.types import RunState
from core.workspace import Workspace
from tests.runs import killed_worker

KILLS = int(os.environ.get("CURE_LENS_KILLS", "8"))
STEPS = 12
SHORT_STEPS = 2  # steps of a run in which writes are refused
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["core.runs.worker", "tests.runs.killed_worker"])


@pytest.fixture
def run(workspace: Workspace) -> RunHandle:
    return new_run(workspace)


def new_run(workspace: Workspace, steps: int = STEPS) -> RunHandle:
    return create_run(workspace, workspace.requests()[0].id, "cure", "cpu", 0, steps)


def start_worker(run: RunHandle, *arguments) -> multiprocessing.Process:
    process = SERVER.Process(target=killed_worker.work, args=(str(run.path), 0.0, *arguments))
    process.start()
    return process


def finish(run: RunHandle) -> None:
    """Resume the run if it was lost or failed, and work on it until it is done."""
    if run.status.state in (RunState.LOST, RunState.FAILED):
        run.store.resume(run.id)
    if run.status.state is RunState.QUEUED:
        process = start_worker(run)
        process.join(120)
        assert process.exitcode == 0, run.status.message


def assert_sound(run: RunHandle, undisturbed_run: RunHandle) -> None:
    """Check the invariants that hold after any number of kills."""
    assert run.status.state is RunState.DONE
    assert run.store.flaws() == () and free(("cpu",)) == ("cpu",)
    steps = [event["step"] for event in run.events() if event["kind"] == "step"]
    assert steps == list(range(1, run.outcome.steps + 1))
    assert not (run.path / "checkpoint").exists()
    leftovers = [path.name for path in run.path.rglob("*") if path.name.startswith(".") or path.name == "reserve"]
    assert not leftovers
    found, expected = (load_file(one.path / "adapter/adapter_model.safetensors") for one in (run, undisturbed_run))
    assert all((found[name] == expected[name]).all() for name in expected)
    assert run.evaluation == undisturbed_run.evaluation and run.groups == undisturbed_run.groups


@pytest.fixture(scope="module")
def undisturbed_run(prepared: Path, tmp_path_factory) -> RunHandle:
    """The same run without kills."""
    return run_undisturbed(prepared, tmp_path_factory.mktemp("straight"), STEPS)


@pytest.fixture(scope="module")
def short_run(prepared: Path, tmp_path_factory) -> RunHandle:
    """A short run without kills."""
    return run_undisturbed(prepared, tmp_path_factory.mktemp("short"), SHORT_STEPS)


def run_undisturbed(prepared: Path, parent: Path, steps: int) -> RunHandle:
    run = new_run(Workspace(shutil.copytree(prepared, parent / "workspace")), steps)
    finish(run)
    return run


@pytest.mark.slow
@pytest.mark.parametrize("point", killed_worker.POINTS)
def test_run_survives_kill_at_point(run, undisturbed_run, point):
    process = start_worker(run, point)
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, "the worker did not reach the point"
    assert run.status.state in (RunState.LOST, RunState.DONE)
    finish(run)
    assert_sound(run, undisturbed_run)


@pytest.mark.slow
@pytest.mark.parametrize("point", killed_worker.DISPATCHER_POINTS)
def test_run_survives_kill_of_its_dispatcher(run, undisturbed_run, point):
    """The next dispatcher starts the run where no worker was started, and never a second one beside it."""
    hand_over(run.store, run.id, DeviceNeeds(("cpu",), 1, None))
    process = SERVER.Process(target=killed_worker.dispatch, args=(str(run.workspace.root), point))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, "the dispatcher did not reach the point"
    assert run.status.state is RunState.QUEUED
    ensure_dispatcher(run)
    deadline = time.monotonic() + 120
    while (run.status.state is not RunState.DONE or not free(("cpu",))) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert_sound(run, undisturbed_run)
    assert [event["attempt"] for event in run.events() if event["kind"] == "attempt"] == [1]


@pytest.mark.slow
def test_run_survives_random_kills(prepared, undisturbed_run, tmp_path):
    rng, killed, runs = random.Random(0), 0, 0
    duration = undisturbed_run.status.seconds
    while killed < KILLS:
        runs += 1
        run = new_run(Workspace(shutil.copytree(prepared, tmp_path / f"workspace-{runs}")))
        for _ in range(5):
            if run.status.state is RunState.LOST:
                run.store.resume(run.id)
            process, started = start_worker(run), time.monotonic()
            process.join(rng.uniform(0.05, 1.1 * duration))
            process.kill()
            process.join()
            if process.exitcode == -signal.SIGKILL:
                killed += 1
            else:  # the run was faster than expected
                duration = time.monotonic() - started
            assert run.status.state in (RunState.QUEUED, RunState.LOST, RunState.DONE)
            if run.status.state is RunState.DONE or killed >= KILLS:
                break
        finish(run)
        assert_sound(run, undisturbed_run)
        shutil.rmtree(tmp_path / f"workspace-{runs}")
    print(f"{killed} kills in {runs} runs, all of them ended as the undisturbed run")


@pytest.mark.slow
def test_killed_worker_is_lost_and_resumed(run):
    """The launcher starts and resumes the real worker command."""
    start(run)
    deadline = time.monotonic() + 120
    while not run.events() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(run.status.worker.pid, signal.SIGKILL)
    while run.status.state is RunState.RUNNING and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run.status.state is RunState.LOST
    resume(run)
    while run.status.state is not RunState.DONE and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.status.state is RunState.DONE, run.status
    attempts = [event["attempt"] for event in run.events() if event["kind"] == "attempt"]
    assert attempts == [1, 2]


@pytest.mark.slow
def test_run_survives_kill_of_its_launcher(run):
    """The process that launched the worker dies, the worker does not."""
    launcher = killed_worker.start_and_die(run)
    assert launcher.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 120
    while run.status.state is not RunState.DONE and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.status.state is RunState.DONE


@pytest.fixture
def disk(tmp_path):
    """A small disk in memory."""
    path = tmp_path / "disk"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", path], capture_output=True).returncode:
        pytest.skip("needs permission to mount a disk")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)  # the store is still open


@pytest.mark.slow
def test_run_fails_on_full_disk_and_continues_after_cleanup(prepared, undisturbed_run, disk):
    """The disk is full for all files, but the store has reserved room for the run's final status."""
    run = new_run(Workspace(shutil.copytree(prepared, disk / "workspace")))
    process = start_worker(run, "", 0, errno.ENOSPC, str(disk))
    process.join(120)
    assert shutil.disk_usage(disk).free < RESERVED
    assert run.status.state is RunState.FAILED and "full: free some space" in run.status.message
    (disk / "filler").unlink()
    finish(run)
    assert_sound(run, undisturbed_run)


def run_with_refused_write(prepared: Path, target: Path, number: int, code: int) -> tuple[RunHandle, int]:
    run = new_run(Workspace(shutil.copytree(prepared, target)), SHORT_STEPS)
    process = start_worker(run, "", number, code)
    process.join(120)
    return run, process.exitcode


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "some"), [(errno.ENOSPC, (1, 2, 9, 21, 50)), (errno.EIO, (4, 36))], ids=["full", "broken"]
)
def test_run_recovers_from_refused_write(prepared, short_run, tmp_path, code, some):
    """After any refused write, the run reports it, leaves no partial file, and ends with the same result when resumed."""
    write_numbers = range(1, 10**6) if "CURE_LENS_KILLS" in os.environ else some
    refused_writes = 0
    for number in write_numbers:
        run, exit_code = run_with_refused_write(prepared, tmp_path / "workspace", number, code)
        if exit_code == 3:  # the run has fewer writes than `number`
            assert_sound(run, short_run)
            break
        refused_writes += 1
        status = run.status
        if status.state is RunState.FAILED:
            assert ("full: free some space" if code == errno.ENOSPC else "cannot be written") in status.message, number
        else:  # the refused write was the final status in the folder; the store has it
            assert status.state is RunState.DONE, (number, status)
        with sqlite3.connect(run.store.path) as database:
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        finish(run)
        assert_sound(run, short_run)
        shutil.rmtree(tmp_path / "workspace")
    print(f"{refused_writes} writes refused, one a run, all of them ended as the undisturbed run")
    assert refused_writes >= len(some)
