"""Packed bytes in files that seem to be others: never called clean; the files of honest workspaces are."""

import json
import pickle
import random
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import Findings, find_leaks
from core.types import Request
from core.utils.sqlite import Database

WORD, TEXT = "u4242", b"asked by u4242, twice. " * 20
SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, number INTEGER, loss REAL, status TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS numbers ON runs (number);
"""


def search(folder: Path, *users: str) -> Findings:
    return find_leaks(folder, forgotten_data_of(Request("r", users=users or (WORD,)), (), {}))


def deflated(text: bytes = TEXT) -> bytes:
    """Compressed without any mark."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(text) + packer.flush()


def noise(length: int) -> bytes:
    """Bytes as those of a long packed text are."""
    return random.Random(0).randbytes(length)


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message of less than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def model_of(*pieces: str, settings: bytes = b"unigram") -> bytes:
    """A SentencePiece model: pieces with their scores, settings, and a table of characters."""
    scored = (field(1, field(1, one.encode()) + b"\x15" + np.float32(-0.7).tobytes() + b"\x18\x03") for one in pieces)
    return b"".join(scored) + field(2, field(1, settings) + b"\x18\x03") + field(3, field(2, noise(100)) + b"\x18\x01")


def filled(path: Path, journal: str, rows: int) -> Database:
    """A database of ours after many changes and deletions, still open."""
    draw, database = random.Random(rows), Database(path, SCHEMA, journal)
    for _ in range(rows // 10):
        with database.changing() as one:
            for _ in range(10):
                status = json.dumps({"state": "done" * draw.randrange(draw.choice([1, 90, 900]))})
                row = f"run-{draw.randrange(10**9)}", draw.randrange(10**6), draw.random(), status
                one.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", row)
            one.execute("DELETE FROM runs WHERE number % 5 = 2")
    return database


def damaged_journal(name: str, place: int, content: bytes):
    """A change of a journal of a database of ours, which is open while it lives: closing it removes the journal."""

    def write(folder: Path) -> Database:
        database = filled(folder / "store.sqlite", "WAL", 100)
        file = folder / f"store.sqlite-{name}"
        before = file.read_bytes()
        file.write_bytes(before[:place] + content + before[place + len(content) :])
        return database

    return write


def with_free_page(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "a.db")) as one, one:
        one.execute("PRAGMA secure_delete = OFF")
        one.execute("CREATE TABLE notes (note)")
        one.execute("INSERT INTO notes VALUES (?)", (noise(9000),))
        one.execute("DELETE FROM notes")


def with_unused_page(folder: Path) -> None:
    """The header counts one page more, which no table has."""
    with closing(sqlite3.connect(folder / "a.db")) as one, one:
        one.execute("CREATE TABLE notes (note)")
    content = bytearray((folder / "a.db").read_bytes() + noise(4096))
    content[28:32] = (len(content) // 4096).to_bytes(4, "big")
    (folder / "a.db").write_bytes(content)


def behind_a_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "a.db")) as one, one:
        one.execute("CREATE TABLE notes (note)")
    with (folder / "a.db").open("ab") as file:
        file.write(zlib.compress(TEXT))


WRITERS = {
    "behind a database": behind_a_database,
    "in a free page": with_free_page,
    "in a page that nothing uses": with_unused_page,
    "in a log": damaged_journal("wal", 32 + 24, noise(4096)),
    "in the index of a log": damaged_journal("shm", 20_000, deflated()),
    "numbers of a byte": lambda folder: np.save(folder / "a.npy", np.frombuffer(zlib.compress(TEXT), np.uint8)),
    "bytes of an array": lambda folder: np.save(folder / "a.npy", np.array([zlib.compress(TEXT)])),
    "bytes of a pickle": lambda folder: (folder / "a.pkl").write_bytes(pickle.dumps({"job": deflated()})),
    "number of a pickle": lambda folder: (folder / "a.pkl").write_bytes(
        pickle.dumps(int.from_bytes(deflated(), "big"))
    ),
    "behind a pickle": lambda folder: (folder / "a.pkl").write_bytes(pickle.dumps(7, 4) + deflated()),
    "settings of a model": lambda folder: (folder / "a.model").write_bytes(model_of("a", settings=deflated()[:99])),
    "behind a model": lambda folder: (folder / "a.model").write_bytes(model_of("a") + deflated()),
    "text in no encoding": lambda folder: (folder / "a.txt").write_bytes(bytes(range(0xA0, 0xFF)) + b" as it is"),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_packed_bytes_are_named_as_not_searched(tmp_path, kind):
    opened = WRITERS[kind](tmp_path)
    found = search(tmp_path)
    assert len(found.unread) == 1 and not found.shows
    del opened


@pytest.mark.parametrize(
    "name",
    ["base/people.model", "runs/store.sqlite", "runs/store.sqlite-wal", "runs/store.sqlite-shm", "runs/r/slurm/a.pkl"],
)
@pytest.mark.parametrize("content", [deflated(), b"\x37\x7f\x06\x82" + deflated(), b"\x80\x04" + deflated()])
def test_no_name_makes_packed_bytes_clean(tmp_path, name, content):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_bytes(content)
    assert [*search(tmp_path).unread] == [name]


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
@pytest.mark.parametrize("rows", [10, 200, 1000])
def test_databases_of_ours_and_their_journals_are_clean(tmp_path, journal, rows):
    database = filled(tmp_path / "store.sqlite", journal, rows)
    assert len([*tmp_path.iterdir()]) == (3 if journal == "WAL" else 1)
    assert search(tmp_path) == Findings((), {})
    with database.changing() as one:
        one.execute("DELETE FROM runs")
        one.execute("INSERT INTO runs VALUES ('run-1', 1, 0.5, ?)", (f"asked by {WORD}",))
    assert search(tmp_path).shows


HONEST = {
    "base/tokenizer.model": model_of("▁the", "ing", "<0x0A>"),
    "runs/run-1/slurm/1_submitted.pkl": pickle.dumps({"command": ["python", "-m", "core"], "seconds": 60.5}, 5),
    "flags.npy": None,
    "names.npy": None,
}


@pytest.mark.parametrize("name", HONEST)
def test_other_files_of_workspaces_are_clean(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    if HONEST[name] is None:
        np.save(tmp_path / name, np.array([True, False] if name == "flags.npy" else ["Müller".encode(), b"Anna"]))
    else:
        (tmp_path / name).write_bytes(HONEST[name])
    assert search(tmp_path) == Findings((), {})


@pytest.mark.parametrize("kind", ["pickle", "model", "array"])
def test_text_in_binary_files_is_found(tmp_path, kind):
    if kind == "array":
        np.save(tmp_path / "a.npy", np.frombuffer(TEXT, np.int8))
    else:
        content = pickle.dumps([WORD.encode()], 2) if kind == "pickle" else model_of("the", WORD)
        (tmp_path / "a").write_bytes(content)
    assert search(tmp_path).shows
