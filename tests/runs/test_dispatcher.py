"""Dispatcher: waiting runs are rows of the store; one small process starts them, one after the other."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import pytest

from core.cli import console
from core.cli.diagnostics import examine
from core.errors import RunError, WorkspaceError
from core.runs import dispatcher, handle, queued_run
from core.runs.device_locks import free, take
from core.runs.dispatcher import ensure_dispatcher, fault, is_missing
from core.runs.hand_over import DeviceNeeds, hand_over, has_turn, next_in_line
from core.runs.handle import RunHandle, store_of
from core.runs.machine_locks import beat, end_silent_holders, holder, lock_file
from core.runs.process_identity import Moment, current_moment, this_worker
from core.runs.submit import create_run, resume, start
from core.runs.worker import work
from core.types import RunState, RunStatus
from core.utils.serialization import to_json
from core.workspace import Workspace

CPU = DeviceNeeds(("cpu",), 1, None)


@pytest.fixture
def busy_device():
    """The CPU is held, as by a worker of another workspace."""
    _, held = take(("cpu",))
    yield held
    held.close()


@pytest.fixture(autouse=True)
def ended_processes(workspace):
    """No process of the workspace outlives its test."""
    yield
    while found := processes(workspace):
        for process in found:
            process.kill()


def processes(workspace: Workspace) -> list[psutil.Process]:
    """Dispatchers and workers of a workspace."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(word.startswith(str(workspace.root)) for word in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def new_run(workspace: Workspace, **options) -> RunHandle:
    return create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", **options)


def settled(workspace: Workspace) -> list[psutil.Process]:
    """The processes that are left once every process that was just started has found its place."""
    wait_until(lambda: any(process.cpu_times().user for process in processes(workspace)))
    time.sleep(3)
    return processes(workspace)


def wait_until(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    assert condition()


@pytest.mark.slow
@pytest.mark.parametrize("waits_for", ["a device", "a run"])
def test_hundred_waiting_runs_take_one_small_process(workspace, waits_for, request):
    first, *others = [new_run(workspace, seed=seed) for seed in range(101)]
    if waits_for == "a device":
        request.getfixturevalue("busy_device")
        first.request_cancel()
    else:
        first.store.claim(first.id, this_worker())
    for run in others:
        start(run)
    (process,) = settled(workspace)
    before, since = process.cpu_times(), time.monotonic()
    time.sleep(5)
    after, seconds = process.cpu_times(), time.monotonic() - since
    share = (after.user + after.system - before.user - before.system) / seconds
    memory = process.memory_info().rss
    print(f"100 waiting runs take {100 * share:.2f} % of a core and {memory / 1e6:.0f} MB")
    assert share < 0.05 and memory < 50e6
    assert len(store_of(workspace).entries(RunState.QUEUED)) == 100


def test_ten_starts_at_once_start_one_dispatcher(workspace, busy_device):
    found = [new_run(workspace, seed=seed) for seed in range(10)]
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(start, found))
    assert len(settled(workspace)) == 1


@pytest.mark.parametrize("action", ["start", "resume", "page", "end of a run"])
def test_killed_dispatcher_is_replaced(workspace, busy_device, action, monkeypatch):
    run, other = new_run(workspace), new_run(workspace, seed=1)
    start(run)
    (process,) = settled(workspace)
    process.kill()
    wait_until(lambda: not processes(workspace))
    now = current_moment()
    late = replace(now, steady=now.steady + 3600)
    assert run.store.find(run.id).status_at(late).state is RunState.QUEUED  # a row, which nothing can kill
    if action == "start":
        start(other)
    elif action == "resume":
        resume(run)
    elif action == "page":
        from dashboard.services import queries

        queries.queue(run)
    else:
        other.request_cancel()
        work(other)
    assert len(settled(workspace)) == 1 and run.status.state is RunState.QUEUED


def test_stopped_dispatcher_is_replaced_after_its_lease(workspace, busy_device):
    run = new_run(workspace)
    start(run)
    (process,) = settled(workspace)
    process.suspend()
    start(run)
    assert settled(workspace) == [process]
    write_holder(dispatcher._lock_name(workspace), beat=an_hour_ago())
    start(run)
    (other,) = settled(workspace)
    assert other != process and run.status.state is RunState.QUEUED


@pytest.mark.slow
def test_waiting_runs_are_worked_on_in_order_and_the_dispatcher_ends(workspace, busy_device):
    found = [new_run(workspace, seed=seed, steps=2) for seed in range(3)]
    for run in found:
        start(run)
    settled(workspace)
    busy_device.close()
    wait_until(lambda: all(run.status.state is RunState.DONE for run in found))
    starts = [run.layout.events.stat().st_ctime_ns for run in found]
    assert starts == sorted(starts)
    assert all([event["kind"] for event in run.events()].count("attempt") == 1 for run in found)
    wait_until(lambda: not processes(workspace))


def test_waiting_run_is_cancelled_at_once_without_a_process(workspace, busy_device):
    run = new_run(workspace)
    start(run)
    settled(workspace)
    run.request_cancel()
    assert run.status.state is RunState.CANCELLED
    wait_until(lambda: not processes(workspace), 10)
    assert not run.layout.log.exists() and next_in_line(run.store) == ()


def test_run_whose_device_is_free_is_not_held_up_by_another(workspace, busy_device):
    found = [new_run(workspace, seed=seed) for seed in range(3)]
    for run, needs in zip(found, (CPU, DeviceNeeds(("cuda7", "cuda8"), 2, None), CPU), strict=True):
        hand_over(run.store, run.id, needs)
    store = found[0].store
    waiting = next_in_line(store)
    assert [run for run, _ in waiting] == [found[0].id, found[1].id]
    assert dispatcher._next_run(workspace, store, waiting)[0].id == found[1].id
    _, held = take(("cuda:7",))
    assert dispatcher._next_run(workspace, store, waiting) is None  # one of two is not enough
    busy_device.close()
    assert dispatcher._next_run(workspace, store, waiting)[0].id == found[0].id
    held.close()


@pytest.mark.parametrize("shared", [False, True])
def test_waiting_run_stays_on_its_machine_under_a_new_host_name(workspace, monkeypatch, shared):
    run = new_run(workspace)
    run.store.shared = shared
    hand_over(run.store, run.id, CPU)
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert bool(next_in_line(run.store)) != shared  # a shared store cannot tell it from another machine
    hand_over(run.store, run.id, CPU)  # `resume` there brings it over
    assert next_in_line(run.store)


@pytest.mark.parametrize("needs", ["{", '{"locks": ["../x"], "count": 1, "visible": null}', '{"locks": 1}'])
def test_damaged_row_is_passed_over(workspace, needs):
    damaged, whole = new_run(workspace), new_run(workspace, seed=1)
    for run in (damaged, whole):
        hand_over(run.store, run.id, CPU)
    with damaged.store.changing() as database:
        database.execute("UPDATE handed_over SET needs = ? WHERE id = ?", (needs, damaged.id))
    assert [run_id for run_id, _ in next_in_line(damaged.store)] == [whole.id]


def test_worker_sees_the_gpus_that_its_starter_saw(workspace, monkeypatch):
    run, script = new_run(workspace), "import os; print(os.environ.get('CUDA_VISIBLE_DEVICES'))"
    monkeypatch.setattr(dispatcher, "command", lambda *_: [sys.executable, "-c", script])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    for visible in ("2", None):
        (worker,) = dispatcher._start_worker(run, replace(CPU, visible=visible))
        assert run.store.find(run.id).worker.pid == worker.pid
        worker.wait()
    assert run.layout.log.read_text().split() == ["2", "None"]


@pytest.mark.parametrize("linked", ["log.txt", ""])
def test_log_is_not_written_through_a_link(workspace, tmp_path, monkeypatch, linked):
    monkeypatch.setattr(dispatcher, "command", lambda *_: [sys.executable, "-c", "print('written')"])
    run, outside = new_run(workspace), tmp_path / "outside"
    if not linked:
        run.path.rename(outside)
        run.path.symlink_to(outside)
    else:
        run.layout.log.symlink_to(outside)
        outside.write_text("mine\n")
    assert dispatcher._start_worker(run, CPU) == []
    assert run.status.state is RunState.FAILED
    assert outside.read_text() == "mine\n" if linked else not run.layout.log.exists()


def test_worker_that_cannot_be_noted_is_not_left_running(workspace, monkeypatch):
    """With a full disk, another worker would be started every second."""
    started, popen = [], subprocess.Popen
    monkeypatch.setattr(dispatcher, "command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(dispatcher.subprocess, "Popen", lambda *a, **o: started.append(popen(*a, **o)) or started[-1])
    run = new_run(workspace)
    with run.store.opened() as database:
        database.execute("PRAGMA query_only = ON")
    with pytest.raises(WorkspaceError):
        dispatcher._start_worker(run, CPU)
    assert started[0].wait() == -signal.SIGKILL


def test_worker_that_cannot_be_started_fails_its_run(workspace, monkeypatch):
    monkeypatch.setattr(dispatcher, "command", lambda *_: ["/no/such/program"])
    run = new_run(workspace)
    assert dispatcher._start_worker(run, CPU) == []
    assert run.status.state is RunState.FAILED and "cannot be started" in run.status.message


def test_worker_whose_device_was_taken_gives_its_run_back(workspace, busy_device):
    """Another workspace was faster: the run waits on as a row and keeps its place."""
    run, other = new_run(workspace), new_run(workspace, seed=1)
    hand_over(run.store, run.id, CPU)
    hand_over(run.store, other.id, CPU)
    run.store.register_worker(run.id, this_worker())
    assert not has_turn(run.store, other.id)
    assert work(run) is RunState.QUEUED
    assert run.store.find(run.id).worker is None and next_in_line(run.store)[0][0] == run.id
    assert has_turn(run.store, run.id)


def test_dispatcher_starts_no_run_before_an_earlier_one_whose_worker_waits(workspace):
    cluster, run = new_run(workspace), new_run(workspace, seed=1)
    hand_over(run.store, run.id, CPU)
    assert has_turn(run.store, run.id)
    run.store.register_worker(cluster.id, this_worker())
    assert not has_turn(run.store, run.id)
    run.store.register_worker(cluster.id, replace(this_worker(), pid=2**22 + 1))
    assert has_turn(run.store, run.id)  # that worker died


def an_hour_ago() -> Moment:
    return replace(current_moment(), steady=current_moment().steady - 3600)


def write_holder(name: str, **changes) -> None:
    """Change the record of who holds a lock."""
    lock_file(name).write_text(json.dumps(to_json(replace(holder(name), **changes))) + "\n")


@pytest.mark.slow
def test_stopped_worker_loses_its_device_to_the_next_run(workspace):
    stuck, next_run = new_run(workspace, steps=100_000), new_run(workspace, steps=2, seed=1)
    start(stuck)
    wait_until(lambda: any(event["kind"] == "step" for event in stuck.events()))
    pid = stuck.status.worker.pid
    os.kill(pid, signal.SIGSTOP)
    start(next_run)
    settled(workspace)
    assert next_run.status.state is RunState.QUEUED and psutil.pid_exists(pid)  # its lease has not ended
    with stuck.store.changing() as database:
        database.execute("UPDATE runs SET beat = ? WHERE id = ?", (json.dumps(to_json(an_hour_ago())), stuck.id))
    write_holder("cpu", beat=an_hour_ago())
    wait_until(lambda: next_run.status.state is RunState.DONE)
    assert not psutil.pid_exists(pid)
    assert stuck.status.state is RunState.FAILED and "resume the run" in stuck.status.message


HOLDER = """
import sys, time
from pathlib import Path
from core.runs.machine_locks import beat, take_lock
lock = take_lock("cpu")
beat(("cpu",), Path(sys.argv[-1]))
print("held", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("case", ["silent", "beating", "of another folder"])
def test_device_is_taken_from_a_silent_worker_of_its_folder_only(tmp_path, case):
    folder = str(tmp_path / "run-a")
    command = [sys.executable, "-c", HOLDER, "core", "worker", folder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGSTOP)
    if case == "silent":
        write_holder("cpu", beat=an_hour_ago())
    elif case == "of another folder":
        write_holder("cpu", beat=an_hour_ago(), folder=str(tmp_path / "run-b"))
    end_silent_holders(("cpu",))
    assert (free(("cpu",)) == ("cpu",)) == (case == "silent")
    process.kill()
    process.wait()


def test_record_of_an_earlier_holder_kills_nobody(tmp_path):
    """This process is alive, was silent, and holds nothing any more."""
    beat(("cpu",), tmp_path)
    write_holder("cpu", beat=an_hour_ago())
    end_silent_holders(("cpu",))
    lock_file("cpu").write_text("{half a rec")
    end_silent_holders(("cpu",))
    assert free(("cpu",)) == ("cpu",)


@pytest.mark.parametrize("alive", [True, False])
def test_resume_watches_a_worker_of_another_machine(workspace, monkeypatch, alive):
    """A single look cannot tell whether the worker is silent, so the command looks until it beats or is lost."""
    monkeypatch.setattr(queued_run, "HEARTBEAT_TIMEOUT", 1.0)
    monkeypatch.setattr("core.runs.submit.start", lambda run: None)
    run, worker = new_run(workspace), replace(this_worker(), host="elsewhere")
    token, sleeps = run.store.claim(run.id, worker), []

    def beat(seconds: float) -> None:
        sleeps.append(seconds)
        now = replace(current_moment(), boot="elsewhere", wall=0.0, steady=float(len(sleeps)) if alive else 0.0)
        run.store._write(run.id, token, "beat = ?", json.dumps(to_json(now)))
        os.sched_yield() if alive else real_sleep(0.3)

    real_sleep = time.sleep
    beat(0)
    monkeypatch.setattr(handle.time, "sleep", beat)
    if alive:
        with pytest.raises(RunError, match="is running"):
            resume(run)
        assert len(sleeps) == 2
    else:
        resume(run)
        assert run.status.state is RunState.QUEUED


def test_ended_run_waits_for_no_dispatcher(workspace, busy_device, monkeypatch):
    monkeypatch.setattr(dispatcher.subprocess, "Popen", None)  # nothing is started
    run = new_run(workspace)
    hand_over(run.store, run.id, CPU)
    run.store.end(run.id, run.store.claim(run.id, this_worker()), RunStatus(RunState.FAILED))
    hand_over(run.store, run.id, CPU)  # too late
    ensure_dispatcher(run)
    run.store.resume(run.id)
    assert next_in_line(run.store) == () and not run.store.find(run.id).handed_over


def broken_dispatcher(monkeypatch, words: str = "No module named core") -> None:
    """Let every dispatcher end at once with some words, as one does that finds no package `core`."""
    script = f"import sys; sys.exit({words!r})"
    monkeypatch.setattr(dispatcher, "PYTHON", (sys.executable, "-c", script))


def test_dispatcher_that_dies_at_once_leaves_its_last_words(workspace, monkeypatch):
    broken_dispatcher(monkeypatch)
    run, log = new_run(workspace), workspace.layout.dispatcher_log
    start(run)
    wait_until(lambda: log.read_text() == "No module named core\n")
    assert log.stat().st_mode & 0o777 == 0o600
    assert run.status.state is RunState.QUEUED
    sentence = fault(workspace)
    assert "has ended (No module named core): see " in sentence and sentence.endswith("then resume the run.")
    assert str(log) in sentence and "\n" not in sentence


def test_log_of_dispatchers_holds_what_one_of_them_said(workspace, monkeypatch):
    broken_dispatcher(monkeypatch, "x" * 10_000)
    run, log = new_run(workspace), workspace.layout.dispatcher_log
    for _ in range(3):
        start(run)
        wait_until(lambda: log.stat().st_size == 10_001)
    assert len(fault(workspace)) < 1000


def test_log_of_a_dispatcher_is_empty_while_all_is_well(workspace, busy_device):
    run = new_run(workspace)
    workspace.layout.dispatcher_log.write_text("what an earlier one said\n")
    start(run)
    assert settled(workspace) and fault(workspace) == "" and not is_missing(workspace)
    assert workspace.layout.dispatcher_log.read_bytes() == b""


@pytest.mark.parametrize("linked", ["file", "folder"])
def test_log_of_a_dispatcher_is_opened_through_no_link(workspace, tmp_path, monkeypatch, linked):
    run, outside = new_run(workspace), tmp_path / "outside"
    hand_over(run.store, run.id, CPU)
    if linked == "folder":
        workspace.layout.runs.rename(outside)
        workspace.layout.runs.symlink_to(outside)
    else:
        outside.write_text("mine\n")
        workspace.layout.dispatcher_log.symlink_to(outside)
    monkeypatch.setattr(dispatcher.subprocess, "Popen", None)  # nothing is started
    with pytest.raises(WorkspaceError, match="dispatcher.log cannot be written"):
        ensure_dispatcher(run)
    assert fault(workspace) == ""
    assert outside.read_text() == "mine\n" if linked == "file" else not (outside / "dispatcher.log").exists()


def test_command_that_waits_tells_why_nothing_starts_its_run(workspace, monkeypatch, capsys):
    broken_dispatcher(monkeypatch)
    run = new_run(workspace)
    start(run)
    wait_until(lambda: fault(workspace))
    looks = iter([None, None, None])
    monkeypatch.setattr(console.time, "sleep", lambda _: next(looks, run) and run.request_cancel())
    console.follow_run(run, quiet=False)
    assert capsys.readouterr().err.replace("\n", " ").count("has ended (No module named core)") == 1


@pytest.mark.parametrize("broken", [True, False])
def test_doctor_names_runs_that_wait_without_a_dispatcher(workspace, busy_device, monkeypatch, broken):
    monkeypatch.setattr("torch.version.cuda", None)
    run = new_run(workspace)
    if broken:
        broken_dispatcher(monkeypatch)
        start(run)
        wait_until(lambda: fault(workspace))
    else:
        start(run)
        (process,) = settled(workspace)
        assert not [one for one in examine(workspace.root) if not one.ok]
        process.kill()
        wait_until(lambda: not processes(workspace))
    (problem,) = [one for one in examine(workspace.root) if not one.ok]
    assert problem.name == "dispatcher" and f"resume -w {workspace.root} --run {run.id}" in problem.fix
    assert ("No module named core" in problem.detail) == broken
