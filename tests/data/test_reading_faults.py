"""Data that looks right and is not: nothing of it is read wrong without a word."""

import bz2
import gzip
import json
import lzma
import os
import tracemalloc

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from core.data.prompts import escape
from core.data.readers import Columns, read
from core.data.readers.summary import summary_rows
from core.types import Task
from tests.data.files import HEADER, content, csv_file, named_folder, read_error, read_error_of, tables


def test_all_files_of_ratings_are_read_and_named(tmp_path):
    head, items = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n", "item_id:token\ttitle:token_seq\n"
    tables(
        tmp_path, ml__train__inter=head + "a\t1\t5\t1\n", ml__test__inter=head + "b\t2\t1\t2\n", _hidden__inter="",
        ml__item=items + "1\tOne\n2\tTwo\n",
    )  # fmt: skip
    (tmp_path / "_hidden.inter").rename(tmp_path / "._ml.inter")
    dataset = read(f"recbole:{tmp_path}")
    assert len(dataset.interactions) == 2
    assert "Files of ratings: ml.test.inter, ml.train.inter." in dataset.notes


def test_ratings_are_there_or_not_for_the_whole_table(tmp_path):
    rows = "u1,1,A,1,100\nu1,2,B,5,101\n"
    message = read_error_of(csv_file(tmp_path, HEADER.replace("rating", "Rating") + rows), task=Task.NEXT_ITEM)
    assert "--columns rating=Rating" in message
    named = Columns(rating="Strs")
    assert "no column 'Strs'" in read_error_of(csv_file(tmp_path, HEADER + rows), columns=named, task=Task.NEXT_ITEM)
    none = read(csv_file(tmp_path, HEADER + rows), Columns(rating=""), task=Task.NEXT_ITEM)
    assert all(event.liked for event in none.interactions)
    assert "There are no ratings: every row counts as liked." in none.notes
    mixed = [{"user": "a", "item": n, "title": f"T{n}", "time": n} | ({"rating": 5} if n == 1 else {}) for n in (1, 2)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, mixed)))
    assert "no column 'rating'" in read_error_of(f"jsonl:{tmp_path / 'a.jsonl'}", task=Task.NEXT_ITEM)


def test_index_column_is_never_taken_for_a_rating(tmp_path):
    rows = "".join(f"{n},u{n % 3},{n},T{n},{n}\n" for n in range(9))
    source = csv_file(tmp_path, ",user,item,title,time\n" + rows)
    assert "click needs ratings" in read_error_of(source, columns=Columns(rating=""))
    assert "no column ''" in read_error_of(source, columns=Columns(rating="time", title=""))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("user,item,title,rating,time,rating\na,1,A,5,1,0\n", "two columns 'rating'"),
        ("user,item,rating,time,title,genres\na,1,5,1,Dr, Strange,\n", "has 7 cells"),
        (HEADER + 'u1,2,B,5,1\nu1,1,"Heroes\n1,1,1,5",5,1\n', "line 3 has a quote mark that swallows"),
        (HEADER.replace(",", "::") + "7::1::Mission:: Impossible::5::1\n", "use another delimiter than '::'"),
    ],
)
def test_cells_that_would_be_mixed_up_are_refused(tmp_path, text, words):
    assert words in read_error(csv_file(tmp_path, text))


def test_blank_first_line_quoted_tabs_and_blanks_before_quotes(tmp_path):
    text = '\n"user"\t"item"\t"title"\t"rating"\t"time"\n"a"\t1\t"Say ""Hi"", now"\t5\t1\nb\t2\tTwo, or; more\t1\t2\n'
    tabs = read(csv_file(tmp_path, text))
    assert [item.title for item in tabs.items] == ['Say "Hi", now', "Two, or; more"]
    spaced = read(csv_file(tmp_path, HEADER + 'a, 1, "A", 5, 1\nb, 2, "B, or C", 1, 2\n'))
    assert [item.title for item in spaced.items] == ["A", "B, or C"]


def test_bytes_that_are_not_utf_8_are_told_also_where_the_last_one_shows_it(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"user,item,rating,time,title\na,1,5,1,B\nb,2,1,2,Caf\xe9")
    dataset = read(f"csv:{tmp_path / 'a.csv'}")
    assert dataset.items[1].title == "Café"
    assert any("a.csv is not valid UTF-8 (line 3): such bytes are read as" in note for note in dataset.notes)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_one_wrong_byte_leaves_the_other_letters_as_they_are(tmp_path, pack):
    rows = "".join(f"u{n},{n},Amélie {n} – 千と千尋 👍,{n % 5 + 1},{n}\n" for n in range(40_000))  # several chunks
    bad = "z,z,Ocean’s “11” – Café €,5,1\n".encode("cp1252")
    (tmp_path / "a.csv").write_bytes(pack((HEADER + rows).encode() + bad))
    dataset = read(f"csv:{tmp_path / 'a.csv'}")
    titles = {item.id: item.title for item in dataset.items}
    assert titles == {str(n): f"Amélie {n} – 千と千尋 👍" for n in range(40_000)} | {"z": "Ocean’s “11” – Café €"}
    assert any("(line 40002)" in note for note in dataset.notes)


def test_all_bytes_of_latin_1_are_read(tmp_path):
    letters = bytes(byte for byte in range(0xA0, 0x100))
    (tmp_path / "a.csv").write_bytes(
        HEADER.encode() + b"a,1,x" + b" ".join(bytes([one]) for one in letters) + b",5,1\nb,2,U,1,2\n"
    )
    assert read(f"csv:{tmp_path / 'a.csv'}").items[0].title == "x" + " ".join(letters.decode("latin-1"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ((HEADER + "a,1,T,5,1\n").encode("utf-16"), "UTF-16): save it as UTF-8"),
        ((HEADER + "a,1,T,5,1\n").encode("utf-16-le"), "zero byte): save it as text in UTF-8"),
        (gzip.compress(gzip.compress(HEADER.encode(), mtime=0), mtime=0), "compressed twice): unpack it once"),
        (bz2.compress(HEADER.encode()), "bzip2): unpack it"),
        (lzma.compress(HEADER.encode()), "xz): unpack it"),
        (b"PK\x03\x04ratings", "a zip archive or an Excel workbook): unpack the archive, or save the sheet"),
        (b"PAR1\x15\x04PAR1", "a Parquet file): write parquet: before its path"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_files_that_are_no_text_are_named(tmp_path, kind, content, words):
    (tmp_path / "a").write_bytes(content)
    assert words in read_error(f"{kind}:{tmp_path / 'a'}")
    assert "a folder): name the file in it" in read_error(f"{kind}:{tmp_path}")


def test_catalogue_with_several_titles_is_told_or_refused(tmp_path):
    tables(tmp_path, r__csv="user,item,rating,time\na,1,5,1\nb,2,1,2\n", i__csv="item,title\n1,A\n1,B\n2,C\n2,D\n")
    assert "different titles" in read_error_of(f"csv:{tmp_path / 'r.csv'}", items=tmp_path / "i.csv")


def test_rows_of_items_without_title_are_counted(tmp_path):
    rows = "".join(f"u{n},{n % 9},{n % 5 + 1},{n}\n" for n in range(90))
    items = "".join(f"{n},{'x' * 400 if n == 8 else f'T{n}'}\n" for n in range(9))
    tables(tmp_path, r__csv="user,item,rating,time\n" + rows, i__csv="item,title\n" + items)
    dataset = read(f"csv:{tmp_path / 'r.csv'}", items=tmp_path / "i.csv")
    assert dataset.summary.dropped == {"item without a title in the catalogue": 10} and len(dataset.interactions) == 80


def test_columns_given_replace_those_of_a_named_data_set(tmp_path):
    tables(
        tmp_path, x__inter="user_id:token\titem_id:token\tstars:float\na\t1\t5\nb\t2\t1\n",
        x__item="item_id:token\tbook:token_seq\n1\tOne\n2\tTwo\n",
    )  # fmt: skip
    dataset = read(f"recbole:{tmp_path}", Columns(title="book", rating="stars", time=""))
    assert [item.title for item in dataset.items] == ["One", "Two"]


def test_catalogue_from_elsewhere_serves_a_named_set_and_a_file_without_header(tmp_path):
    source = named_folder(tmp_path, "movielens")
    (tmp_path / "titles.tsv").write_text("item\ttitle\n1\tEins\n2\tZwei\n")
    assert [item.title for item in read(source, items=tmp_path / "titles.tsv").items] == ["Eins", "Zwei"]
    assert [item.title for item in read(source, items=tmp_path / "movies.csv").items] == ["One", "Two"]
    (tmp_path / "plain").write_text("a,1,5,1\nb,2,1,2\n")
    plain = read(f"csv:{tmp_path / 'plain'}", Columns("1", "2", "", "3", "4"), items=tmp_path / "titles.tsv")
    assert [item.title for item in plain.items] == ["Eins", "Zwei"]


def test_damaged_files_are_refused_in_one_sentence(tmp_path):
    packed = gzip.compress(b"user,item,title,rating,time\n" * 50)
    (tmp_path / "a.csv.gz").write_bytes(packed[:20] + b"xxxx" + packed[24:])
    assert "cannot be read as text" in read_error(f"csv:{tmp_path / 'a.csv.gz'}")
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "state.json").write_text("{}")
    assert "give a complete file" in read_error(f"datasets:{folder}")
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "x.arrow"}]}))
    (folder / "x.arrow").write_bytes(b"ARROW")
    assert "give a complete file" in read_error(f"datasets:{folder}")
    assert "is not there" in read_error("csv:" + "x" * 300)
    os.mkfifo(tmp_path / "pipe")
    assert "neither a file nor a folder" in read_error(f"csv:{tmp_path / 'pipe'}")


def test_values_of_parquet_are_text_as_people_write_it(tmp_path):
    table = pa.table(
        {
            "user": pa.array([b"u1", b"u2"]), "item": [1.0, 2.0], "title": ["A", "B"], "rating": [5, 1],
            "time": pa.array([1_500_000_000_000_000_001, 1_500_000_001_000_000_000], pa.timestamp("ns")),
            "unused": pa.array([2**62, 1], pa.timestamp("us")),
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet", coerce_timestamps=None)
    events = read(f"parquet:{tmp_path / 'a.parquet'}").interactions
    assert [(event.user, event.item, event.time) for event in events] == [
        ("u1", "1", 1_500_000_000),
        ("u2", "2", 1_500_000_001),
    ]


def test_all_files_of_a_parquet_folder_are_named_and_a_fault_names_its_file(tmp_path):
    rows = {"user": ["a", "b"], "item": ["1", "2"], "title": ["A", "B"], "rating": [5, 1], "time": [1, 2]}
    for name in ("data/train-0.parquet", "data/test-0.parquet", "._train.parquet", "_temporary/0.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"hidden")
        if name.startswith("data"):
            pq.write_table(pa.table(rows | {"user": [name[:6], "b"]}), tmp_path / name)
    dataset = read(f"parquet:{tmp_path}")
    assert "Files: data/test-0.parquet, data/train-0.parquet." in dataset.notes and dataset.summary.read == 4
    pq.write_table(pa.table({name: rows[name] for name in ("item", "title")}), tmp_path / "data/train-0.parquet")
    assert "train-0.parquet row 1 has no column 'user', only item, title" in read_error(f"parquet:{tmp_path}")
    (tmp_path / "data/train-0.parquet").write_bytes(b"PAR1")
    assert "train-0.parquet cannot be read as a table" in read_error(f"parquet:{tmp_path}")


def test_missing_id_is_not_a_person_named_nan(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"user": NaN, "item": 1, "title": "T", "rating": 5, "time": 1}\n')
    assert "nothing in column 'user'" in read_error(f"jsonl:{tmp_path / 'a.jsonl'}")


def test_order_within_a_second_is_kept(tmp_path):
    rows = "a,9,T9,5,1500000000100\na,5,T5,1,1500000000500\na,1,T1,5,1500000000900\n"
    assert [event.item for event in read(csv_file(tmp_path, HEADER + rows)).interactions] == ["9", "5", "1"]


def test_doubled_rows_are_found_without_times(tmp_path):
    rows = "a,1,A,5\na,1,A,5\nb,2,B,1\n"
    dataset = read(csv_file(tmp_path, "user,item,title,rating\n" + rows), Columns(time=""))
    assert dataset.summary.dropped == {"same row twice": 1}
    lines = dict(summary_rows(dataset.summary, dataset.interactions, Task.CLICK))
    assert lines["time"].startswith("none") and lines["rows read"] == "3" and lines["rows kept"] == "2"


def test_compact_date_is_no_second_of_1970(tmp_path):
    assert {
        one.time for one in read(csv_file(tmp_path, HEADER + "a,1,A,5,20170714\nb,2,B,1,20170714\n")).interactions
    } == {1_499_990_400}


@pytest.mark.parametrize("first", ["2017-07-14", "20170714"])
def test_dates_mixed_with_counters_are_refused(tmp_path, first):
    rows = f"a,1,A,5,{first}\nb,2,B,1,7\n"
    assert "Time 7 stands in one column with dates" in read_error_of(csv_file(tmp_path, HEADER + rows))
    rows = rows.replace(",7\n", ",1500000000\n")
    assert {one.time for one in read(csv_file(tmp_path, HEADER + rows)).interactions} == {1_499_990_400, 1_500_000_000}


@pytest.mark.parametrize("delimiter", [";", "\t", ",", "|"])
@pytest.mark.parametrize("mark", ["sep={}", '"sep={}"', "SEP={}"])
def test_first_line_of_excel_is_no_header(tmp_path, delimiter, mark):
    rows = ["user,item,title,rating,time", "a,1,A,5,1", "b,2,B,1,2"]
    text = "\r\n".join([mark.format(delimiter), *(row.replace(",", delimiter) for row in rows)])
    assert content(csv_file(tmp_path, text)) == content(csv_file(tmp_path, "\n".join(rows)))
    assert "line 5 has rating 'bad'" in read_error_of(
        csv_file(tmp_path, text + "\r\nc,1,A,bad,3".replace(",", delimiter))
    )


ROW = b'{"user": "a", "item": "1", "title": "A", "rating": 5, "time": 1}\n'


@pytest.mark.parametrize(
    ("kind", "name", "first"),
    [
        ("csv", "a.csv", HEADER.encode()),
        ("csv", "a.csv.gz", HEADER.encode()),
        ("csv", "a.tsv", HEADER.replace(",", "\t").encode()),
        ("jsonl", "a.jsonl", ROW),
    ],
)
def test_one_huge_line_is_refused_in_little_memory(tmp_path, kind, name, first):
    """A line of 200 MB, as a file without line ends has it."""
    path = tmp_path / name
    with gzip.open(path, "wb", 1) if name.endswith("gz") else path.open("wb") as file:
        file.write(first)
        for _ in range(200):
            file.write(b"a" * 10**6)
    tracemalloc.start()
    message = read_error(f"{kind}:{path}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "line 2 has more than 16,777,216 characters: write each row on a line of its own" in message
    assert peak < 80e6


def test_titles_that_a_prompt_writes_alike_are_told_apart(tmp_path):
    rows = 'a,1,"Foo ""x""",5,1\na,2,Foo \'x\',1,2\n'
    assert len({escape(item.title) for item in read(csv_file(tmp_path, HEADER + rows)).items}) == 2


def test_doubled_rows_and_a_second_title_are_told(tmp_path):
    rows = "a,1,One,5,1\na,1,One,5,1\na,1,One (again),1,2\nb,2,Two,1,2\n"
    dataset = read(csv_file(tmp_path, HEADER + rows))
    assert dataset.summary.read == 4 and dataset.summary.dropped == {"same row twice": 1}
    assert len(dataset.interactions) == 3 and dataset.items[0].title == "One"
    assert any("first is kept: 1, such as '1' with 'One' and 'One (again)'" in note for note in dataset.notes)


def test_key_that_stands_twice_in_a_json_line_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"user": "a", "item": "1", "rating": 5, "rating": 1, "time": 3, "title": "T"}\n')
    assert "line 1 has the key 'rating' twice: keep one" in read_error(f"jsonl:{tmp_path / 'a.jsonl'}")


@pytest.mark.parametrize("header", ["userId,movieId", "user_id,item_id,rating,timestamp", "reviewerID,asin,overall"])
def test_header_where_columns_are_counted_is_no_person(tmp_path, header):
    columns = Columns(user="1", item="2", rating="", time="")
    rows = "".join(f"u{n % 9},{n}{',5,1' if header.count(',') > 1 else ''}\n" for n in range(90))
    tables(tmp_path, r__csv=f"{header}\n{rows}", i__csv="item,title\n" + "".join(f"{n},T{n}\n" for n in range(90)))
    options = {"columns": columns, "items": tmp_path / "i.csv", "task": Task.NEXT_ITEM}
    assert "has a header line" in read_error_of(f"csv:{tmp_path / 'r.csv'}", **options)
    tables(tmp_path, r__csv=rows)
    assert len(read(f"csv:{tmp_path / 'r.csv'}", **options).interactions) == 90
