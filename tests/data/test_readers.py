"""Dataset readers: MovieLens editions, column mappings, and one-sentence errors for bad files."""

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from core.data.readers import READERS, Columns, read
from core.errors import DataError
from core.types import Interaction, Item, Task

FULL_MOVIELENS = Path(__file__).parents[3] / "shared/data/ml-latest-small"
CASES = Path(__file__).parents[3] / "shared/data/cases"
TWEETINGS = Path(__file__).parents[3] / "shared/data/movietweetings-100k"
HEADER = "user,item,title,rating,time\n"
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


def read_error(source: str, columns: Columns | None = None) -> str:
    """Return the error message for a source, and check that it is one sentence on one line."""
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
def test_movielens_editions_give_the_same_dataset(tmp_path, edition):
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


def test_latin_1_title_may_contain_next_line_character(tmp_path):
    source = movielens(tmp_path, "dat")
    (tmp_path / "movies.dat").write_bytes(b"1::Wait\x85 What::Comedy\n2::B::Drama\n")
    assert read(source).items[0].title == "Wait\x85 What"


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
    assert read(f"jsonl:{tmp_path / 'a.jsonl'}", columns).interactions == expected
    assert read(table, columns) == read(f"jsonl:{tmp_path / 'a.jsonl'}", columns)


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
    assert "neither ratings.csv nor ratings.dat nor u.data" in read_error(f"movielens:{tmp_path}")


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
    assert "Item '2' is rated but has no title" in read_error(source)


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


def case(name: str) -> Path:
    folder = CASES / name
    if not folder.exists():
        pytest.skip(f"../shared/data/cases/{name} is not on this machine")
    return folder


def test_case_movielens_100k():
    dataset = read(f"movielens:{case('01-ml100k/ml-100k')}")
    assert len({event.user for event in dataset.interactions}) == 40
    assert len(dataset.items) == 30 and len(dataset.interactions) == 480
    assert {item.id: item.title for item in dataset.items}["5"] == "Paper Mirror 4 Café (1995)"


@pytest.mark.parametrize("name", ["reviews.jsonl", "reviews.jsonl.gz"])
def test_case_headline_of_a_review_is_no_title(name):
    columns = Columns(user="user_id", item="parent_asin", time="timestamp")
    message = read_error(f"jsonl:{case('03-amazon2023') / name}", columns)
    assert "Item 'B004' has 16 different titles" in message and "--items" in message


def test_case_recbole_by_name_and_as_a_table():
    folder = case("05-recbole")
    by_name = read(f"recbole:{folder}")
    assert len(by_name.interactions) == 480 and by_name.interactions[0].time >= 1_500_000_000
    assert {item.id: item.title for item in by_name.items}["4"] == "Paper Mirror 4"
    names = "user_id:token", "item_id:token", "movie_title:token_seq", "rating:float", "timestamp:float"
    as_table = read(f"csv:{folder / 'mine.inter'}", Columns(*names), items=folder / "mine.item")
    assert as_table.interactions == by_name.interactions and as_table.items == by_name.items


def test_case_implicit_data():
    folder = case("06-implicit")
    plays = read(f"csv:{folder / 'plays.csv'}", task=Task.NEXT_ITEM)
    assert len(plays.interactions) == 480 and all(event.liked for event in plays.interactions)
    assert "no column 'rating'" in read_error(f"csv:{folder / 'plays.csv'}")
    clicks = read(f"csv:{folder / 'clicks01.csv'}", Columns(rating="label"))
    assert sum(event.liked for event in clicks.interactions) == 208
    assert any("0 and 1: 1 and above" in note for note in clicks.notes)
    with pytest.raises(DataError, match="All 480 ratings are 1"):
        read(f"csv:{folder / 'all-ones.csv'}", task=Task.NEXT_ITEM)


@pytest.mark.parametrize(("name", "line"), [("stray-quote.csv", 207), ("stray-quote-short.csv", 0)])
def test_case_stray_quote_is_refused_with_its_line(name, line):
    path = case("10-csv") / name
    first = 1 + next(i for i, text in enumerate(path.read_text().splitlines()) if '"' in text)
    assert first == (line or first)
    assert f"line {first} has a quote mark that is not closed" in read_error(f"csv:{path}")


def test_case_lines_after_a_quoted_newline_are_counted_right():
    assert "line 7 has rating 'bad'" in read_error(f"csv:{case('10-csv') / 'newline.csv'}")


def test_case_nested_values_are_refused():
    assert "line 1 has several values in column 'user'" in read_error(f"jsonl:{case('10-csv') / 'nested.jsonl'}")


def test_case_blank_line_at_the_end_is_no_row():
    assert len(read(f"jsonl:{case('10-csv') / 'trailing-blank.jsonl'}").interactions) == 480


def test_case_doubled_rows_and_second_titles_are_told():
    dataset = read(f"csv:{case('10-csv') / 'dups.csv'}")
    rows = (case("10-csv") / "dups.csv").read_text().splitlines()[1:]
    assert dataset.summary.read == len(rows)
    assert dataset.summary.dropped["same row twice"] == len(rows) - len(dataset.interactions) > 0
    assert any("items have several titles" in note and "(again)" in note for note in dataset.notes)


def test_case_ids_in_two_spellings_are_refused():
    assert "'0' and '0.0' are one number" in read_error(f"csv:{case('10-csv') / 'pandas-ids.csv'}")


@pytest.mark.parametrize("name", ["ids.csv", "colon-users.csv", "space-users.csv"])
def test_case_ids_are_read_without_blanks_around_them(name):
    users = {event.user for event in read(f"csv:{case('08-ids') / name}").interactions}
    assert len(users) == 40 and all(user == user.strip() for user in users)


@pytest.mark.skipif(not TWEETINGS.is_dir(), reason="../shared/data/movietweetings-100k is not on this machine")
def test_movietweetings_are_read_on_their_scale_of_ten():
    dataset = read(f"movietweetings:{TWEETINGS}")
    assert dataset.summary.read == 100_000 and len({event.user for event in dataset.interactions}) == 16_554
    assert "up to 10: 8 and above counts as liked" in " ".join(dataset.notes)
    assert {item.id for item in dataset.items} >= {"0104257"}
    assert any(item.title.startswith("Fantômas - À l'ombre") for item in dataset.items)


TABLE = [("user", "item", "title", "rating", "time"), ("a", "1", "One", "5", "100"), ("b", "2", "Two", "1", "200")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("header", [True, False])
def test_delimiter_is_found(tmp_path, delimiter, compressed, header):
    text = "".join(delimiter.join(row) + "\r\n" for row in (TABLE if header else TABLE[1:])).encode()
    (tmp_path / "a").write_bytes(gzip.compress(text) if compressed else text)
    columns = Columns() if header else Columns("1", "2", "3", "4", "5")
    assert read(f"csv:{tmp_path / 'a'}", columns).interactions == (
        Interaction("a", "1", True, 100, 5.0),
        Interaction("b", "2", False, 200, 1.0),
    )


def test_header_may_have_blanks_and_file_may_be_latin_1(tmp_path):
    (tmp_path / "a").write_bytes(b" user , item,title ,rating,time\na,1,Caf\xe9,5,1\n\nb,2,Two,1,2\n")
    assert read(f"csv:{tmp_path / 'a'}").items[0].title == "Café"


@pytest.mark.parametrize(
    ("ratings", "least"), [((0, 1), 1), ((0.5, 5), 4), ((1, 10), 8), ((-1, 1, 4), 4), ((-1, 2, 9), 8)]
)
def test_threshold_follows_the_scale(tmp_path, ratings, least):
    rows = "".join(f"a,{index},T{index},{rating},{index}\n" for index, rating in enumerate(ratings))
    dataset = read(csv_file(tmp_path, HEADER + rows))
    assert [event.liked for event in dataset.interactions] == [one >= least for one in ratings if one != -1]
    assert any(f"{least} and above counts as liked" in note for note in dataset.notes)
    assert dataset.summary.dropped == ({"not rated (-1)": 1} if -1 in ratings else {})


def test_threshold_can_be_given(tmp_path):
    source = csv_file(tmp_path, HEADER + "a,1,T,3,1\na,2,U,250,2\n")
    assert "--liked" in read_error(source)
    assert [event.liked for event in read(source, liked=200).interactions] == [False, True]
    with pytest.raises(DataError, match="Nobody likes anything"):
        read(source, liked=1000)
    with pytest.raises(DataError, match="Everybody likes everything"):
        read(source, liked=1)


@pytest.mark.parametrize(
    "time", ["1500000000", "1500000000.7", "1500000000728", "1500000000728000", "1500000000728000999",
             "2017-07-14T02:40:00Z", "2017-07-14 02:40:00", "Thu Jul 13 19:40:00 -0700 2017"],
)  # fmt: skip
def test_times_are_read_in_any_unit(tmp_path, time):
    source = csv_file(tmp_path, HEADER + f"a,1,T,5,{time}\na,2,U,1,{time}\n")
    assert {event.time for event in read(source).interactions} == {1_500_000_000}


def test_times_without_a_common_unit_are_refused(tmp_path):
    source = csv_file(tmp_path, HEADER + "a,1,T,5,1500000000\na,2,U,1,1500000000728\n")
    assert "no common unit" in read_error(source)


def test_title_that_two_items_share_is_shown_with_the_id(tmp_path):
    dataset = read(csv_file(tmp_path, HEADER + "a,1,Hamlet,5,1\na,2,Hamlet,1,2\na,3,Other,1,3\n"))
    assert [item.title for item in dataset.items] == ["Hamlet [1]", "Hamlet [2]", "Other"]
    assert any(note.startswith("2 items share a title") for note in dataset.notes)


def parquet(path: Path) -> str:
    pq.write_table(pa.table(dict(zip(TABLE[0], zip(*TABLE[1:], strict=True), strict=True))), path)
    return f"parquet:{path}"


def test_parquet_and_saved_datasets_equal_the_table(tmp_path):
    text = "".join(",".join(row) + "\n" for row in TABLE)
    expected = read(csv_file(tmp_path, text))
    assert read(parquet(tmp_path / "a.parquet")) == expected
    table, folder = pq.read_table(tmp_path / "a.parquet"), tmp_path / "saved"
    folder.mkdir()
    with pa.ipc.new_stream(folder / "data-00000-of-00001.arrow", table.schema) as file:
        file.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    assert read(f"datasets:{folder}") == expected
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    assert "cannot be read as Parquet" in read_error(f"parquet:{tmp_path / 'broken.parquet'}")


NAMED = {
    "amazon2018": {
        "Books_5.json.gz": '{"reviewerID": "a", "asin": "1", "overall": 5.0, "unixReviewTime": 100, "summary": "wow"}\n'
        '{"reviewerID": "b", "asin": "2", "overall": 1.0, "unixReviewTime": 200}\n',
        "meta_Books.json.gz": '{"asin": "1", "title": "One", "category": ["X", "Y"]}\n{"asin": "2", "title": "Two"}\n',
    },
    "amazon2023": {
        "Books.jsonl": '{"user_id": "a", "parent_asin": "1", "title": "wow", "rating": 5.0, "timestamp": 1500000000100}\n'
        '{"user_id": "b", "parent_asin": "2", "title": "no", "rating": 1.0, "timestamp": 1500000000200}\n',
        "meta_Books.jsonl": '{"parent_asin": "1", "title": "One", "categories": ["X", "Y"]}\n'
        '{"parent_asin": "2", "title": "Two"}\n',
    },
    "goodreads": {
        "goodreads_interactions_poetry.json.gz": '{"user_id": "a", "book_id": "1", "rating": 5, "date_updated": '
        '"Thu Jul 13 19:40:00 -0700 2017"}\n{"user_id": "b", "book_id": "2", "rating": 1, "date_updated": '
        '"Thu Jul 13 19:41:00 -0700 2017"}\n{"user_id": "b", "book_id": "1", "rating": 0, "date_updated": '
        '"Thu Jul 13 19:41:00 -0700 2017"}\n',
        "goodreads_books_poetry.json.gz": '{"book_id": "1", "title": "One"}\n{"book_id": "2", "title": "Two"}\n',
    },
    "bookcrossing": {
        "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\n"a";"1";"9"\n"b";"2";"2"\n"b";"1";"0"\n',
        "BX-Books.csv": '"ISBN";"Book-Title";"Book-Author"\n"1";"One";"A \\"B\\" C"\n"2";"Two";"D; E"\n',
    },
    "movielens": {
        "ratings.csv": "userId,movieId,rating,timestamp\na,1,5,100\nb,2,1,200\n",
        "movies.csv": "movieId,title,genres\n1,One,X|Y\n2,Two,(no genres listed)\n",
    },
    "recbole": {
        "x.inter": "user_id:token\titem_id:token\trating:float\ttimestamp:float\na\t1\t5\t100\nb\t2\t1\t200\n",
        "x.item": "item_id:token\ttitle:token_seq\tclass:token_seq\n1\tOne\tX|Y\n2\tTwo\t\n",
    },
}


def named_folder(folder: Path, kind: str) -> str:
    for name, text in NAMED[kind].items():
        (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return f"{kind}:{folder}"


@pytest.mark.parametrize("kind", NAMED)
def test_public_data_set_is_read_by_its_name(tmp_path, kind):
    dataset = read(named_folder(tmp_path, kind))
    assert [(item.id, item.title) for item in dataset.items] == [("1", "One"), ("2", "Two")]
    assert [(event.user, event.item, event.liked) for event in dataset.interactions] == [
        ("a", "1", True),
        ("b", "2", False),
    ]
    if kind in ("amazon2018", "amazon2023", "movielens", "recbole"):
        assert dataset.items[0].genres == ("X", "Y")
    assert dataset.summary.dropped == ({"not rated (0)": 1} if kind in ("goodreads", "bookcrossing") else {})


def test_lastfm_counts_plays(tmp_path):
    (tmp_path / "user_artists.dat").write_text("userID\tartistID\tweight\n2\t51\t13883\n3\t52\t11690\n")
    (tmp_path / "artists.dat").write_text('id\tname\turl\tpictureURL\n51\tDuran "Duran"\thttp\thttp\n52\tAir\th\th\n')
    assert "counts" in read_error(f"lastfm:{tmp_path}")
    dataset = read(f"lastfm:{tmp_path}", liked=1, task=Task.NEXT_ITEM)
    assert [item.title for item in dataset.items] == ['Duran "Duran"', "Air"]


@pytest.mark.parametrize("kind", NAMED)
def test_public_data_set_without_its_catalogue_is_refused(tmp_path, kind):
    source, (_, catalogue) = named_folder(tmp_path, kind), NAMED[kind]
    (tmp_path / catalogue).unlink()
    assert "--items" in read_error(source)
