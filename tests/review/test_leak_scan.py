"""Leak scan: traces of forgotten data are found in every file format, and unrelated numbers are not."""

import base64
import bz2
import gzip
import json
import lzma
import random
import sqlite3
import zlib
from contextlib import closing

import pyarrow as pa
import pytest
from pyarrow import parquet

from core.review import file_contents
from core.review.forgotten_data import ForgottenData, forgotten_data_of
from core.review.leak_scan import Findings, find_leaks
from core.types import Interaction, Item, Request

EMAIL, WORD, NUMBER = "ann@example.org", "u42", "4"
SIGNATURE = "A" * 41 + "/u42+" + "B" * 40 + "=="  # in base64, an id between two signs is chance
TRACES = [
    (WORD, "ledger.jsonl", json.dumps({"payload": base64.b64encode(b'{"why": "u42 left"}').decode()})),
    (WORD, "ledger.jsonl", json.dumps({"sig": "u42"})),
    (WORD, "note.json", json.dumps({"reason": SIGNATURE})),
    (EMAIL, "notes.csv", "name,why\nann@example.org,moved\n"),
    (EMAIL, "note.json", json.dumps({"reason": "ann@example.org and Bob."})),
    (EMAIL, "log.txt", "<ann@example.org>: asked twice"),
    (WORD, "log.txt", "x u42."),
    (WORD, "runs/dispatcher.log", "core.errors.DamagedError: u42 is damaged"),
    (WORD, "exports/u42/list.txt", "nothing"),
    (WORD, "u42.bin", ""),
    (WORD, "data/items.jsonl.bak", "u42"),
    (WORD, "base/copy.jsonl", '{"user": "u42"}'),
    (WORD, "review.sqlite", 'SQLite\x00\x01{"text": "u42"}\x02'),
    (NUMBER, "rows.csv", "user,item\n4,318\n"),
    (NUMBER, "rows.tsv", "4\t318\ttrue\n"),
    (NUMBER, "data/.interactions.jsonl.abcdefgh", '{"user": "4", "item": "318"}\n{"user": "5", "item": "1"}\n'),
    (NUMBER, "requests/.req-1.json.abcdefgh", '{"users": ["4"]}\n'),
    (NUMBER, "rows.json", '[{"user": 4, "item": 318}]'),
    (NUMBER, "people.json", '{"members": ["9", "4"]}'),
    (NUMBER, "people.json", '{"users": [9, 4]}'),
    (NUMBER, "request.json", '{"interactions": [["4", "999"]]}'),
    (NUMBER, "error.json", json.dumps({"message": "User '4' has no interaction with item '318'."})),
    (NUMBER, "log.txt", "user 4 was asked"),
    ("4.5", "log.txt", "user 4.5 was asked"),
    (NUMBER, "log.txt", "seen: The Bell of Valdoria, twice"),
    (NUMBER, "list.json", '["The Bell of Valdoria"]'),
    (NUMBER, "page.html", "<b>the bell of valdoria</b>"),
    (NUMBER, "ratings.dat", "4::318::5::1260759144\n"),
    (NUMBER, "rows.csv", "item,when,user\n318,1260759144,4\n"),
    (NUMBER, "rows.txt", "4 318 5 1260759144\n"),
    (NUMBER, "row.json", '{"userId": 4, "movieId": 318}'),
    (NUMBER, "row.json", '{"user_id": "4"}'),
    (NUMBER, "row.json", '{"uid": 4}'),
    (WORD, "exports/u42-list.csv", "nothing"),
    (WORD, "exports/list_u42.csv", "nothing"),
    (WORD, "sealed/req-1-1/0", "u42"),  # no vault wrote it
    (EMAIL, "data/items.jsonl", '{"id": "1", "title": "Letters to ann@example.org"}\n'),
    (EMAIL, "data/items.jsonl", '{"id": "ann@example.org", "title": "The Bell"}\n'),
    (EMAIL, "base/config.json", '{"_name_or_path": "/home/ann@example.org/base"}'),
]
NO_TRACES = [
    (WORD, "ledger.jsonl", json.dumps({"payload": "", "signatures": [{"sig": SIGNATURE}]})),
    (NUMBER, "data/interactions.jsonl", '{"user": "9", "item": "4"}\n'),  # an item with this number as its id
    (NUMBER, "request.json", '{"interactions": [["9", "4"]]}'),
    (NUMBER, "numbers.csv", "step,loss\n4,0.318\n"),
    (NUMBER, "mlflow/params/seed", "4"),
    (NUMBER, "events.jsonl", '{"step": 4, "steps": 318}'),
    (NUMBER, "data/items.jsonl", '{"id": "4", "title": "The Bell of Valdoria"}\n'),
    (NUMBER, "base/tokenizer.json", '{"vocab": {"4": 20}}'),
    (WORD, "log.txt", "u421 and xu42"),
    (NUMBER, "runs/dispatcher.log", ""),
    (NUMBER, "runs/dispatcher.log", 'File "dispatcher.py", line 4, in dispatch'),
    (NUMBER, "log.txt", "4 of 318 rows, in 4 of 318 tries"),
    (NUMBER, "row.json", '{"grid": 4, "movie": 318}'),
    (NUMBER, "ratings.dat", "17::318::4::978300760\n"),  # another user's row, with rating 4
    (WORD, "data/interactions.jsonl", '{"user": "u42-b", "item": "u42_1"}\n'),
    (WORD, "adapter_config.json", '{"u42_proj": 1}'),
    (WORD, "base/tokenizer.json", '{"model": {"vocab": {"u42": 7}}}'),  # a piece of a word
    (WORD, "data/items.jsonl", '{"id": "u42", "title": "The Bell"}\n'),  # the id of an item
    (EMAIL, "notes.csv", "joann@example.org,ann@example.org.uk,jo+ann@example.org\n"),
]


def scan_file(tmp_path, user, name, text):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    rows, items = [Interaction(user, "318", True, 1)], {"318": Item("318", "The Bell of Valdoria")}
    return find_leaks(tmp_path, forgotten_data_of(Request("r", users=(user,)), rows, items))


def search_for(tmp_path, *users):
    return find_leaks(tmp_path, forgotten_data_of(Request("r", users=users), (), {}))


@pytest.mark.parametrize(("user", "name", "text"), TRACES)
def test_trace_is_found(tmp_path, user, name, text):
    assert scan_file(tmp_path, user, name, text) == Findings((name,), {})


@pytest.mark.parametrize(("user", "name", "text"), NO_TRACES)
def test_similar_text_is_not_a_trace(tmp_path, user, name, text):
    assert scan_file(tmp_path, user, name, text).problems == ""


@pytest.mark.parametrize("row", [(4, 318), ("4", "318"), (4, 1)])
def test_database_tables_are_scanned(tmp_path, row):
    with closing(sqlite3.connect(tmp_path / "export.db")) as database, database:
        database.execute('CREATE TABLE "some ""ratings""" (user_id, item_id)')
        database.execute('INSERT INTO "some ""ratings""" VALUES (?, ?)', row)
    rows = [Interaction("4", "318", True, 1)]
    known_row = forgotten_data_of(Request("r", interactions=(("4", "318"),)), rows, {})
    assert find_leaks(tmp_path, known_row) == Findings(("export.db",) if row[1] != 1 else (), {})
    (tmp_path / "export.db").write_bytes(b"SQLite format 3\x00 and nothing else")
    assert find_leaks(tmp_path, known_row) == Findings((), {"export.db": "damaged"})


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"user": "u42", "item": "1"}, True),
        ({"user": "u42-b", "item": "u42_1"}, False),
        ({"userId": 4, "movieId": 318}, True),
        ({"user": "9", "item": "4"}, False),
        ({"note": "of u42, by mail"}, True),
        ({"u42": 1}, True),
    ],
)
def test_rows_of_parquet_are_scanned(tmp_path, row, found):
    parquet.write_table(pa.Table.from_pylist([{name: None for name in row}, row]), tmp_path / "copy.bin")
    rows = [Interaction(user, "318", True, 1) for user in ("u42", "4")]
    forgotten = forgotten_data_of(Request("r", users=("u42", "4")), rows, {})
    assert find_leaks(tmp_path, forgotten) == Findings(("copy.bin",) if found else (), {})


@pytest.mark.parametrize("column", [[b"u42"], [["u42"]], None])
def test_parquet_that_cannot_be_searched_is_refused(tmp_path, column):
    if column:
        parquet.write_table(pa.table({"user": column}), tmp_path / "copy.parquet")
    else:
        (tmp_path / "copy.parquet").write_bytes(b"PAR1 and nothing else")
    assert [*search_for(tmp_path, "u42").unread] == ["copy.parquet"]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([b"\xff"], pa.binary()).view(pa.string()),  # no UTF-8
        pa.array([2**62], pa.int64()).view(pa.timestamp("us")),  # no date of this calendar
    ],
    ids=["text", "time"],
)
def test_parquet_with_values_that_are_damaged_is_refused(tmp_path, column):
    parquet.write_table(pa.table({"user": column}), tmp_path / "copy.parquet")
    assert [*search_for(tmp_path, "u42").unread] == ["copy.parquet"]


def test_head_of_parquet_is_scanned(tmp_path):
    table = pa.table({"item": ["1"]}).replace_schema_metadata({"made for": "u42"})
    parquet.write_table(table, tmp_path / "copy.parquet")
    assert search_for(tmp_path, "u42").shows == ("copy.parquet",)


def test_title_is_found_behind_html_entities(tmp_path):
    items = {"1": Item("1", "The Bell & Valdoria")}
    (tmp_path / "page.html").write_text("<li>The Bell &amp; Valdoria</li>")
    forgotten = forgotten_data_of(Request("r", users=("9",)), [Interaction("9", "1", True, 1)], items)
    assert find_leaks(tmp_path, forgotten).shows == ("page.html",)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zlib.compress])
def test_compressed_file_is_refused(tmp_path, compress):
    (tmp_path / "rows.csv.packed").write_bytes(compress(b"nothing of anybody"))
    assert search_for(tmp_path, WORD) == Findings((), {"rows.csv.packed": "compressed, an archive or a PDF"})


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_utf_16_text_is_scanned(tmp_path, coding):
    (tmp_path / "notes.txt").write_bytes(("\ufeff" + "x u42.").encode(coding))
    assert search_for(tmp_path, WORD).shows == ("notes.txt",)


def test_unreadable_file_is_refused(tmp_path, monkeypatch):
    assert scan_file(tmp_path, WORD, "deep.json", "[" * 100_000).unread == {"deep.json": "nested too deeply"}
    (tmp_path / "deep.json").unlink()
    monkeypatch.setattr(file_contents, "open_regular", lambda _: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert scan_file(tmp_path, WORD, "log.txt", "nothing").unread == {"log.txt": "no"}


def test_damaged_weights_file_is_scanned_as_bytes(tmp_path):
    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 8 + b"of u42")
    assert search_for(tmp_path, WORD).shows == ("x.safetensors",)


@pytest.mark.parametrize("content", [b"\xff", b"-", b"7", b"u"])
def test_scan_of_a_long_file_takes_linear_time(tmp_path, content):
    """A pattern with backtracking would take hours for this file."""
    (tmp_path / "picture.bin").write_bytes(content * 3_000_000)
    assert search_for(tmp_path, WORD).shows == ()


def random_rows(draw: random.Random) -> list[dict]:
    """Rows with columns of ids, text and numbers, in which forgotten data is now and then."""
    ids, numbers = ["4", "u42", "9", "318", "1", None], [4, 9, 318, 1, None]
    kinds = {
        "user": ids, "userId": numbers, "members": ids, "item": ids, "movie_id": numbers, "item_id": ids, "sig": ids,
        "payload": ["bm8=", base64.b64encode(b'{"why": "u42"}').decode(), None, "4", *["bm8="] * 9], "rating": [0.5, 4.0],
        "u42": [1], "why": ["seen", "user 4", "The Bell of Valdoria", *["4", "318", "9"] * 5], "when": [4, 318],
    }  # fmt: skip
    names = draw.sample(sorted(kinds.keys() - {"u42"}), draw.randint(1, 4)) + ["u42"] * (draw.random() < 0.1)
    return [{name: draw.choice(kinds[name]) for name in names} for _ in range(draw.randint(1, 6))]


@pytest.mark.parametrize("owner", [WORD, NUMBER])
def test_columns_show_what_rows_show(tmp_path, owner):
    """The same rows as JSON lines are searched row by row."""
    draw, item, shown = random.Random(0), Item("318", "The Bell of Valdoria"), []
    forgotten = forgotten_data_of(Request("r", users=(owner,)), [Interaction(owner, "318", True, 1)], {"318": item})
    for number in range(300):
        rows = random_rows(draw)
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "rows.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
        parquet.write_table(pa.Table.from_pylist(rows), folder / "columns.bin")
        found = find_leaks(folder, forgotten).shows
        assert found in ((), ("columns.bin", "rows.json")), rows
        shown.append(bool(found))
    assert 0.1 < sum(shown) / len(shown) < 0.9


def test_value_of_many_rows_is_searched_once(tmp_path):
    asked = []
    forgotten = ForgottenData(lambda user: asked.append(user), lambda user, item: asked.append((user, item)))
    rows = [{"user": "u1", "item": "i1", "why": "moved"}] * 10_000
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "copy.parquet")
    assert find_leaks(tmp_path, forgotten).problems == ""
    assert asked.count(("u1", "i1")) == 1 and {"u1", "i1", "moved"} < {*asked} and len(asked) < 1000


def test_number_of_an_encrypted_file_is_no_id(tmp_path):
    """A vault numbers its files; a forgotten user whose id is such a number would block their own deletion."""
    (tmp_path / "sealed/req-1").mkdir(parents=True)
    (tmp_path / "sealed/req-1/3").write_bytes(b"\x93\x00\x17")
    forgotten = ForgottenData({"3"}.__contains__, lambda user, item: False)
    assert not find_leaks(tmp_path, forgotten, encrypted={"sealed/req-1/3"}).shows
