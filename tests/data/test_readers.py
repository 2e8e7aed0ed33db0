"""Dataset readers: MovieLens editions, column mappings, and one-sentence errors for bad files."""

import json
from pathlib import Path

import pytest

from core.data.readers import READERS, Columns, read
from core.types import Interaction, Item
from tests.data.files import HEADER, content, csv_file, read_error

FULL_MOVIELENS = Path(__file__).parents[3] / "shared/data/ml-latest-small"
OTHER = "z,9,Another,1,9\n"  # so that not everybody likes everything
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


@pytest.mark.parametrize("edition", ["csv", "dat"])
def test_movielens_editions_give_the_same_dataset(tmp_path, edition):
    dataset = read(movielens(tmp_path, edition))
    assert dataset.items == (
        Item("1", "Sunday at Harrow Station (2024)", ("Drama", "Mystery")),
        Item("2", "Café, or the Bell"),
    )
    assert tuple(dataset.interactions) == (
        Interaction("7", "1", True, 100, 4.0),
        Interaction("7", "2", False, 200, 3.5),
        Interaction("8", "1", False, 300, 1.0),
    )


def test_a_byte_that_latin_1_has_for_a_line_end_is_no_line_end(tmp_path):
    source = movielens(tmp_path, "dat")
    (tmp_path / "movies.dat").write_bytes(b"1::Wait\x85 What::Comedy\n2::B::Drama\n")
    assert read(source).items[0].title == "Wait… What"


@pytest.mark.skipif(not FULL_MOVIELENS.is_dir(), reason="../shared/data/ml-latest-small is not on this machine")
def test_full_movielens_dataset_is_read():
    dataset = read(f"movielens:{FULL_MOVIELENS}")
    assert len(dataset.interactions) == 100_004
    assert len({event.user for event in dataset.interactions}) == 671
    assert {event.item for event in dataset.interactions} == {item.id for item in dataset.items}
    assert [event.time for event in dataset.interactions] == sorted(event.time for event in dataset.interactions)
    assert "Toy Story (1995)" in {item.title for item in dataset.items}


def test_columns_are_mapped_by_name(tmp_path):
    columns = Columns("who", "asin", "name", "stars", "unix")
    row = {"who": "ann", "asin": 17, "name": "The Quiet Widow", "stars": 4.5, "unix": 1_700_000_000.0, "more": [1]}
    other = row | {"who": "bob", "stars": 1, "unix": 1_700_000_001}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(row)}\n\n{json.dumps(other)}\n\n")
    table = csv_file(
        tmp_path, ",".join(row) + "\nann,17,The Quiet Widow,4.5,1700000000,x\nbob,17,The Quiet Widow,1,1700000001,x\n"
    )
    expected = (
        Interaction("ann", "17", True, 1_700_000_000, 4.5),
        Interaction("bob", "17", False, 1_700_000_001, 1.0),
    )
    assert tuple(read(table, columns).interactions) == expected
    assert content(table, columns) == content(f"jsonl:{tmp_path / 'a.jsonl'}", columns)


def test_rating_of_four_or_more_is_liked(tmp_path):
    source = csv_file(tmp_path, HEADER + "a,1,T,4.0,1\na,2,U,3.999,2\n")
    assert [event.liked for event in read(source).interactions] == [True, False]


def test_byte_order_mark_is_not_part_of_first_column(tmp_path):
    assert len(read(csv_file(tmp_path, "\ufeff" + HEADER + "a,1,T,4,1\n" + OTHER)).interactions) == 2


@pytest.mark.parametrize("source", ["ratings.csv", "excel:x", "csv:", ""])
def test_error_for_unknown_source_names_known_kinds(source):
    assert all(kind in read_error(source) for kind in READERS)


def test_missing_path_is_refused(tmp_path):
    assert "nowhere.csv is not there" in read_error(f"csv:{tmp_path / 'nowhere.csv'}")
    assert "holds no ratings.csv or ratings.dat or u.data" in read_error(f"movielens:{tmp_path}")


@pytest.mark.parametrize("name", ["user", "item", "title", "rating", "time"])
def test_error_for_missing_column_shows_the_mapping_option(tmp_path, name):
    message = read_error(csv_file(tmp_path, HEADER.replace(name, "other") + "a,1,T,4,1\n"))
    assert f"no column '{name}'" in message and f"--columns {name}=NAME" in message


def test_error_for_short_row_names_its_line(tmp_path):
    assert "line 3 has nothing in column 'time'" in read_error(
        csv_file(tmp_path, HEADER + "a,1,T,4,1\nb,1,T,4\n", "ratings.txt")
    )


@pytest.mark.parametrize("edition", ["csv", "dat"])
def test_movielens_row_with_missing_field_is_refused(tmp_path, edition):
    source = movielens(tmp_path, edition)
    path = tmp_path / f"ratings.{edition}"
    path.write_text(path.read_text().replace(",timestamp", "").replace("::300", ""))
    assert ("more than the 3 columns" if edition == "csv" else "nothing in column 'timestamp'") in read_error(source)


def test_movielens_folder_without_movies_file_is_refused(tmp_path):
    source = movielens(tmp_path, "csv")
    (tmp_path / "movies.csv").unlink()
    assert "movies.csv" in read_error(source)


def test_rated_item_without_title_is_refused(tmp_path):
    source = movielens(tmp_path, "csv")
    (tmp_path / "movies.csv").write_text("movieId,title,genres\n1,A,Drama\n")
    assert "Item '2' and others of 1 rows are rated but have no title" in read_error(source)


@pytest.mark.parametrize("rating", ["good", "nan", "inf", "4,5"])
def test_non_numeric_rating_is_refused(tmp_path, rating):
    assert "line 2 has rating" in read_error(csv_file(tmp_path, HEADER + f'a,1,T,"{rating}",1\n'))


@pytest.mark.parametrize("time", ["soon", "2024-13-01", "inf"])
def test_non_numeric_time_is_refused(tmp_path, time):
    assert "Unix seconds" in read_error(csv_file(tmp_path, HEADER + f"a,1,T,4,{time}\n"))


@pytest.mark.parametrize("text", ["", HEADER])
def test_empty_file_is_refused(tmp_path, text):
    assert "no ratings" in read_error(csv_file(tmp_path, text))


def test_title_with_html_is_kept_and_noted(tmp_path):
    dataset = read(csv_file(tmp_path, HEADER + "a,1,<script>alert(1)</script>,4,1\na,2,Plain,3,2\n"))
    assert dataset.items[0].title == "<script>alert(1)</script>"
    assert any("1 of 2 titles" in note for note in dataset.notes)


@pytest.mark.parametrize("title", ["x" * 10_000, "<" * 10_000])
def test_overlong_title_is_refused(tmp_path, title):
    assert "10,000 characters" in read_error(csv_file(tmp_path, HEADER + f"a,1,{title},4,1\n" + OTHER))


@pytest.mark.parametrize("line", ["{", "[1, 2]", "3"])
def test_line_without_json_object_is_refused(tmp_path, line):
    (tmp_path / "a.jsonl").write_text(line + "\n")
    assert "line 1 is not a JSON object" in read_error(f"jsonl:{tmp_path / 'a.jsonl'}")


@pytest.mark.parametrize("field", ["user", "title"])
def test_lone_surrogate_in_json_is_refused(tmp_path, field):
    row = {"user": "a", "item": "1", "title": "T", "rating": 4, "time": 1} | {field: "\ud800"}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    assert "cannot be read as text" in read_error(f"jsonl:{tmp_path / 'a.jsonl'}")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_binary_file_is_refused(tmp_path, kind):
    (tmp_path / "a").write_bytes(b"\xff\xfe\x00rating")
    assert "cannot be read as text" in read_error(f"{kind}:{tmp_path / 'a'}")
    assert "cannot be read as text" in read_error(f"{kind}:{tmp_path}")
