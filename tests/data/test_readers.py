"""Readers: both MovieLens editions, column mappings, and one clear sentence for every kind of bad file."""

import json
import re
from pathlib import Path

import pytest

from core.data.readers import Columns, read
from core.errors import DataError
from core.types import Interaction, Item

REAL = Path(__file__).parents[3] / "shared/data/ml-latest-small"
HEADER = "user,item,title,rating,time\n"
MOVIES = [
    ("1", "Sunday at Harrow Station (2024)", "Drama|Mystery"),
    ("2", "Café, or the Bell", "(no genres listed)"),
    ("3", "Never Met", ""),
]
RATINGS = [("7", "2", "3.5", "200"), ("7", "1", "4.0", "100"), ("8", "1", "1", "300")]


def movielens(folder: Path, edition: str) -> str:
    if edition == "csv":
        movies = "movieId,title,genres\n" + "".join(f'{i},"{title}",{genres}\n' for i, title, genres in MOVIES)
        ratings = "userId,movieId,rating,timestamp\n" + "".join(",".join(row) + "\n" for row in RATINGS)
    else:
        movies, ratings = ("".join("::".join(row) + "\n" for row in rows) for rows in (MOVIES, RATINGS))
    encoding = "utf-8" if edition == "csv" else "latin-1"
    (folder / f"movies.{edition}").write_text(movies, encoding=encoding)
    (folder / f"ratings.{edition}").write_text(ratings, encoding=encoding)
    return f"movielens:{folder}"


def refused(source: str, columns: Columns | None = None) -> str:
    """The message of a refusal, which must be one sentence on one line."""
    with pytest.raises(DataError) as error:
        read(source, columns)
    message = str(error.value)
    assert type(error.value) is DataError
    assert "\n" not in message
    assert message.endswith(".") and not re.search(r"[.!?] [A-Z]", message)
    return message


def csv_file(folder: Path, text: str, name: str = "ratings.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return f"csv:{folder / name}"


@pytest.mark.parametrize("edition", ["csv", "dat"])
def test_both_movielens_editions_say_the_same(tmp_path, edition):
    dataset = read(movielens(tmp_path, edition))
    assert dataset.items == (
        Item("1", "Sunday at Harrow Station (2024)", ("Drama", "Mystery")),
        Item("2", "Café, or the Bell"),
    )
    assert dataset.interactions == (
        Interaction("7", "1", True, 100, 4.0),
        Interaction("7", "2", False, 200, 3.5),
        Interaction("8", "1", False, 300, 1.0),
    )


def test_a_latin_1_title_may_hold_the_next_line_character(tmp_path):
    source = movielens(tmp_path, "dat")
    (tmp_path / "movies.dat").write_bytes(b"1::Wait\x85 What::Comedy\n2::B::Drama\n")
    assert read(source).items[0].title == "Wait\x85 What"


@pytest.mark.skipif(not REAL.is_dir(), reason="../shared/data/ml-latest-small is not on this machine")
def test_the_real_movielens_is_read_whole():
    dataset = read(f"movielens:{REAL}")
    assert len(dataset.interactions) == 100_004
    assert len({event.user for event in dataset.interactions}) == 671
    assert {event.item for event in dataset.interactions} == {item.id for item in dataset.items}
    assert [event.time for event in dataset.interactions] == sorted(event.time for event in dataset.interactions)
    assert "Toy Story (1995)" in {item.title for item in dataset.items}


def test_columns_are_mapped_by_name(tmp_path):
    columns = Columns("who", "asin", "name", "stars", "unix")
    row = {"who": "ann", "asin": 17, "name": "The Quiet Widow", "stars": 4.5, "unix": 1_700_000_000.0, "more": [1]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    table = csv_file(tmp_path, ",".join(row) + "\n" + "ann,17,The Quiet Widow,4.5,1700000000,x\n")
    expected = (Interaction("ann", "17", True, 1_700_000_000, 4.5),)
    assert read(f"jsonl:{tmp_path / 'a.jsonl'}", columns).interactions == expected
    assert read(table, columns) == read(f"jsonl:{tmp_path / 'a.jsonl'}", columns)


def test_a_rating_of_four_is_liked_and_less_is_not(tmp_path):
    source = csv_file(tmp_path, HEADER + "a,1,T,4.0,1\na,2,U,3.999,2\n")
    assert [event.liked for event in read(source).interactions] == [True, False]


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path):
    assert len(read(csv_file(tmp_path, "\ufeff" + HEADER + "a,1,T,4,1\n")).interactions) == 1


@pytest.mark.parametrize("source", ["ratings.csv", "parquet:x", "csv:", ""])
def test_a_source_that_is_not_understood_names_the_kinds(source):
    assert "movielens, csv, jsonl" in refused(source)


def test_a_path_that_is_not_there(tmp_path):
    assert "nowhere.csv is not there" in refused(f"csv:{tmp_path / 'nowhere.csv'}")
    assert "neither ratings.csv nor ratings.dat" in refused(f"movielens:{tmp_path}")


@pytest.mark.parametrize("name", ["user", "item", "title", "rating", "time"])
def test_a_missing_column_says_how_to_map_it(tmp_path, name):
    message = refused(csv_file(tmp_path, HEADER.replace(name, "other") + "a,1,T,4,1\n"))
    assert f"no column '{name}'" in message and f"--columns {name}=NAME" in message


def test_a_short_row_names_its_line(tmp_path):
    assert "line 3 has nothing in column 'time'" in refused(
        csv_file(tmp_path, HEADER + "a,1,T,4,1\nb,1,T,4\n", "ratings.txt")
    )


@pytest.mark.parametrize("edition", ["csv", "dat"])
def test_a_movielens_file_without_a_field(tmp_path, edition):
    source = movielens(tmp_path, edition)
    path = tmp_path / f"ratings.{edition}"
    path.write_text(path.read_text().replace(",timestamp", "").replace("::300", ""))
    assert "timestamp" in refused(source) if edition == "csv" else "line 3 does not have 4 fields" in refused(source)


def test_a_movielens_folder_without_its_catalogue(tmp_path):
    source = movielens(tmp_path, "csv")
    (tmp_path / "movies.csv").unlink()
    assert "movies.csv" in refused(source)


def test_a_rated_item_without_a_title(tmp_path):
    source = movielens(tmp_path, "csv")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,A,Drama\n")
    assert "Item '2' is rated but has no title" in refused(source)


@pytest.mark.parametrize("rating", ["good", "nan", "inf", "4,5"])
def test_a_rating_that_is_no_number(tmp_path, rating):
    assert "line 2 has rating" in refused(csv_file(tmp_path, HEADER + f'a,1,T,"{rating}",1\n'))


@pytest.mark.parametrize("time", ["2024-01-01", "inf"])
def test_a_time_that_is_no_number(tmp_path, time):
    assert "Unix seconds" in refused(csv_file(tmp_path, HEADER + f"a,1,T,4,{time}\n"))


@pytest.mark.parametrize("text", ["", HEADER])
def test_an_empty_file(tmp_path, text):
    assert "no ratings" in refused(csv_file(tmp_path, text))


def test_a_title_with_html_is_kept_as_text_and_noted(tmp_path):
    dataset = read(csv_file(tmp_path, HEADER + "a,1,<script>alert(1)</script>,4,1\na,2,Plain,4,2\n"))
    assert dataset.items[0].title == "<script>alert(1)</script>"
    assert dataset.notes and "1 of 2 titles" in dataset.notes[0]


@pytest.mark.parametrize("title", ["x" * 10_000, "<" * 10_000])
def test_a_title_of_ten_thousand_characters(tmp_path, title):
    assert "10,000 characters" in refused(csv_file(tmp_path, HEADER + f"a,1,{title},4,1\n"))


@pytest.mark.parametrize("line", ["{", "[1, 2]", "3", ""])
def test_a_line_that_is_no_json_object(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(line + "\n")
    assert "line 1 is not a JSON object" in refused(f"jsonl:{tmp_path / 'a.jsonl'}")


@pytest.mark.parametrize("field", ["user", "title"])
def test_half_a_character_from_a_json_escape(tmp_path, field):
    row = {"user": "a", "item": "1", "title": "T", "rating": 4, "time": 1} | {field: "\ud800"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    assert "cannot be read as text" in refused(f"jsonl:{tmp_path / 'a.jsonl'}")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_that_is_no_text(tmp_path, kind):
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00rating")
    assert "cannot be read as text" in refused(f"{kind}:{tmp_path / 'a'}")
    assert "cannot be read as text" in refused(f"{kind}:{tmp_path}")
