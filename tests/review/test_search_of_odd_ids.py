"""Search for ids with odd characters: found in every encoding, spelling and place, and only where they stand whole."""

import csv
import html
import io
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from core.review.forgotten_data import BARE_NUMBER, MIN_BYTES, ForgottenData, forgotten_data_of
from core.review.leak_scan import find_leaks
from core.types import Request

ODD = (
    "a|b",
    "ann smith",
    "x:y",
    'say "ann"',
    "o'neil",
    "''\"0",
    "+49 170 1234567",
    "mü|ller",
    "müller",
    "東京 7",
    "a\\b",
    "50% ann",
    "<ann>",
    "a&b",
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "utf-16", "utf-32-le", "utf-32-be", "utf-32")
SPELLINGS = {
    "as it is": str,
    "JSON": lambda one: json.dumps(one)[1:-1],
    "JSON in UTF-8": lambda one: json.dumps(one, ensure_ascii=False)[1:-1],
    "HTML": html.escape,
    "address": lambda one: f"https://example.org/?who={quote(one)}",
    "form": lambda one: f"https://example.org/?who={quote_plus(one)}",
    "CSV": lambda one: write_csv(one, "318"),
}


def write_csv(*cells: str) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def write_table(path: Path, value: object) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE notes (note)")
        database.execute("INSERT INTO notes VALUES (?)", (value,))


PLACES = {
    "JSON value": lambda path, one: path.write_text(json.dumps({"note": {"of": [one]}})),
    "JSON line": lambda path, one: path.write_text('{"a": 1}\n' + json.dumps({"user": one}) + "\n"),
    "SQLite text": write_table,
    "SQLite bytes": lambda path, one: write_table(path, f"of {one}.".encode("utf-16-le")),
    "Parquet": lambda path, one: parquet.write_table(pa.table({"note": ["x", one]}), path),
    "NumPy text": lambda path, one: np.save(path.open("wb"), np.array([f"{one}"] * 3)),
    "NumPy bytes": lambda path, one: np.save(path.open("wb"), np.array([one.encode()] * 3)),
    "unknown format": lambda path, one: path.write_bytes(b"\x01\x02\xff\x00" + one.encode() + b"\x00\x03\xfe"),
    "wide text in an unknown format": lambda path, one: path.write_bytes(
        b"\x01\xff" + one.encode("utf-16-be") + b"\x01\xff\x02"
    ),
}

UNKNOWN = ("unknown format", "wide text in an unknown format", "SQLite bytes")


def ids():
    letters = st.sampled_from("abz079ÄüéЖ東 |:;,\"'@+.-/&<>%\\=()")
    drawn = st.text(letters, min_size=2, max_size=12).map(str.strip)
    return st.sampled_from(ODD) | drawn.filter(
        lambda one: any(map(str.isalnum, one)) and not BARE_NUMBER.fullmatch(one)
    )


def search(folder: Path, *users: str, **options):
    return find_leaks(folder, forgotten_data_of(Request("r", users=users), (), {}), **options)


@settings(max_examples=300, deadline=None)
@given(ids(), st.sampled_from(ENCODINGS), st.sampled_from(sorted(SPELLINGS)))
def test_an_id_is_found_in_every_spelling_and_encoding(one, encoding, spelling):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "notes").write_bytes(f"asked by: {SPELLINGS[spelling](one)}\nand gone\n".encode(encoding))
        assert search(Path(folder), one).shows == ("notes",)


@settings(max_examples=200, deadline=None)
@given(ids(), st.sampled_from(sorted(PLACES)))
def test_an_id_is_found_in_every_place(one, place):
    with tempfile.TemporaryDirectory() as folder:
        PLACES[place](Path(folder, "notes"), one)
        found = search(Path(folder), one)
        short = place in UNKNOWN and len(one.encode()) < MIN_BYTES  # as few bytes are chance, so the file is not read
        assert found.shows == ("notes",) or (short and [*found.unread] == ["notes"])


@settings(max_examples=200, deadline=None)
@given(ids().filter(lambda one: len(one) > 1 and one[0].isalnum() and one[-1].isalnum()), st.sampled_from(ENCODINGS))
def test_a_longer_word_is_another(one, encoding):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "notes").write_bytes(f"x{one} and {one}9\n".encode(encoding))
        assert search(Path(folder), one).problems == ""


@pytest.mark.parametrize("one", ODD)
def test_an_id_is_found_in_a_name(tmp_path, one):
    (tmp_path / f"notes of {one}.txt".replace("/", "")).write_text("nothing")
    (tmp_path / f"{one}").mkdir()
    assert len(search(tmp_path, one).shows) == 2


@pytest.mark.parametrize("one", ["4", "-4", "4.5", "???", "|"])
def test_a_bare_number_or_sign_stands_everywhere(tmp_path, one):
    (tmp_path / "notes.txt").write_text(f"What is {one}, asked 4 | 4.5 of -4 ???\n")
    assert search(tmp_path, one).problems == ""


@pytest.mark.parametrize("one", ["a|b", "x:y", "ann smith", 'say "ann"'])
@pytest.mark.parametrize("line", ["{},318\n", "asked\n{}\n"])
def test_a_later_search_finds_whole_cells_and_lines(tmp_path, one, line):
    """Only the pseudonyms of words are known then."""
    (tmp_path / "notes.csv").write_text(line.format(one))
    assert find_leaks(tmp_path, ForgottenData(one.__eq__, lambda *_: False)).shows == ("notes.csv",)
