"""Search for ids that tables store as decimals, and in arrays of long texts."""

import base64
import json
import sqlite3
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from core.review.execution import execute_decisions
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import find_leaks
from core.review.vault import encrypted_files
from core.types import CaseState, Interaction, Request

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


@pytest.mark.parametrize(
    ("content", "shows"),
    [({"members": 4711}, False), ({"seed": "4711"}, False), ({"members": ["4711"]}, True), ({"user": 4711}, True)],
)
def test_a_number_of_ours_in_a_signed_entry_is_no_user(tmp_path, content, shows):
    """Earlier versions counted a batch's requests as "members"; a seed is signed as text."""
    payload = base64.b64encode(json.dumps({"predicateType": "x", "predicate": content}).encode()).decode()
    (tmp_path / "ledger.jsonl").write_text(json.dumps({"payload": payload, "signatures": []}) + "\n")
    assert find_leaks(tmp_path, FORGOTTEN, frozenset()).shows == (("ledger.jsonl",) if shows else ())


def test_user_with_a_small_number_can_be_deleted_after_another_deletion(desk):
    desk.approve()
    assert execute_decisions(desk.workspace).state is CaseState.CLOSED
    layout = desk.workspace.layout
    for number in range(20):
        forgotten = forgotten_data_of(Request("r", users=(str(number),)), (), {})
        assert find_leaks(desk.workspace.root, forgotten, encrypted_files(layout)).problems == ""
