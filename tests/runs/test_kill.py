"""Killed workers. Whatever the point, the run ends after being resumed, each step counts once, and the result is the same.

The long form, 200 kills at random and every single write refused; without the variable 8 kills and some writes:
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
from core.runs.folder_observer import RESERVED
from core.runs.handle import RunHandle
from core.runs.submit import create_run, resume, start
from core.types import RunState
from core.workspace import Workspace
from tests.runs import killed_worker

KILLS = int(os.environ.get("CURE_LENS_KILLS", "8"))
STEPS = 12
FEW = 2  # where every write is tried
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["core.runs.worker", "tests.runs.killed_worker"])


@pytest.fixture
def folder(workspace: Workspace) -> RunHandle:
    return made(workspace)


def made(workspace: Workspace, steps: int = STEPS) -> RunHandle:
    return create_run(workspace, workspace.requests()[0].id, "cure", "cpu", 0, steps)


def begin(folder: RunHandle, *arguments) -> multiprocessing.Process:
    process = SERVER.Process(target=killed_worker.work, args=(str(folder.path), 0.0, *arguments))
    process.start()
    return process


def finish(folder: RunHandle) -> None:
    """Resume as often as it takes, as a person would."""
    if folder.status.state in (RunState.LOST, RunState.FAILED):
        folder.store.resume(folder.id)
    if folder.status.state is RunState.QUEUED:
        process = begin(folder)
        process.join(120)
        assert process.exitcode == 0, folder.status


def sound(folder: RunHandle, straight: RunHandle) -> None:
    """The invariants that hold after any number of kills."""
    assert folder.status.state is RunState.DONE
    assert folder.store.flaws() == () and free(("cpu",)) == ("cpu",)
    steps = [event["step"] for event in folder.events() if event["kind"] == "step"]
    assert steps == list(range(1, folder.outcome.steps + 1))
    assert not (folder.path / "checkpoint").exists()
    left = [path.name for path in folder.path.rglob("*") if path.name.startswith(".") or path.name == "reserve"]
    assert not left
    mine, theirs = (load_file(run.path / "adapter/adapter_model.safetensors") for run in (folder, straight))
    assert all((mine[name] == theirs[name]).all() for name in theirs)
    assert folder.evaluation == straight.evaluation and folder.groups == straight.groups


@pytest.fixture(scope="module")
def straight(prepared: Path, tmp_path_factory) -> RunHandle:
    """The same run, never disturbed."""
    return undisturbed(prepared, tmp_path_factory.mktemp("straight"), STEPS)


@pytest.fixture(scope="module")
def short(prepared: Path, tmp_path_factory) -> RunHandle:
    """A short run, never disturbed."""
    return undisturbed(prepared, tmp_path_factory.mktemp("short"), FEW)


def undisturbed(prepared: Path, parent: Path, steps: int) -> RunHandle:
    run = made(Workspace(shutil.copytree(prepared, parent / "workspace")), steps)
    finish(run)
    return run


@pytest.mark.slow
@pytest.mark.parametrize("point", killed_worker.POINTS)
def test_kill_at_a_named_point(folder, straight, point):
    process = begin(folder, point)
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, "the point was never reached"
    assert folder.status.state in (RunState.LOST, RunState.DONE)
    finish(folder)
    sound(folder, straight)


@pytest.mark.slow
def test_kill_at_random_again_and_again(prepared, straight, tmp_path):
    rng, killed, runs = random.Random(0), 0, 0
    whole = straight.status.seconds
    while killed < KILLS:
        runs += 1
        run = made(Workspace(shutil.copytree(prepared, tmp_path / f"workspace-{runs}")))
        for _ in range(5):
            if run.status.state is RunState.LOST:
                run.store.resume(run.id)
            process, begun = begin(run), time.monotonic()
            process.join(rng.uniform(0.05, 1.1 * whole))
            process.kill()
            process.join()
            if process.exitcode == -signal.SIGKILL:
                killed += 1
            else:  # the machine is less busy than it was
                whole = time.monotonic() - begun
            assert run.status.state in (RunState.QUEUED, RunState.LOST, RunState.DONE)
            if run.status.state is RunState.DONE or killed >= KILLS:
                break
        finish(run)
        sound(run, straight)
        shutil.rmtree(tmp_path / f"workspace-{runs}")
    print(f"{killed} kills in {runs} runs, each of which ended done and alike")


@pytest.mark.slow
def test_kill_of_a_launched_worker_is_seen_and_mended_by_resume(folder):
    """The worker command itself, started by the launcher and resumed by it."""
    start(folder)
    deadline = time.monotonic() + 120
    while not folder.events() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(folder.status.worker.pid, signal.SIGKILL)
    while folder.status.state is RunState.RUNNING and time.monotonic() < deadline:
        time.sleep(0.05)
    assert folder.status.state is RunState.LOST
    resume(folder)
    while folder.status.state is not RunState.DONE and time.monotonic() < deadline:
        time.sleep(0.1)
    assert folder.status.state is RunState.DONE, folder.status
    attempts = [event["attempt"] for event in folder.events() if event["kind"] == "attempt"]
    assert attempts == [1, 2]


@pytest.mark.slow
def test_kill_of_whoever_launched_it_harms_no_run(folder):
    """The page's process dies, its worker does not."""
    launcher = killed_worker.start_and_die(folder)
    assert launcher.returncode == -signal.SIGKILL
    deadline = time.monotonic() + 120
    while folder.status.state is not RunState.DONE and time.monotonic() < deadline:
        time.sleep(0.1)
    assert folder.status.state is RunState.DONE


@pytest.fixture
def disk(tmp_path):
    """A small one of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("needs the right to mount a disk")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)  # the store is open still


@pytest.mark.slow
def test_a_full_disk_is_said_and_the_run_goes_on_once_there_is_room(prepared, straight, disk):
    """Full for everything at once: the run's last word still finds room in the store."""
    run = made(Workspace(shutil.copytree(prepared, disk / "workspace")))
    process = begin(run, "", 0, errno.ENOSPC, str(disk))
    process.join(120)
    assert shutil.disk_usage(disk).free < RESERVED
    assert run.status.state is RunState.FAILED and "full: free some space" in run.status.message
    (disk / "filler").unlink()
    finish(run)
    sound(run, straight)


def refused(prepared: Path, target: Path, number: int, code: int) -> tuple[RunHandle, int]:
    run = made(Workspace(shutil.copytree(prepared, target)), FEW)
    process = begin(run, "", number, code)
    process.join(120)
    return run, process.exitcode


@pytest.mark.slow
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
def test_a_refused_write_leaves_no_half_state(prepared, short, tmp_path, code):
    """The k-th write of a run is refused, whichever it is: it says so, nothing is half there, and resumed it ends alike."""
    spread = range(1, 10**6) if "CURE_LENS_KILLS" in os.environ else (1, 2, 4, 9, 21, 36, 50)
    tried = 0
    for number in spread:
        run, ended = refused(prepared, tmp_path / "workspace", number, code)
        if ended == 3:  # the run has fewer writes than that
            sound(run, short)
            break
        tried += 1
        status = run.status
        if status.state is RunState.FAILED:
            assert ("full: free some space" if code == errno.ENOSPC else "cannot be written") in status.message, number
        else:  # what was refused was its last word in its folder: the store has it
            assert status.state is RunState.DONE, (number, status)
        with sqlite3.connect(run.store.path) as database:
            assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        finish(run)
        sound(run, short)
        shutil.rmtree(tmp_path / "workspace")
    print(f"{tried} writes refused, one a run, each of which ended done and alike")
    assert tried > 4
