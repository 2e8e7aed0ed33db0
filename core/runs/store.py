"""The state of every run of a workspace, in an SQLite file that survives kills and power cuts.

Each transition of `core.types.TRANSITIONS` is one transaction. The worker of a run holds a fencing token, which grows
each time the run changes hands; a worker with an old token can change nothing here any more.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from core.errors import LeaseLostError, RunError
from core.runs.beat_watch import by_own_clock
from core.runs.process_identity import Moment, current_moment
from core.runs.queued_run import QueuedRun
from core.types import TRANSITIONS, RunState, RunStatus, Worker
from core.utils.listing import Listing
from core.utils.serialization import from_json, parse_json, to_json
from core.utils.sqlite import Database
from core.workspace.ids import as_id

# The unique indexes guarantee: one run at work per workspace, and one active run for the same job. Through the third,
# those who wait read the few runs that have a worker, however long the queue is.
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    wish TEXT NOT NULL,
    patient INTEGER NOT NULL,
    state TEXT NOT NULL,
    token INTEGER NOT NULL DEFAULT 0,
    cancel INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    beat TEXT NOT NULL,
    status TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS one_at_work ON runs (state) WHERE state = 'running';
CREATE UNIQUE INDEX IF NOT EXISTS one_wish ON runs (wish) WHERE state IN ('queued', 'running');
CREATE INDEX IF NOT EXISTS held ON runs (place) WHERE worker IS NOT NULL AND state IN ('queued', 'running');
CREATE TABLE IF NOT EXISTS handed_over (id TEXT PRIMARY KEY, dispatcher TEXT NOT NULL, needs TEXT NOT NULL) STRICT;
"""
COLUMNS = "place, id, wish, patient, state, token, cancel, worker, beat, status"


class Store(Database):
    """The runs of one workspace. Every call may raise WorkspaceError where the file cannot be used."""

    def __init__(self, path: Path, shared: bool = False) -> None:
        """Open the store.

        Args:
            path: The SQLite file.
            shared: Several machines use the file. They share no memory for SQLite's write-ahead log, so it keeps a
                rollback journal instead.
        """
        super().__init__(path, SCHEMA, "DELETE" if shared else "WAL")
        self.shared = shared

    # ------------------------------------------------------------ reading

    def find(self, run_id: str) -> QueuedRun | None:
        """One run; None where the store does not know it."""
        return next(iter(self._select("id = ?", run_id).whole()), None)

    def entries(self, *states: RunState) -> Listing[QueuedRun]:
        """All runs in these states that can be read, in the order of the queue."""
        return self._select(f"state IN ({', '.join('?' * len(states))})", *states)

    def all(self) -> Listing[QueuedRun]:
        """All runs that can be read, in the order of the queue."""
        return self._select("TRUE")

    def held(self, where: str, *values: str) -> Listing[QueuedRun]:
        """The runs of a condition that have a worker, at work or waiting for its turn."""
        return self._select(f"worker IS NOT NULL AND state IN ('queued', 'running') AND ({where})", *values)

    # ------------------------------------------------------------ writing

    def add(self, run_id: str, dedup_key: str, externally_queued: bool) -> str:
        """Append a run to the queue.

        Args:
            run_id: The run.
            dedup_key: Digest of the job. A second run of the same job is not added while the first is active.
            externally_queued: Whether a cluster's queue may hold the run back for long.

        Returns:
            The id of the run that is active: `run_id`, or the earlier run of the same job.
        """
        status = RunStatus(stage="queued")
        with self.changing() as database:
            if known := self._select("wish = ? AND state IN ('queued', 'running')", dedup_key).whole():
                return known[0].id
            database.execute(
                "INSERT INTO runs (id, wish, patient, state, beat, status) VALUES (?, ?, ?, ?, ?, ?)",
                (run_id, dedup_key, externally_queued, RunState.QUEUED, _text(current_moment()), _text(status)),
            )
        return run_id

    def register_worker(self, run_id: str, worker: Worker) -> bool:
        """Record that a worker waits for the run's turn. False where the run no longer waits."""
        with self.changing() as database:
            done = database.execute(
                "UPDATE runs SET worker = ?, beat = ? WHERE id = ? AND state = 'queued'",
                (_text(worker), _text(current_moment()), run_id),
            )
        return done.rowcount == 1

    def claim(self, run_id: str, worker: Worker) -> int | None:
        """Start the run where it is first in the queue and no other run is at work.

        A running run whose worker is lost is ended as failed first, so that it does not block the queue.

        Returns:
            The fencing token; None where the run has to wait.
        """
        now = current_moment()
        with self.changing():
            for other in self.entries(RunState.RUNNING).whole():
                if not other.lost(now):
                    return None
                self._move(other, RunState.FAILED, other.status_at(now).message)
            own = self.find(run_id)
            if own is None or own.state is not RunState.QUEUED:
                return None
            earlier = self.held("place < (SELECT place FROM runs WHERE id = ?)", run_id)
            if any(one.waits(now) for one in earlier):
                return None
            self._move(own, RunState.RUNNING, worker=worker)
            return own.token + 1

    def beat(self, run_id: str, token: int) -> None:
        """Record a heartbeat. Raises LeaseLostError."""
        self._write(run_id, token, "beat = ?", _text(current_moment()))

    def write_status(self, run_id: str, token: int, status: RunStatus) -> None:
        """Write the status of the run. Raises LeaseLostError."""
        self._write(run_id, token, "beat = ?, status = ?", _text(current_moment()), _text(status))

    def require_held(self, run_id: str, token: int) -> QueuedRun:
        """The run, if this worker still holds it. Raises LeaseLostError."""
        entry = self.find(run_id)
        if entry is None or entry.token != token or entry.state is not RunState.RUNNING:
            raise _lease_lost(run_id)
        return entry

    @contextmanager
    def holding(self, run_id: str, token: int) -> Iterator[None]:
        """Hold the run for a moment in which nobody can take it over. Raises LeaseLostError."""
        with self.changing():
            self.require_held(run_id, token)
            yield

    def end(self, run_id: str, token: int, status: RunStatus) -> None:
        """Write the final status. Raises LeaseLostError."""
        with self.changing():
            entry = self.require_held(run_id, token)
            self._move(replace(entry, status=status), status.state, status.message)

    def fail_queued(self, run_id: str, why: str) -> None:
        """End a queued run as failed: its worker could not start."""
        with self.changing():
            entry = self._known(run_id)
            if entry.state is RunState.QUEUED:
                self._move(entry, RunState.FAILED, why)

    def resume(self, run_id: str) -> None:
        """Queue a failed or lost run again.

        Raises:
            RunError: The run is neither, or another run of the same job is active.
        """
        with self.changing():
            entry = self._known(run_id)
            if entry.state is not RunState.FAILED and not entry.lost(current_moment()):
                raise RunError(f"Run {run_id!r} is {entry.state}: only a failed or lost run can be resumed.")
            same = self._select("wish = ? AND state IN ('queued', 'running')", entry.dedup_key).whole()
            if any(one.id != run_id for one in same):
                raise RunError(f"Run {run_id!r} was launched a second time and that run is active: wait for it.")
            self._move(entry, RunState.QUEUED)

    def request_cancel(self, run_id: str) -> bool:
        """Cancel a run: at once where no worker is at work on it, else its worker is asked to stop.

        Returns:
            Whether the run is cancelled already.

        Raises:
            RunError: The run has ended.
        """
        with self.changing() as database:
            entry = self._known(run_id)
            if entry.state in (RunState.DONE, RunState.CANCELLED):
                raise RunError(f"Run {run_id!r} is {entry.state} already: nothing is left to stop.")
            if entry.state is RunState.RUNNING and not entry.lost(current_moment()):
                database.execute("UPDATE runs SET cancel = 1 WHERE id = ?", (run_id,))
                return False
            self._move(entry, RunState.CANCELLED, "The run was stopped by a person while no worker was at work on it.")
            return True

    # ------------------------------------------------------------ the file

    def _move(self, entry: QueuedRun, state: RunState, message: str = "", worker: Worker | None = None) -> None:
        """Make one transition of TRANSITIONS. The token grows, which fences off the previous worker."""
        if state not in TRANSITIONS[entry.state] and not (entry.state is state is RunState.QUEUED):
            raise RunError(f"Run {entry.id!r} is {entry.state} and cannot become {state}.")
        status = replace(entry.status, state=state, message=message, worker=None)
        values = (state, _text(worker) if worker else None, _text(current_moment()), _text(status), entry.id)
        with self.opened() as database:
            database.execute(
                "UPDATE runs SET state = ?, token = token + 1, cancel = 0, worker = ?, beat = ?, status = ? "
                "WHERE id = ?",
                values,
            )
            database.execute("DELETE FROM handed_over WHERE id = ?", (entry.id,))

    def _write(self, run_id: str, token: int, what: str, *values: str) -> None:
        with self.changing() as database:
            done = database.execute(
                f"UPDATE runs SET {what} WHERE id = ? AND token = ? AND state = 'running'", (*values, run_id, token)
            )
        if done.rowcount != 1:
            raise _lease_lost(run_id)

    def _known(self, run_id: str) -> QueuedRun:
        entry = self.find(run_id)
        if entry is None:
            raise RunError(f"Run {run_id!r} was not launched by this workspace: launch a new one.")
        return entry

    def _select(self, where: str, *values: str) -> Listing[QueuedRun]:
        if not self.path.is_file():
            return Listing()
        columns = f"{COLUMNS}, id IN (SELECT id FROM handed_over) AS handed_over"
        with self.opened() as database:
            rows = database.execute(f"SELECT {columns} FROM runs WHERE {where} ORDER BY place", values).fetchall()
        return Listing.read(rows, self._entry)

    def _entry(self, row: sqlite3.Row) -> QueuedRun:
        """The run of a row. Raises DamagedError."""
        origin = f"Run {row['id']!r} in {self.path}"
        texts = {name: parse_json(row[name] or "null", None, origin) for name in ("worker", "beat", "status")}
        flags = {name: bool(row[name]) for name in ("patient", "handed_over", "cancel")}
        entry = from_json(QueuedRun, {**dict(row), **texts, **flags}, origin)
        as_id(entry.id)
        return replace(entry, beat=by_own_clock(self.path, entry.id, entry.beat, current_moment()))


def _text(value: Moment | Worker | RunStatus) -> str:
    return json.dumps(to_json(value))


def _lease_lost(run_id: str) -> LeaseLostError:
    return LeaseLostError(f"Run {run_id!r} was taken over by another worker or ended: this worker writes nothing more.")
