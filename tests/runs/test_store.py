"""Store of runs: state transitions, queue order, leases, fencing, and errors of the database."""

import itertools
import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import LeaseLostError, RunError, WorkspaceError
from core.runs import process_identity, store
from core.runs.process_identity import Moment, current_moment, is_alive, this_worker
from core.runs.queued_run import HEARTBEAT_TIMEOUT
from core.runs.store import Store
from core.types import ENDED, TRANSITIONS, RunState, RunStatus
from core.utils import sqlite

ROOT = Path(__file__).parents[2]
DEAD = replace(this_worker(), pid=2**22 + 1)


@pytest.fixture
def runs(tmp_path: Path) -> Store:
    return Store(tmp_path / "store.sqlite")


def claimed_run(runs: Store, name: str = "a", worker=None) -> int:
    worker = worker or this_worker()
    runs.add(name, name, externally_queued=False)
    assert runs.register_worker(name, worker)
    token = runs.claim(name, worker)
    assert token is not None
    return token


def shift_clocks(monkeypatch: pytest.MonkeyPatch, steady: float, wall: float) -> None:
    """Move the clocks of the store."""
    now = current_moment()
    jumped = Moment(now.boot, now.steady + steady, now.wall + wall)
    monkeypatch.setattr(store, "current_moment", lambda: jumped)


def test_database_uses_wal_with_full_sync(runs):
    runs.add("a", "a", externally_queued=False)
    with runs.opened() as sqlite:
        assert sqlite.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert sqlite.execute("PRAGMA synchronous").fetchone()[0] == 2


@pytest.mark.parametrize(("now", "then"), list(itertools.product(TRANSITIONS, RunState)))
def test_only_allowed_state_transitions_are_made(runs, now, then):
    runs.add("a", "a", externally_queued=False)
    with runs.opened() as sqlite:
        sqlite.execute("UPDATE runs SET state = ?", (now,))
    entry = runs.find("a")
    if then in TRANSITIONS[now] or (now is then is RunState.QUEUED):
        runs._move(entry, then)
        assert runs.find("a").state is then and runs.find("a").token == entry.token + 1
    else:
        with pytest.raises(RunError, match="cannot become"):
            runs._move(entry, then)
        assert runs.find("a") == entry


def test_duplicate_run_is_added_only_after_the_first_ends(runs):
    assert [runs.add(name, "the same", externally_queued=False) for name in ("a", "b")] == ["a", "a"]
    runs.request_cancel("a")
    assert runs.add("c", "the same", externally_queued=False) == "c"


def test_queue_keeps_order_and_one_run_works_at_a_time(runs):
    for name in "abc":
        runs.add(name, name, externally_queued=False)
        runs.register_worker(name, this_worker())
    assert runs.claim("b", this_worker()) is None
    token = runs.claim("a", this_worker())
    assert token and runs.claim("b", this_worker()) is None
    runs.end("a", token, RunStatus(RunState.DONE))
    assert runs.claim("c", this_worker()) is None and runs.claim("b", this_worker())


def test_externally_queued_run_does_not_block_others(runs):
    runs.add("cluster", "cluster", externally_queued=True)
    assert claimed_run(runs)
    assert not runs.find("cluster").lost(
        replace(current_moment(), steady=current_moment().steady + 10 * HEARTBEAT_TIMEOUT)
    )


def test_lost_run_does_not_block_others_and_worker_is_fenced(runs, monkeypatch):
    token = claimed_run(runs)
    shift_clocks(monkeypatch, HEARTBEAT_TIMEOUT + 1, HEARTBEAT_TIMEOUT + 1)
    assert claimed_run(runs, "b")
    assert runs.find("a").state is RunState.FAILED and "resume" in runs.find("a").status.message
    for action in (
        lambda: runs.write_status("a", token, RunStatus()),
        lambda: runs.beat("a", token),
        lambda: runs.require_held("a", token),
        lambda: runs.end("a", token, RunStatus(RunState.DONE)),
    ):
        with pytest.raises(LeaseLostError):
            action()
    assert runs.find("a").state is RunState.FAILED


def test_former_worker_of_resumed_run_is_fenced(runs):
    old = claimed_run(runs, worker=DEAD)
    assert runs.find("a").status_at(current_moment()).state is RunState.LOST
    runs.resume("a")
    runs.register_worker("a", this_worker())
    new = runs.claim("a", this_worker())
    assert new > old
    with pytest.raises(LeaseLostError):
        runs.write_status("a", old, RunStatus())
    runs.write_status("a", new, RunStatus(RunState.RUNNING, stage="circuit"))
    assert runs.find("a").status.stage == "circuit"


def test_only_failed_or_lost_run_is_resumed(runs):
    token = claimed_run(runs)
    with pytest.raises(RunError, match="is running"):
        runs.resume("a")
    runs.end("a", token, RunStatus(RunState.DONE))
    with pytest.raises(RunError, match="is done"):
        runs.resume("a")
    with pytest.raises(RunError, match="is done already"):
        runs.request_cancel("a")
    with pytest.raises(RunError, match="not launched by this workspace"):
        runs.resume("nobody")


def test_failed_run_with_duplicate_is_not_resumed(runs):
    runs.end("a", claimed_run(runs), RunStatus(RunState.FAILED))
    assert runs.add("b", "a", externally_queued=False) == "b"
    with pytest.raises(RunError, match="launched a second time"):
        runs.resume("a")


@pytest.mark.parametrize(
    ("steady", "wall", "lost"), [(1, 3 * 86400, False), (1, -3600, False), (HEARTBEAT_TIMEOUT + 1, 0, True)]
)
def test_only_the_steady_clock_ends_a_lease(runs, monkeypatch, steady, wall, lost):
    claimed_run(runs)
    shift_clocks(monkeypatch, steady, wall)
    assert runs.find("a").lost(store.current_moment()) is lost


@pytest.fixture(params=[-90.0, 0.0, 90.0, 86400.0])
def machines(request, monkeypatch):
    """Two machines whose wall clocks differ; the test says which one acts, and lets the time pass."""

    class Machines:
        here, passed = "reader", 0.0

        def now(self) -> Moment:
            if self.here == "reader":
                return Moment("reader", 5000.0 + self.passed, 10**9 + self.passed)
            return Moment("writer", self.passed, 10**9 + request.param + self.passed)

    two = Machines()
    monkeypatch.setattr(store, "current_moment", two.now)
    return two


def test_healthy_worker_on_a_machine_with_another_clock_is_never_lost(runs, machines):
    machines.here = "writer"
    token = claimed_run(runs, worker=replace(DEAD, host="elsewhere", boot_id="another"))
    runs.add("b", "b", externally_queued=False)
    for machines.passed in range(300):
        if machines.passed % 5 == 0:
            machines.here = "writer"
            runs.beat("a", token)
        machines.here = "reader"
        assert not runs.find("a").lost(machines.now()) and runs.claim("b", this_worker()) is None


def test_silent_worker_on_another_machine_is_lost_once_it_was_watched_for_a_lease(runs, machines):
    machines.here = "writer"
    claimed_run(runs, worker=replace(DEAD, host="elsewhere", boot_id="another"))
    machines.here, machines.passed = "reader", 3600.0
    assert is_alive(runs.find("a").worker) is None
    assert not runs.find("a").lost(machines.now())  # the first look cannot know since when it is silent
    machines.passed += HEARTBEAT_TIMEOUT - 1
    assert not runs.find("a").lost(machines.now())
    machines.passed += 2
    assert runs.find("a").lost(machines.now()) and claimed_run(runs, "b")


def test_worker_of_an_earlier_start_of_this_machine_is_lost_at_once(runs, machines):
    machines.here = "writer"
    claimed_run(runs, worker=replace(this_worker(), boot_id="before the restart"))
    machines.here = "reader"
    assert runs.find("a").lost(machines.now())


def test_run_without_worker_is_lost_after_the_lease(runs):
    runs.add("a", "a", externally_queued=False)
    now = current_moment()
    assert not runs.find("a").lost(now) and runs.find("a").lost(replace(now, steady=now.steady + HEARTBEAT_TIMEOUT + 1))


def test_worker_identity_is_pid_start_boot_and_namespace():
    worker = this_worker()
    assert is_alive(worker)
    assert is_alive(replace(worker, start_ticks=worker.start_ticks + 1)) is False  # another process has the same pid
    assert is_alive(replace(worker, boot_id="before the restart")) is False
    assert is_alive(replace(worker, pid_namespace="pid:[1]")) is None
    assert is_alive(replace(worker, host="elsewhere")) is None
    assert is_alive(DEAD) is False and process_identity._start_ticks(1) is not None


def test_damaged_database_is_reported_in_one_sentence(runs):
    runs.add("a", "a", externally_queued=False)
    assert runs.flaws() == ()
    other = Store(runs.path.with_name("torn.sqlite"))
    other.path.write_bytes(b"not a database" * 100)
    with pytest.raises(WorkspaceError, match="doctor"):
        other.find("a")
    assert "torn.sqlite cannot be used" in other.flaws()[0]


def test_locked_database_is_reported_after_waiting(runs, monkeypatch):
    monkeypatch.setattr(sqlite, "BUSY", 0.2)
    runs.add("a", "a", externally_queued=False)
    other = sqlite3.connect(runs.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(WorkspaceError, match="locked"):
        Store(runs.path).add("b", "b", externally_queued=False)
    other.execute("ROLLBACK")
    assert Store(runs.path).add("b", "b", externally_queued=False) == "b"


def test_full_disk_is_reported_and_keeps_written_data(runs):
    token = claimed_run(runs)
    with runs.opened() as sqlite:
        pages = sqlite.execute("PRAGMA page_count").fetchone()[0]
        sqlite.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(WorkspaceError, match="full: free some space"):
        runs.write_status("a", token, RunStatus(message="long " * 10_000))
    other = Store(runs.path)
    assert other.find("a").token == token and other.flaws() == ()


CONTENDER = """
import sys, time
from core.runs.device_locks import take
from core.runs.process_identity import this_worker
from core.runs.store import Store
from core.types import RunState, RunStatus
from pathlib import Path
store, me, seen = Store(Path(sys.argv[1])), this_worker(), Path(sys.argv[2])
names = [one.id for one in store.entries(RunState.QUEUED)]
end = time.monotonic() + 60
while time.monotonic() < end and store.entries(RunState.QUEUED, RunState.RUNNING):
    for name in names:
        if not store.register_worker(name, me) or not (taken := take(("stress",))):
            continue
        if token := store.claim(name, me):
            mark = seen / "at-work"
            mark.touch(exist_ok=False)  # fails if another worker is at work
            time.sleep(0.005)  # time for the other process to try
            (seen / name).touch(exist_ok=False)  # fails if this run was worked on before
            mark.unlink()
            store.end(name, token, RunStatus(RunState.DONE))
        taken[1].close()
"""


@pytest.mark.parametrize("n_stores", [1, 2])
def test_two_launchers_never_start_two_workers_on_one_device(tmp_path, n_stores):
    """Two processes compete for 50 runs on one device, in one shared store or in a store for each process."""
    names = [f"run-{number:02d}" for number in range(50)]
    stores = [Store(tmp_path / f"{number}.sqlite") for number in range(n_stores)]
    for number, name in enumerate(names):
        stores[number % n_stores].add(name, name, externally_queued=False)
    seen = tmp_path / "seen"
    seen.mkdir()
    command = [sys.executable, "-c", CONTENDER]
    processes = [
        subprocess.Popen([*command, str(stores[number % n_stores].path), str(seen)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        for number in range(2)
    ]  # fmt: skip
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert sorted(path.name for path in seen.iterdir()) == names
    ended = [entry for each in stores for entry in each.entries(*ENDED)]
    assert sorted(entry.id for entry in ended) == names and not any(each.flaws() for each in stores)


def test_written_status_is_read(runs):
    token = claimed_run(runs)
    when = "2026-01-01T00:00:00Z"
    status = RunStatus(RunState.RUNNING, "circuit", 0.25, 12.5, 4.0, "", "cpu", "float32", this_worker(), when)
    runs.write_status("a", token, status)
    assert runs.find("a").status_at(current_moment()) == status
    with sqlite3.connect(runs.path) as sqlite:
        assert json.loads(sqlite.execute("SELECT status FROM runs").fetchone()[0])["eta"] == 12.5
