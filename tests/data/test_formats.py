"""Formats, scales, times and public data sets by name."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from core.data.readers import Columns, read
from core.errors import DataError
from core.types import Interaction, Task
from tests.data.files import HEADER, NAMED, content, csv_file, named_folder, read_error

TABLE = [("user", "item", "title", "rating", "time"), ("a", "1", "One", "5", "100"), ("b", "2", "Two", "1", "200")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "::"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("header", [True, False])
def test_delimiter_is_found(tmp_path, delimiter, compressed, header):
    text = "".join(delimiter.join(row) + "\r\n" for row in (TABLE if header else TABLE[1:])).encode()
    (tmp_path / "a").write_bytes(gzip.compress(text) if compressed else text)
    columns = Columns() if header else Columns("1", "2", "3", "4", "5")
    assert tuple(read(f"csv:{tmp_path / 'a'}", columns).interactions) == (
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


@pytest.mark.parametrize("ratings", [(-1, 1), (1, -1, -1)])
def test_thumbs_down_is_no_missing_rating(tmp_path, ratings):
    rows = "".join(f"a,{index},T{index},{rating},{index}\n" for index, rating in enumerate(ratings))
    dataset = read(csv_file(tmp_path, HEADER + rows))
    assert [event.liked for event in dataset.interactions] == [one == 1 for one in ratings]
    assert not dataset.summary.dropped and "Ratings are -1 and 1: 1 and above counts as liked." in dataset.notes


@pytest.mark.parametrize("ratings", [(-1, 0, 1), (-10, -1, 9.5), (-0.5, 5)])
def test_negative_ratings_have_no_known_scale(tmp_path, ratings):
    rows = "".join(f"a,{index},T{index},{rating},{index}\n" for index, rating in enumerate(ratings))
    source = csv_file(tmp_path, HEADER + rows)
    assert "no known scale" in read_error(source)
    dataset = read(source, liked=1)
    assert len(dataset.interactions) == len(ratings) and not dataset.summary.dropped


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
    assert "Items that share a title, shown with their id: 2." in dataset.notes


def parquet(path: Path) -> str:
    pq.write_table(pa.table(dict(zip(TABLE[0], zip(*TABLE[1:], strict=True), strict=True))), path)
    return f"parquet:{path}"


def test_parquet_and_saved_datasets_equal_the_table(tmp_path):
    text = "".join(",".join(row) + "\n" for row in TABLE)
    expected = content(csv_file(tmp_path, text))
    assert content(parquet(tmp_path / "a.parquet")) == expected
    table, folder = pq.read_table(tmp_path / "a.parquet"), tmp_path / "saved"
    folder.mkdir()
    with pa.ipc.new_stream(folder / "data-00000-of-00001.arrow", table.schema) as file:
        file.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    assert content(f"datasets:{folder}") == expected
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    assert "give a complete file" in read_error(f"parquet:{tmp_path / 'broken.parquet'}")


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
