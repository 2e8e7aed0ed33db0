"""Ids and times that a program cut, and ids that look the same: two people must never become one without a word."""

import json

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from core.data.readers import Columns, read
from core.data.rounded_numbers import is_rounded
from core.data.times import parse_time
from tests.data.files import HEADER, csv_file, read_error, read_error_of

ROW = {"user": "u", "item": "1", "title": "T", "rating": 5, "time": 1_500_000_000}


@pytest.mark.parametrize("column", ["user", "item"])
@pytest.mark.parametrize("cell", ["1.23457E+17", "1E+12", "1,5e+20", "12345678901234567890.0", "-2e+9"])
def test_an_id_without_its_last_digits_is_refused_with_its_line(tmp_path, column, cell):
    row = ROW | {column: f'"{cell}"'}
    source = csv_file(tmp_path, HEADER + "a,2,U,1,1\n" + ",".join(map(str, row.values())) + "\n")
    if cell.endswith(".0"):  # all digits are there
        assert len(read(source).interactions) == 2
    else:
        message = read_error(source)
        assert f"line 3 has {cell!r} in column {column!r}" in message and "all digits" in message


@pytest.mark.parametrize("cell", [12345678901234567.0, float("inf"), -1e300])
def test_a_float_that_holds_no_whole_id_is_refused(tmp_path, cell):
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW | {"user": cell}))
    assert "line 1 has" in (message := read_error(f"jsonl:{tmp_path / 'a.jsonl'}")) and "column 'user'" in message
    table = {name: [value, value] for name, value in (ROW | {"user": cell}).items()}
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    assert "row 1 has" in read_error(f"parquet:{tmp_path / 'a.parquet'}")


def test_an_id_of_a_catalogue_without_its_last_digits_is_refused(tmp_path):
    (tmp_path / "items.csv").write_text("item,title\n1,A\n9.78E+12,B\n")
    source = csv_file(tmp_path, "user,item,rating,time\na,1,5,1\nb,1,1,2\n")
    assert "items.csv line 3 has '9.78E+12'" in read_error_of(source, items=tmp_path / "items.csv")


@pytest.mark.parametrize("cell", ["12e45", "1e5", "3E07", "e+5", "1.50000E+5", "12E+4"])
def test_ids_of_letters_and_whole_numbers_are_taken(tmp_path, cell):
    assert not is_rounded(cell)
    assert cell in read(csv_file(tmp_path, f"{HEADER}{cell},1,T,5,1\nb,2,U,1,2\n")).interactions.users()


def test_a_time_without_its_last_digits_is_refused_also_in_a_later_row(tmp_path):
    rows = "a,1,T,5,1500000000000\na,1,T,1,1500000100000\na,1,T,5,1.5E+12\n"
    message = read_error(csv_file(tmp_path, HEADER + rows))
    assert "line 4 has time '1.5E+12'" in message and "all digits" in message
    assert parse_time("1.500000000e+09") == (1.5e9, False)  # as numpy writes it


@pytest.mark.parametrize(
    ("first", "second"),
    [("u1", "u1\u200b"), ("\ufeffu1", "u1"), ("Jos\u00e9", "Jose\u0301"), ("\u200bä", "ä\u200d"), ("a\u00ad", "a")],
)
@pytest.mark.parametrize("column", ["user", "item"])
def test_ids_that_look_the_same_are_refused(tmp_path, column, first, second):
    rows = [ROW | {column: first}, ROW | {column: second, "rating": 1}]
    text = HEADER + "".join(",".join(map(str, row.values())) + "\n" for row in rows)
    message = read_error(csv_file(tmp_path, text))
    assert f"The {column} ids" in message and "look the same" in message and message.isascii()


def test_ids_that_look_different_are_taken(tmp_path):
    ids = ["👍🏽", "👍", "👨‍👩‍👧", "José", "Jose", "Ａ", "A", "007", "7", "ann@x", "Ann@x"]
    text = HEADER + "".join(f"{one},{n},T{n},{n % 5 + 1},{n}\n" for n, one in enumerate(ids))
    assert set(read(csv_file(tmp_path, text)).interactions.users()) == set(ids)


@pytest.mark.parametrize(
    "text", ["20170714103000", "2017-07-14 10:30:00 UTC", "2017-07-14 10:30:00.25 UTC", "2017-07-14T10:30:00Z"]
)
def test_dates_as_warehouses_write_them_are_read(text):
    seconds, dated = parse_time(text)
    assert dated and int(seconds) == 1_500_028_200


def test_compact_dates_are_read_in_every_row(tmp_path):
    rows = "".join(f"a,1,T,{n % 5 + 1},201707141030{n:02}\n" for n in range(9))
    times = [one.time for one in read(csv_file(tmp_path, HEADER + rows)).interactions]
    assert times == list(range(1_500_028_200, 1_500_028_209))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rating": "true"}, "has rating 'true': give a number, such as 1 for liked"),
        ({"rating": ""}, "has nothing in column 'rating': fill it, or remove the row"),
        ({"time": "7/14/2017"}, "has time '7/14/2017': give Unix seconds with all digits, or a date such as"),
    ],
)
def test_the_sentence_says_what_is_wrong_with_a_cell(tmp_path, change, words):
    row = ROW | change
    assert f"line 2 {words}" in read_error(csv_file(tmp_path, HEADER + ",".join(map(str, row.values())) + "\n"))


def test_a_missing_column_is_told_with_those_that_are_there(tmp_path):
    source = csv_file(tmp_path, "User,item,title,rating,time\na,1,T,5,1\nb,1,T,1,2\n")
    assert "no column 'user', only User, item, title, rating, time: map the user" in read_error(source)
    assert len(read(source, Columns(user="User")).interactions) == 2
