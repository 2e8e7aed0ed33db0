"""Runs that wait for a dispatcher: each is a row of the store, with the devices that it needs, and no process."""

import json
import os
import socket
import sqlite3
from dataclasses import dataclass

from core.runs.process_identity import current_moment
from core.runs.store import Store
from core.types import Worker
from core.utils.listing import Listing
from core.utils.serialization import parse_json, to_json
from core.workspace.ids import as_id


@dataclass(frozen=True, slots=True)
class DeviceNeeds:
    """The devices that a run waits for.

    Attributes:
        locks: Names of the locks of all devices that it may take (core.runs.machine_locks).
        count: How many of them it takes.
        visible: CUDA_VISIBLE_DEVICES of its worker; None where it is not set.
    """

    locks: tuple[str, ...]
    count: int
    visible: str | None


Waiting = tuple[tuple[str, DeviceNeeds], ...]


def hand_over(store: Store, run_id: str, needs: DeviceNeeds) -> None:
    """Leave the start of a queued run to the dispatcher of this user and machine."""
    with store.changing() as database:
        database.execute(
            "INSERT OR REPLACE INTO handed_over SELECT id, ?, ? FROM runs WHERE id = ? AND state = 'queued'",
            (dispatcher_name(store), json.dumps(to_json(needs)), run_id),
        )


def next_in_line(store: Store) -> Waiting:
    """The first run of all that wait for the same devices, for each choice of devices, in the order of the queue.

    A damaged row is left out: its run waits until it is resumed, which writes the row again.
    """
    if not store.path.is_file():
        return ()
    with store.opened() as database:
        rows = database.execute(
            "SELECT id, needs, MIN(place) AS place FROM handed_over JOIN runs USING (id) "
            "WHERE dispatcher = ? AND state = 'queued' AND worker IS NULL GROUP BY needs ORDER BY place",
            (dispatcher_name(store),),
        ).fetchall()
    return tuple(Listing.read(rows, _waiting))


def _waiting(row: sqlite3.Row) -> tuple[str, DeviceNeeds]:
    """The run of a row. Raises DamagedError."""
    needs = parse_json(row["needs"], DeviceNeeds, f"Run {row['id']!r}")
    for name in needs.locks:
        as_id(name)
    return as_id(str(row["id"])), needs


def has_turn(store: Store, run_id: str) -> bool:
    """Whether no run is at work, no dispatcher's worker is about to claim one, and no earlier run's worker waits."""
    now, earlier = current_moment(), "place < (SELECT place FROM runs WHERE id = ?)"
    held = store.held(f"state = 'running' OR id IN (SELECT id FROM handed_over) OR {earlier}", run_id)
    return all(entry.lost(now) for entry in held)


def give_back(store: Store, run_id: str, worker: Worker) -> bool:
    """Leave a run that this worker was to start to the dispatcher again; False where no dispatcher waits for it."""
    with store.changing() as database:
        done = database.execute(
            "UPDATE runs SET worker = NULL WHERE id = ? AND worker = ? AND state = 'queued' "
            "AND id IN (SELECT id FROM handed_over)",
            (run_id, json.dumps(to_json(worker))),
        )
    return done.rowcount == 1


def dispatcher_name(store: Store) -> str:
    """The name of the dispatchers of this user on this machine, which may get another host name meanwhile."""
    return f"{os.getuid()}@{socket.gethostname() if store.shared else 'here'}"
