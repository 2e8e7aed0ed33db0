"""Search for ids that tables store as decimals, and in arrays of long texts."""

import sqlite3
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import find_leaks
from core.types import Interaction, Request

FORGOTTEN = forgotten_data_of(Request("r", users=("user-77-x", "4711")), [Interaction("31", "5", True, 0)], {})


def long_text(path):
    np.save(path.with_suffix(".npy"), np.array(["x" * 1_100_000 + " user-77-x"]))


def real_column(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (user REAL)")
        database.execute("INSERT INTO t VALUES (4711)")


WRITERS = {
    "text of over 4 MiB": long_text,
    "REAL": real_column,
    "JSON": lambda path: path.write_text('{"user": 4711.0}'),
    "text": lambda path: path.write_text("user: 4711.0"),
    "row": lambda path: path.write_text("user,item\n31.0,5.0"),
    "double": lambda path: parquet.write_table(pa.table({"user": [4711.0, None]}), path),
    "decimal": lambda path: parquet.write_table(pa.table({"user": [Decimal("4711.00")]}), path),
    "row of doubles": lambda path: parquet.write_table(pa.table({"user": [31.0, None], "item": [5, 6]}), path),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_forgotten_person_is_found(tmp_path, kind):
    WRITERS[kind](tmp_path / "file")
    assert find_leaks(tmp_path, FORGOTTEN).shows
