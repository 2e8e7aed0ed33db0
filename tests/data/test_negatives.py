"""Sampled negatives: never a title that the user met, never one twice, and neither place nor time tells the label."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.negatives import sampled_negatives
from core.data.readers import Columns, read
from core.errors import DataError
from core.types import Interaction, Task

ITEMS = tuple(f"i{number}" for number in range(20))
rows = st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from(ITEMS), st.integers(0, 50)), min_size=1, max_size=60)


@given(rows, st.integers(1, 5))
def test_each_user_gets_other_titles_at_own_times(found, per_row):
    events = [Interaction(user, item, True, time) for user, item, time in found]
    sampled = list(sampled_negatives(events, ITEMS, per_row))
    assert sampled == list(sampled_negatives(events, ITEMS, per_row))
    for user in {event.user for event in events}:
        own = [event for event in events if event.user == user]
        drawn, met = [one for one in sampled if one.user == user], {event.item for event in own}
        assert len({one.item for one in drawn}) == len(drawn) == min(per_row * len(own), len(ITEMS) - len(met))
        assert not met & {one.item for one in drawn} and not any(one.liked for one in drawn)
        assert {one.time for one in drawn} <= {event.time for event in own}


def test_draw_is_uniform():
    events = [Interaction(f"u{number}", ITEMS[0], True, 0) for number in range(4000)]
    counts = Counter(one.item for one in sampled_negatives(events, ITEMS, 1))
    expected = 4000 / 19
    assert set(counts) == set(ITEMS[1:])
    assert sum((count - expected) ** 2 / expected for count in counts.values()) < 45  # chi², 18 degrees, p about .0004


def plays(tmp_path, rating=""):
    path = tmp_path / "plays.csv"
    lines = [f"u{user},i{(user + n) % 9},Title {(user + n) % 9},{n}{rating}" for user in range(5) for n in range(4)]
    path.write_text("\n".join([f"user,item,title,time{',rating' if rating else ''}", *lines]), "utf-8")
    return f"csv:{path}"


def test_click_takes_data_without_ratings_with_sampled_titles(tmp_path):
    dataset = read(plays(tmp_path), Columns(rating=""), negatives=1)
    liked = [event for event in dataset.interactions if event.liked]
    assert len(liked) == 20 and len(dataset.interactions) == 40
    assert [event.time for event in dataset.interactions] == sorted(event.time for event in dataset.interactions)
    assert "20 titles that their users never met were sampled, and count as not liked." in dataset.notes
    assert dataset == read(plays(tmp_path), negatives=1)  # a missing column of the default name is no rating either


def test_sampling_is_refused_where_it_has_no_use(tmp_path):
    with pytest.raises(DataError, match="--negatives 2 has no use in the task next_item"):
        read(plays(tmp_path), task=Task.NEXT_ITEM, negatives=2)
    with pytest.raises(DataError, match="line 2 has a rating, .* leave --negatives out"):
        read(plays(tmp_path, ",5"), negatives=1)
    with pytest.raises(DataError, match="--negatives 1"):
        read(plays(tmp_path), Columns(rating=""))
