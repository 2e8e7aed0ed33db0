"""Sampled negatives: never a title that the user met, never one twice, and no place or earlier label tells a label."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.readers import Columns, read
from core.data.readers.negatives import with_negatives
from core.data.readers.ratings import Ratings
from core.errors import DataError
from core.types import Task

USERS, ITEMS = ["u", "v", "w"], [f"i{number}" for number in range(20)]
rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 19), st.integers(0, 50)), min_size=1, max_size=60)


def ratings_of(found: list[tuple[int, int, int]], users: list[str] = USERS, items: list[str] = ITEMS) -> Ratings:
    user, item, time = (np.array(column) for column in zip(*sorted(found, key=lambda row: row[2]), strict=True))
    none = np.zeros(len(found))
    return Ratings(users, items, user, item, none, time.astype(float), none.astype(bool), rated=False)


@given(rows, st.integers(1, 5))
def test_each_user_gets_other_titles_and_keeps_the_order_of_the_rows(found, per_row):
    ratings = ratings_of(found)
    more, used = with_negatives(ratings, per_row)
    again, same = with_negatives(ratings, per_row)
    assert np.array_equal(more.item, again.item) and np.array_equal(used, same)
    assert (np.diff(more.time) >= 0).all()
    for user in set(ratings.user.tolist()):
        own, mine = ratings.user == user, more.user == user
        drawn, met = more.item[mine & ~used].tolist(), set(ratings.item[own].tolist())
        assert len(set(drawn)) == len(drawn) == min(per_row * own.sum(), len(set(ratings.item.tolist())) - len(met))
        assert not met & set(drawn) and set(drawn) <= set(ratings.item.tolist())
        assert more.item[mine & used].tolist() == ratings.item[own].tolist()
        assert (np.diff(more.time[mine]) > 0).all()  # one order, whatever sorts the rows
        assert (more.time[mine & used] >= ratings.time[own]).all()


@pytest.mark.parametrize("per_row", [1, 4])
@pytest.mark.parametrize("spread", [1, 1000])
def test_earlier_labels_and_places_tell_nothing(per_row, spread):
    """Labels in order behave as if they were shuffled: after a liked row, and at the first and the last place."""
    rng = np.random.default_rng(0)
    users, items, taken = [f"u{n}" for n in range(600)], [f"i{n}" for n in range(200)], 12
    found = [
        (user, int(item), int(time))
        for user in range(len(users))
        for item, time in zip(rng.permutation(60)[:taken], rng.integers(0, spread, taken), strict=True)
    ] + [(0, item, 0) for item in range(60, 200)]  # so that every item is known
    more, used = with_negatives(ratings_of(found, users, items), per_row)
    labels = [used[more.user == user] for user in range(1, len(users))]
    share = 1 / (1 + per_row)
    for sample in (
        np.concatenate([one[1:][one[:-1]] for one in labels]),  # behind a liked row
        np.array([one[0] for one in labels]),
        np.array([one[-1] for one in labels]),
    ):
        expected = share if len(sample) == len(labels) else (taken - 1) / (taken * (1 + per_row) - 1)
        assert abs(sample.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / len(sample))


def test_draw_is_uniform():
    users = [f"u{n}" for n in range(4000)]
    ratings = ratings_of([(n, 0, 0) for n in range(4000)] + [(0, item, 0) for item in range(1, 20)], users)
    more, used = with_negatives(ratings, 1)
    counts = Counter(more.item[~used & (more.user > 0)].tolist())
    expected = 3999 / 19
    assert set(counts) == set(range(1, 20))
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 45  # chi², 18 degrees, p about .0004


def plays(tmp_path, rating="", items=9):
    path = tmp_path / "plays.csv"
    lines = [
        f"u{user},i{(user + n) % items},Title {(user + n) % items},{n}{rating}" for user in range(5) for n in range(4)
    ]
    path.write_text("\n".join([f"user,item,title,time{',Rating' if rating else ''}", *lines]), "utf-8")
    return f"csv:{path}"


def test_click_takes_data_without_ratings_with_sampled_titles(tmp_path):
    dataset = read(plays(tmp_path), Columns(rating=""), negatives=1)
    events = list(dataset.interactions)
    assert sum(event.liked for event in events) == 20 and len(events) == 40
    assert dataset.summary.sampled == 20 and dataset.summary.read == 20
    assert any("20 sampled titles that their users never met count as not liked" in note for note in dataset.notes)
    assert events == list(read(plays(tmp_path), negatives=1).interactions)  # no column of the default name either


def test_sampling_is_refused_where_it_has_no_use(tmp_path):
    with pytest.raises(DataError, match="--negatives 2 has no use in the task next_item"):
        read(plays(tmp_path), task=Task.NEXT_ITEM, negatives=2)
    with pytest.raises(DataError, match="has the column 'Rating', .* leave --negatives out"):
        read(plays(tmp_path, ",5"), negatives=1)
    with pytest.raises(DataError, match="--negatives 1"):
        read(plays(tmp_path), Columns(rating=""))
    with pytest.raises(DataError, match="no ratings, so --liked 4 has no use"):
        read(plays(tmp_path), liked=4, negatives=1)
    with pytest.raises(DataError, match="Everybody used every item"):
        read(plays(tmp_path, items=4), negatives=1)


def test_ratings_behind_a_row_without_one_are_not_ignored(tmp_path):
    path = tmp_path / "log.jsonl"
    one = {"user": "u", "title": "T", "time": 1}
    found = [one | {"item": f"i{n}", "title": f"T{n}"} | ({"rating": 1 + n % 5} if n else {}) for n in range(9)]
    path.write_text("\n".join(map(json.dumps, found)), "utf-8")
    for options in ({"negatives": 1}, {"task": Task.NEXT_ITEM}):
        with pytest.raises(DataError, match="line 2 has a rating, but the first row has none"):
            read(f"jsonl:{path}", **options)
