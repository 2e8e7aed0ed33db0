"""Search for forgotten data in ordinary shapes of JSON, tables, logs and names, whole and broken off."""

import json
import pickle
import sqlite3
import time
import unicodedata
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from core.review import file_contents
from core.review.file_parts import JsonReader
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import Findings, find_leaks
from core.types import Interaction, Item, Request
from core.workspace.layout import WorkspaceLayout
from tests.review.test_unread_files import packed_in_tar


def search(folder: Path, *users: str) -> Findings:
    return find_leaks(folder, forgotten_data_of(Request("r", users=users), (), {}))


def search_row(folder: Path, user: str = "u1", item: str = "i3", title: str = "") -> Findings:
    """Search for one row of a user who stays."""
    known = {item: Item(item, title)} if title else {}
    rows = [Interaction(user, item, True, 1)]
    return find_leaks(folder, forgotten_data_of(Request("r", interactions=((user, item),)), rows, known))


PERSON = {
    "colours around a word": (b"asked by \x1b[1mu4242\x1b[0m twice\n", "u4242"),
    "colours around an address": (b"asked by \x1b[32manna@example.com\x1b[0m twice\n", "anna@example.com"),
    "colours around a number": (b"user \x1b[1;36m4711\x1b[0m asked\n", "4711"),
    "line that names the sign": (b"sep=;\nuser;note\n4711;hello\n", "4711"),
    "note above the header": (b"# export of May\nuser,note\n4711,hello\n", "4711"),
    "columns parted by blanks": (b"user   note\n4711   hello\n", "4711"),
    "header with an empty cell": (b"\tuser\tnote\n0\t4711\thello\n", "4711"),
    "columns of pandas": (b'{"user": {"0": 4711, "1": 5}, "note": {"0": "a", "1": "b"}}', "4711"),
    "counts of users": (b'{"user": {"4711": 5.0}}', "4711"),
    "path as a payload": (b'{"payload": "/srv/exports/customers/u4242/interactions/all"}', "u4242"),
    "path as a signature": (b'{"sig": "exports/of/customers/and/more/u4242/interactions"}', "u4242"),
    "indented XML": (b"<users>\n    <user>\n        <id>4711</id>\n    </user>\n</users>\n", "4711"),
    "indented YAML": (b"user:\n          id: 4711\n", "4711"),
    "JSON cut in an object": (b'{"user": {\n    "id": 4711,\n    "note": ', "4711"),
    "zero behind a table": (b"user,note\n4711,hello\n\0", "4711"),
    "list parted by zeros": (b"u42\0u43\0u44\0", "u42"),
    "pickle": (pickle.dumps({"user": 4711}), "4711"),
    "pickle that names a key again": (pickle.dumps([{"user": 12}, {"user": 4711}]), "4711"),
    "mail": (b"Content-Transfer-Encoding: quoted-printable\n\nasked by j=C3=B6rg-7 twice", "jörg-7"),
    "broken line of a mail": (
        b"Content-Transfer-Encoding: quoted-printable\n\nasked by anna.schmi=\ndt@example.com",
        "anna.schmidt@example.com",
    ),
}


@pytest.mark.parametrize("shape", PERSON)
def test_person_is_found(tmp_path, shape):
    content, user = PERSON[shape]
    (tmp_path / "notes").write_bytes(content)
    assert search(tmp_path, user).shows == ("notes",)


DEEP = {"u1": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": {"k": {"item": "i3"}}}}}}}}}}}
ROW = {
    "pretty documents": b'{"user": "u1",\n "item": "i3"}\n{"user": "u2",\n "item": "i4"}\n',
    "cut document": b'[{"user": "u1",\n "item": "i3"},\n {"user": "u2",\n "item": ',
    "text above": b'reply:\n{"user": "u1",\n "item": "i3"}\n',
    "JSON in a log": b'12:00 INFO {"user": "u1", "item": "i3"}\n',
    "history beside": b'{"user": "u1", "history": ["i3", "i5"]}',
    "odd name beside": b'{"user": "u1", "film": "i3"}',
    "list below": b'{"u1": {"liked": ["i3", "i5"]}}',
    "keys below": b'{"u1": {"ratings": {"i3": 4.0}}}',
    "keys beside": b'{"user": "u1", "ratings": {"i3": 4.0}}',
    "many levels": json.dumps(DEEP).encode(),
    "columns of pandas": b'{"user": {"0": "u1"}, "item": {"0": "i3"}}',
    "rows of pandas": b'{"columns": ["user", "time", "item"], "data": [["u1", 5, "i3"]]}',
    "list of three": b'[["u1", "i3", 4.0]]',
    "pickle": pickle.dumps({"user": "u1", "item": "i3"}),
    "tuple in a pickle": pickle.dumps([("u1", "i3")]),
    "parted by zeros": b"u1\0i3\0u1\0i4\0",
    "colours": b"\x1b[1mu1\x1b[0m,\x1b[1mi3\x1b[0m\n",
    "as Python prints it": b"[('u1', 'i3', 4.0)]\n",
}


@pytest.mark.parametrize("shape", ROW)
def test_row_is_found(tmp_path, shape):
    (tmp_path / "notes").write_bytes(ROW[shape])
    assert search_row(tmp_path).shows == ("notes",)
    assert not search_row(tmp_path, "u9").shows and not search_row(tmp_path, item="i9").shows


NO_ROW = {
    "another row of pandas": b'{"user": {"0": "4711", "1": "9"}, "item": {"0": "5", "1": "318"}}',
    "rating beside": b'{"user": "4711", "item": "5", "rating": "318"}',
    "list of items": b'{"history": ["4711", "5", "318"]}',
    "rows the other way": b'{"rows": [["318", "4711"]]}',
    "size": b"shape (4711, 318)\n",
    "numbers of a pickle": pickle.dumps([4711, 318]),
}


@pytest.mark.parametrize("shape", NO_ROW)
def test_numbers_that_are_no_row_are_none(tmp_path, shape):
    (tmp_path / "notes").write_bytes(NO_ROW[shape])
    assert search_row(tmp_path, "4711", "318").problems == ""


UNREAD = {
    "trailing comma": b'[{"user": "u1",\n "item": "i3",\n },\n]',
    "cut list": b'[\n["u1",\n "i3"\n',
    "tar": packed_in_tar(b'{"user": {\n    "id": 4711\n}}'),
    "many that break off": b"text " + b'{"a":\n' * 100,
}


@pytest.mark.parametrize("shape", UNREAD)
def test_broken_json_and_archives_are_not_called_clean(tmp_path, shape):
    (tmp_path / "notes").write_bytes(UNREAD[shape])
    assert [*search_row(tmp_path).unread] == ["notes"]


HONEST = {
    "log of JSON and text": '{"step": 1}\nTraceback (most recent call last):\n  File "a.py", line 1\n{"step": 2}\n',
    "entry that was cut": '{"step": 1}\n{"step": 2, "more": [1, ',
    "log of JSON with times": '{"step": 1}\n[12:00:01] done\n[INFO] done\n',
    "entry that was cut between others": '{"step": 1}\n{"step": 2, "more": [1, \n{"step": 3}\n',
    "settings": "[section]\nname = 5\n",
    "list of tables in TOML": '[[tool]]\nname = "a"\n',
    "array that NumPy printed": "[[0.1 0.2]\n [0.3 0.4]]\n",
    "log that counts users": "users: 610, items: 9724\nstep, loss\n4711, 0.5\n10%|# \r20%|## \r\n",
    "columns that count their rows": '{"user": {"0": 5, "1": 6}, "n": {"0": 1, "1": 2}}',
    "log with times": "[12:00:01] started\n[12:00:02] done\n",
    "template": '{%- if messages %}{{ "<s>" }}{% endif %}\n',
    "script": '<script>\nconst a = {"b": c, "d": [1, 2]};\n</script>\n',
    "terminal": "\x1b(B\x1b[mdone \x1b[1m3\x1b[0m of 4\n",
}


@pytest.mark.parametrize("shape", HONEST)
def test_ordinary_text_is_clean(tmp_path, shape):
    (tmp_path / "notes").write_text(HONEST[shape])
    assert search(tmp_path, "0", "1", "4711", "u4242").problems == ""


def test_entry_of_a_ledger_longer_than_a_block_is_read_whole(tmp_path, monkeypatch):
    """A deletion of many rows signs a pseudonym for each."""
    monkeypatch.setattr(file_contents, "BLOCK", 512)
    entry = json.dumps({"rows": [f"{number:064x}" for number in range(100)]})
    (tmp_path / "ledger.jsonl").write_text(f'{{"step": 1}}\n{entry}\n{{"user": "u7"}}\n')
    assert search(tmp_path, "u4242").problems == ""
    assert search(tmp_path, "u7").shows == ("ledger.jsonl",)


def test_text_of_seven_bits_is_not_called_clean(tmp_path):
    (tmp_path / "notes").write_bytes("asked by 花子7 twice".encode("iso-2022-jp"))
    assert [*search(tmp_path, "花子7").unread] == ["notes"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("shape", ["text", "json", "name"])
def test_title_is_found_with_its_accents_in_either_form(tmp_path, form, shape):
    title = unicodedata.normalize(form, "Amélie et le café")
    text = json.dumps({"t": f"see {title}"}) if shape == "json" else f"saw {title} twice"
    (tmp_path / (f"{title}.txt" if shape == "name" else "notes")).write_text("" if shape == "name" else text)
    assert search_row(tmp_path, title="Amélie et le café").shows


@pytest.mark.parametrize("text", ['{"user": "%s", "item": "i3"}', "%s,i3,4\n"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_row_is_found_with_accents_in_either_form(tmp_path, text, form):
    (tmp_path / "notes").write_text(text % unicodedata.normalize(form, "jörg"))
    assert search_row(tmp_path, user="jörg").shows
    assert search(tmp_path, "jo", "rg").problems == ""


@pytest.mark.parametrize(
    "text", ["saw The Garden\nof Eden twice", "saw The  Garden of Eden", "The&nbsp;Garden of Eden"]
)
def test_title_is_found_however_its_words_are_parted(tmp_path, text):
    (tmp_path / "notes").write_text(text)
    assert search_row(tmp_path, title="The Garden of Eden").shows


def test_address_as_an_item_s_id_is_found(tmp_path):
    path = WorkspaceLayout(tmp_path).items
    path.parent.mkdir()
    path.write_text('{"id": "anna7@example.com", "title": "Garden", "genres": []}\n{"id": "u42", "title": "x"}\n')
    assert search(tmp_path, "anna7@example.com").shows and not search(tmp_path, "u42").shows


@pytest.mark.parametrize("name", ["4711/x", "users/4711/x", "4711.d/x"])
def test_number_as_a_folder_s_name_is_found(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text("")
    assert search(tmp_path, "4711").shows == (name,)


@pytest.mark.parametrize("name", ["u1/i3", "u1/i3.json", "u1-i3.txt"])
def test_row_in_names_is_found(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    assert search_row(tmp_path).shows == (name,)


def test_number_in_a_table_of_users_is_found(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x.db")) as one, one:
        one.execute("CREATE TABLE users (id INTEGER, age INTEGER)")
        one.execute("INSERT INTO users VALUES (4711, 30)")
    assert search(tmp_path, "4711").shows and not search(tmp_path, "30").shows


def test_item_under_an_odd_name_is_found_in_columns(tmp_path):
    parquet.write_table(pa.table({"user": ["u1", "u2"], "film": ["i3", "i4"]}), tmp_path / "x.parquet")
    assert search_row(tmp_path).shows and search_row(tmp_path, item="i4").problems == ""


@pytest.mark.parametrize(
    "text", ['{"a":' * 900, '{"a": [' + "1," * 300_000, '{"' * 300_000, '{"a":\n' * 400 + "1," * 99_999]
)
def test_json_that_breaks_off_is_read_in_linear_time(text):
    started = time.monotonic()
    assert not [*JsonReader().read_amid(text)]
    assert time.monotonic() - started < 3
