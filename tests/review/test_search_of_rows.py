"""Search for rows in every order, for numbers in a user's place, and in text of other encodings; in linear time."""

import json
import sqlite3
import time
from contextlib import closing

import pytest

from core.review.forgotten_data import ForgottenData, forgotten_data_of
from core.review.leak_scan import find_leaks
from core.types import Interaction, Request

WORD, USER, ITEM = "u4242", "4711", "318"
PLACES = [
    ("a.json", '{"user": {"id": 4711}}'),
    ("a.json", '{"user_ids": [4711, 12]}'),
    ("a.json", '{"users": [[4711]]}'),
    ("a.json", '{"users": [{"id": 4711, "age": 30}]}'),
    ("a.json", '{"members": {"4711": {"age": 30}}}'),
    ("a.yaml", "user_id: 4711\n"),
    ("a.yaml", "users:\n- 12\n- 4711\n"),
    ("a.log", "GET /?userId=4711\n"),
    ("a.log", "GET /?a=1&user_id=4711.0\n"),
    ("a.xml", '<user id="4711"/>\n'),
    ("a.xml", "<user><id>4711</id></user>\n"),
    ("a.log", "users=[12, 4711]\n"),
    ("a.log", "user_ids: 12, 4711\n"),
    ("a.log", "{'user': {'id': 4711}}\n"),
    ("a.log", "uid 4711 came"),
    ("a.csv", "user_id,why\n4711,moved\n"),
    ("a.csv", 'why;"User ID"\nmoved;"4711"\n'),
    ("a.dat", "when::UserID\n1260::4711\n"),
]
NOT_PLACES = [
    "user 9, 4711 rows",
    "superuser 4711",
    "users (of 4711)",
    '{"user": {"age": 4711}}',
    '{"users": {"count": 4711}}',
    '{"items": ["4711", "5", "6"]}',
    "user_id,item\n9,4711\n",
]
ROWS = [
    "user,time,item,rating\n4711,1260759144,318,5\n",
    "5,4711,1260759144,318,x\n",
    "item,rating,time,user\n318,5,1260759144,4711\n",
    "rating,item,user\n5,318,4711\n",
    "rating\titem\tuser\n5\t318.0\t4711.0\n",
    '{"user": "4711", "history": [{"item": "318"}]}',
    '{"user": 4711, "a": {"b": {"movie": {"id": 318}}}}',
    '{"users": [{"id": "4711", "seen": [{"item": "318"}]}, {"id": "9"}]}',
    '{"by_user": {"4711": [{"itemId": 318}]}}',
    '{"4711": ["318"]}',
    '{"4711": {"318": 5.0}}',
    '{"4711": [318, 319]}',
    '{"user": 4711, "items": {"318": 5.0}}',
]
NO_ROWS = [
    "17,318,4711,9\n",
    '{"user": "9", "history": [{"user": "4711"}, {"item": "318"}]}',
    '{"4711": 318}',
    '[{"user": "4711"}, {"item": "318"}]',
]


def search(folder, *users):
    return find_leaks(folder, forgotten_data_of(Request("r", users=users or (WORD,)), (), {}))


def search_row(folder, user=USER, item=ITEM):
    """Search for one row of a user who stays."""
    asked = Request("r", interactions=((user, item),))
    return find_leaks(folder, forgotten_data_of(asked, [Interaction(user, item, True, 1)], {}))


@pytest.mark.parametrize(("name", "text"), PLACES)
def test_number_in_a_user_s_place_is_found(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert search(tmp_path, USER).shows == (name,)


@pytest.mark.parametrize("text", NOT_PLACES)
def test_number_elsewhere_is_none(tmp_path, text):
    (tmp_path / "a").write_text(text)
    assert search(tmp_path, USER).problems == ""


@pytest.mark.parametrize("text", ROWS)
def test_row_is_found_wherever_its_user_and_item_stand(tmp_path, text):
    (tmp_path / "rows").write_text(text)
    assert search_row(tmp_path).shows == ("rows",)
    assert search_row(tmp_path, USER, "7").problems == ""


@pytest.mark.parametrize("text", NO_ROWS)
def test_row_of_somebody_else_is_none(tmp_path, text):
    (tmp_path / "rows").write_text(text)
    assert search_row(tmp_path).problems == ""


def test_row_with_letters_is_found_in_either_order(tmp_path):
    (tmp_path / "rows").write_text("when,what\n1260,m-318,5,anna-7\n")
    assert search_row(tmp_path, "anna-7", "m-318").shows == ("rows",)


NAMES = [("Žofie Šímová", "iso8859-2"), ("Иван-77", "koi8-r"), ("東京 7", "shift-jis")]


@pytest.mark.parametrize(("user", "encoding"), NAMES)
@pytest.mark.parametrize("more", ["", "and a word more of this and that " * 9])
def test_text_of_another_encoding_is_not_called_clean(tmp_path, user, encoding, more):
    (tmp_path / "notes.txt").write_bytes(f"asked by: {user}\n{more}".encode(encoding))
    assert [*search(tmp_path, user).unread] == ["notes.txt"]


def test_log_with_a_character_cut_is_searched_for_ids_of_ascii_only(tmp_path):
    """Where only pseudonyms are known, nobody knows which characters the ids have."""
    (tmp_path / "a.log").write_bytes(b"10 %|\xe2\x96\x88\xe2\x96| of the steps, by " + "Müller".encode("cp1252"))
    assert search(tmp_path, WORD, USER).problems == ""
    assert search(tmp_path, "Müller").shows == ("a.log",)
    assert [*search(tmp_path, "Žofie").unread] == ["a.log"]
    assert [*find_leaks(tmp_path, ForgottenData({WORD}.__contains__, lambda *_: False)).unread] == ["a.log"]
    with closing(sqlite3.connect(tmp_path / "a.log.db")) as one, one:
        one.execute("CREATE TABLE notes (note)")
        one.execute("INSERT INTO notes VALUES (?)", ((tmp_path / "a.log").read_bytes(),))
    assert search(tmp_path, WORD).problems == "" and len(search(tmp_path, "Žofie").unread) == 2


LONG = [
    "a" * 400_000 + " +=",
    "a=" * 200_000 + " +",
    "=+" * 200_000,
    "user " * 100_000,
    "users=[" * 60_000,
    "1,2," * 20_000,
    "4.0;" * 20_000,
    "&#" + "1" * 400_000,
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_search_of_a_long_line_takes_linear_time(text):
    """Four megabytes of it would hold an approval up for hours, with both locks held."""
    started = time.monotonic()
    assert not forgotten_data_of(Request("r", users=(WORD,)), (), {}).shows(text)
    assert time.monotonic() - started < 3


def test_object_with_very_many_users_and_items_is_not_searched(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"users": [*range(20_000)], "items": [*range(20_000)]}))
    assert [*search_row(tmp_path, "99999").unread] == ["a.json"]
