"""Databases of ours and their journals after much honest work: each is searched whole, and clean; packed bytes in one are not."""

import hashlib
import json
import random
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.review import cases
from core.review.cases import Cases
from core.review.database_files import JOURNAL, is_log
from core.review.database_pages import is_page
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import Findings, find_leaks
from core.runs.process_identity import this_worker
from core.runs.store import Store
from core.types import Request, RunState, RunStatus
from core.utils.sqlite import Database
from core.workspace.layout import WorkspaceLayout

WORD, CLEAN, PAGE = "u4242", Findings((), {}), 4096


def search(folder: Path) -> Findings:
    return find_leaks(folder, forgotten_data_of(Request("r", users=(WORD,)), (), {}))


def packed(seed: int, length: int) -> bytes:
    """The end of a long compressed text."""
    return zlib.compress(random.Random(seed).randbytes(length))[-length:]


def queue(runs: Store, name: str, count: int) -> list[str]:
    names = [f"run-{name}-{number}" for number in range(count)]
    for one in names:
        runs.add(one, hashlib.sha256(one.encode()).hexdigest(), externally_queued=False)
        runs.register_worker(one, this_worker())
    return names


def carry_out(runs: Store, names: list[str]) -> None:
    for one in names:
        token = runs.claim(one, this_worker())
        runs.beat(one, token)
        runs.end(one, token, RunStatus(stage="done", state=RunState.DONE))


def of_cases(folder: Path) -> Cases:
    return Cases(SimpleNamespace(layout=WorkspaceLayout(folder)))


def fill(database: Database, count: int) -> None:
    """Submit cases of all sizes."""
    with database.changing() as one:
        for number in range(count):
            body = json.dumps({"comments": ["why " * (number * 37 % 3000)]})
            row = (f"request-{number:04}", "pending", body)
            one.execute("INSERT INTO cases (request, state, body) VALUES (?, ?, ?)", row)


def journal_of(database: Database, folder: Path, pages: int = 2000) -> bytearray:
    """The rollback journal amid a transaction; SQLite writes it in parts where it may keep few pages in memory."""
    with database.opened() as one:
        one.execute(f"PRAGMA cache_size = {pages}")
    with database.changing() as one:
        one.execute("UPDATE cases SET body = '{}'")
        return bytearray((folder / "review.sqlite-journal").read_bytes())


# ------------------------------------------------------------ free pages


def test_a_free_page_taken_from_a_list_leaves_its_number_there(tmp_path):
    database = Database(tmp_path / "review.sqlite", cases.SCHEMA, "DELETE")
    fill(database, 2)
    with database.opened() as one:
        for number, size in ((1, 50_000), (1, 10), (2, 20_000)):
            one.execute("UPDATE cases SET body = ? WHERE number = ?", ("why " * (size // 4), number))
    content = (tmp_path / "review.sqlite").read_bytes()
    free = int.from_bytes(content[32:36], "big") - 1
    count = int.from_bytes(content[free * PAGE + 4 : free * PAGE + 8], "big")
    assert content[free * PAGE + 8 + 4 * count : (free + 1) * PAGE].strip(b"\0")
    assert search(tmp_path) == CLEAN
    for place, rest in ((free * PAGE + PAGE - 300, packed(1, 300)), ((free + 1) * PAGE - 4, b"\0\0\1\0")):
        (tmp_path / "review.sqlite").write_bytes(content[:place] + rest + content[place + len(rest) :])
        assert [*search(tmp_path).unread] == ["review.sqlite"]


# ------------------------------------------------------------ logs


def test_a_log_after_many_runs_that_waited_at_once_is_clean(tmp_path):
    runs = Store(tmp_path / "store.sqlite")
    for turn in range(2):
        carry_out(runs, queue(runs, str(turn), 80))
    for one in queue(runs, "last", 80)[::-1]:
        runs.request_cancel(one)
    assert (tmp_path / "store.sqlite-wal").stat().st_size > 100 * PAGE
    assert search(tmp_path) == CLEAN


def test_a_log_is_clean_in_whatever_order_runs_end(tmp_path):
    draw, runs, waiting = random.Random(0), Store(tmp_path / "store.sqlite"), []
    for turn in range(4):
        waiting = draw.sample(waiting + queue(runs, str(turn), 30), len(waiting) + 30)
        for one in waiting[10:]:
            runs.request_cancel(one)
        waiting = waiting[:10]
        with (tmp_path / "store.sqlite-wal").open("rb") as file:
            assert is_log(file)


def test_a_log_of_cases_is_clean(tmp_path):
    database = Database(tmp_path / "review.sqlite", cases.SCHEMA, "WAL")  # as another process may have opened it
    fill(database, 300)
    for number in random.Random(0).sample(range(1, 301), 300):
        with database.changing() as one:
            one.execute("UPDATE cases SET state = 'closed', body = '{}' WHERE number = ?", (number,))
    assert (tmp_path / "review.sqlite-wal").stat().st_size > 100 * PAGE
    assert search(tmp_path) == CLEAN


@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("length", [200, 1000, 3900])
@pytest.mark.parametrize("place", ["behind the list", "at the end"])
def test_packed_bytes_are_no_remains_of_a_page(count, length, place):
    for seed in range(50):
        page = bytearray(PAGE)
        page[:8] = b"\x0a\0\0\0" + bytes([count]) + (PAGE if count == 0 else 4000).to_bytes(2, "big") + b"\0"
        for cell in range(count):
            page[8 + 2 * cell : 10 + 2 * cell] = (4000 + 30 * cell).to_bytes(2, "big")
            page[4000 + 30 * cell : 4006 + 30 * cell] = b"\5\3\1\1\x50\x50"
        start = 8 + 2 * count if place == "behind the list" else 3990 - length
        page[start : start + length] = packed(seed, length)
        assert not is_page(bytes(page))


# ------------------------------------------------------------ rollback journals


@pytest.mark.parametrize("pages", [2000, 10])
def test_a_rollback_journal_is_clean(tmp_path, pages):
    fill(database := of_cases(tmp_path), 200)
    journal, other = journal_of(database, tmp_path, pages), tmp_path / "other"
    other.mkdir()
    assert (JOURNAL in journal) == (pages == 10)
    contents = [journal[:length] for length in (len(journal), len(journal) - 4, len(journal) - 2000, 512 + 4, 512, 0)]
    contents += [JOURNAL + bytes(4) + journal[12:], bytes(28) + journal[28:]] if pages == 2000 else []
    for content in contents:
        (other / "review.sqlite-journal").write_bytes(content)
        assert search(other) == CLEAN


def test_a_rollback_journal_of_a_clusters_store_is_clean(tmp_path):
    runs = Store(tmp_path / "store.sqlite", shared=True)
    carry_out(runs, queue(runs, "a", 40))
    with runs.changing() as one:
        one.execute("UPDATE runs SET status = '{}'")
        assert (tmp_path / "store.sqlite-journal").stat().st_size > PAGE
        assert search(tmp_path) == CLEAN


@pytest.mark.parametrize("header", ["as it was", "zeros"])
@pytest.mark.parametrize("place", [100, 512 + 4, 512 + 4 + 2 * (PAGE + 8)])
def test_packed_bytes_in_a_rollback_journal_are_named(tmp_path, header, place):
    fill(database := of_cases(tmp_path), 200)
    journal = journal_of(database, tmp_path)
    journal[place : place + 400] = packed(0, 400)
    if place > 512:
        journal[place : place + PAGE] = packed(0, PAGE)
    if header == "zeros":
        journal[:28] = bytes(28)
    (tmp_path / "review.sqlite-journal").write_bytes(journal)
    (tmp_path / "review.sqlite").unlink()
    assert [*search(tmp_path).unread] == ["review.sqlite-journal"]


def test_text_in_a_rollback_journal_is_found(tmp_path):
    fill(database := of_cases(tmp_path), 3)
    with database.changing() as one:
        one.execute("UPDATE cases SET body = ? WHERE number = 2", (f"asked by {WORD}",))
    (tmp_path / "review.sqlite-journal").write_bytes(journal_of(database, tmp_path))
    assert "review.sqlite-journal" in search(tmp_path).shows[0]
