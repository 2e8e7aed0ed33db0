"""Rows become columns: the result is that of plain Python, which looks at each row by itself."""

import math
from collections import Counter
from datetime import datetime

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.data.labels import threshold
from core.data.readers.dataset import NOT_RATED, UNTITLED, make_dataset
from core.data.readers.rating_reader import NO_TITLE, _rating
from core.data.readers.table import Columns, ReadOptions, Table, cell
from core.data.times import unit_of
from core.errors import DataError
from core.types import Interaction, Item, Task

ids = st.sampled_from(["a", " a", "b", "1", "1.0", "True", "ä", "", 1, 1.0, True, None, b"a", b"b", math.nan, ["a"]])
ratings = st.sampled_from(["1", "5", "4.0", " 3 ", "-0.0", "-1", "0", "x", "1_0", 1, 5, 2.5, -0.0, -1, None])
times = st.sampled_from(
    ["1", "7", "7.5", "20170714", "2017-07-14", "1500000000", "1500000000100", 7, 7.5, 20170714, datetime(2017, 7, 14), "9" * 30]
)  # fmt: skip
usual = st.fixed_dictionaries(
    {"user": st.sampled_from("ab"), "item": st.sampled_from("12"), "title": st.sampled_from("TUV"),
     "rating": st.sampled_from(["1", "5", "-1", 0]), "time": st.sampled_from(["7", "8", 7.9, "1"])}
)  # fmt: skip
unusual = st.fixed_dictionaries(
    {"user": ids, "item": ids, "title": ids}, optional={"rating": ratings, "time": times, "genres": st.just("X|Y")}
)
tables = st.lists(usual, max_size=12) | st.lists(usual | unusual, max_size=6)
catalogues = st.none() | st.just({"1": Item("1", "One"), "2": Item("2", "Two"), "a": Item("a", "A")})
options = st.builds(
    ReadOptions,
    st.sampled_from([Columns(), Columns(time=""), Columns(rating="")]),
    st.sampled_from(Task), st.none() | st.just(4.0), st.none() | st.just(0.0),
)  # fmt: skip


def rows_of(table: list[dict]) -> Table:
    return Table(iter([(f"line {number}", dict(row)) for number, row in enumerate(table, 1)]))


def plain(table: list[dict], how: ReadOptions, catalogue: dict[str, Item] | None) -> tuple:
    """Drop, label and sort rows one by one; returns item ids, interactions, and counts of what was dropped."""
    kept, dropped, seen, ones = [], Counter(), set(), []
    rated = how.task is Task.CLICK or bool(how.columns.rating and table and "rating" in table[0])
    for number, (where, row) in enumerate(rows_of(table).rows, 1):
        ones.append(_rating(where, row, how, rated, number))
        if catalogue is None:
            cell(where, row, "title", NO_TITLE)
    unrated = {how.unrated} | ({NOT_RATED} if max((one.rating or 0 for one in ones), default=0) > 1 else set())
    for one in ones:
        own = one if how.columns.time else one._replace(time=0.0)
        if one.rating is not None and one.rating in unrated:
            dropped[f"not rated ({one.rating:g})"] += 1
        elif catalogue is not None and one.item not in catalogue:
            dropped[UNTITLED] += 1
        elif own in seen:
            dropped["same row twice"] += 1
        else:
            kept.append(one)
        seen.add(own)
    least = threshold([one.rating for one in kept], how.liked)[0] if rated and kept else -math.inf
    _, per_second = unit_of(np.array([one.time for one in kept if not one.dated]))
    timed = [(one.time if one.dated else one.time / per_second, one) for one in kept]
    timed.sort(key=lambda pair: (pair[0], pair[1].user, pair[1].item))
    events = [
        Interaction(one.user, one.item, one.rating is None or one.rating >= least, int(time), one.rating or 0.0)
        for time, one in timed
    ]
    return list(dict.fromkeys(event.item for event in events)), events, dropped


@settings(max_examples=250, deadline=None)
@given(tables, options, catalogues)
@example([{"user": one, "item": "1", "title": "T", "rating": "5", "time": "7"} for one in (1, True, "1", 1.0)] * 2
         + [{"user": "z", "item": "1", "title": "T", "rating": "1", "time": "7"}], ReadOptions(), None)  # fmt: skip
def test_data_are_those_of_plain_python(table, how, catalogue):
    try:
        read = make_dataset(rows_of(table), how, catalogue)
    except (DataError, UnicodeError) as error:
        refused = str(error)
    else:
        items, events, dropped = plain(table, how, catalogue)
        assert list(read.interactions) == events and [item.id for item in read.items] == items
        assert all(math.copysign(1, one.rating) == 1 for one in read.interactions if one.rating == 0)
        assert read.summary.dropped == dropped and read.summary.read == len(table)
        return
    if refused.startswith("line "):  # the first row that cannot be read, as plain Python finds it
        with pytest.raises(DataError) as error:
            plain(table, how, catalogue)
        assert str(error.value) == refused


def test_ratings_beyond_the_memory_for_cells_are_read(monkeypatch):
    monkeypatch.setattr("core.data.readers.rating_reader.REMEMBERED", 3)
    table = [{"user": "a", "item": "1", "title": "T", "rating": f"{n % 50 / 10}", "time": f"{n}"} for n in range(100)]
    assert [one.rating for one in make_dataset(rows_of(table), ReadOptions()).interactions] == [
        n % 50 / 10 for n in range(100)
    ]
