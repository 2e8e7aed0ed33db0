"""Small data files, and the messages that refuse them."""

import gzip
import re
from pathlib import Path

import pytest

from core.data.readers import Columns, read
from core.errors import DataError

HEADER = "user,item,title,rating,time\n"
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


def read_error(source: str, columns: Columns | None = None) -> str:
    """Return the error message for a source, and check that it is one sentence on one line."""
    with pytest.raises(DataError) as error:
        read(source, columns)
    message = str(error.value)
    assert type(error.value) is DataError
    assert "\n" not in message
    assert message.endswith(".") and not re.search(r"[.!?] [A-Z]", message)
    return message


def content(source: str, columns: Columns | None = None) -> tuple:
    """What is read of a source, in a form that can be compared."""
    dataset = read(source, columns)
    return dataset.items, tuple(dataset.interactions), dataset.notes, dataset.summary


def csv_file(folder: Path, text: str, name: str = "ratings.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return f"csv:{folder / name}"


def read_error_of(source: str, **options) -> str:
    with pytest.raises(DataError) as error:
        read(source, **options)
    return str(error.value)


def tables(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def named_folder(folder: Path, kind: str) -> str:
    for name, text in NAMED[kind].items():
        (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return f"{kind}:{folder}"
