"""Small inputs of other people that were read wrong, with their right values; each is skipped where it is absent."""

from pathlib import Path

import pytest

from core.data.readers import Columns, read
from core.errors import DataError
from core.types import Task
from tests.data.files import read_error

CASES = Path(__file__).parents[3] / "shared/data/cases"
TWEETINGS = Path(__file__).parents[3] / "shared/data/movietweetings-100k"


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
    assert "Item 'B021' has 23 different titles" in message and "--items" in message


def test_case_recbole_by_name_and_as_a_table():
    folder = case("05-recbole")
    by_name = read(f"recbole:{folder}")
    assert len(by_name.interactions) == 480 and next(iter(by_name.interactions)).time >= 1_500_000_000
    assert {item.id: item.title for item in by_name.items}["4"] == "Paper Mirror 4"
    names = "user_id:token", "item_id:token", "movie_title:token_seq", "rating:float", "timestamp:float"
    as_table = read(f"csv:{folder / 'mine.inter'}", Columns(*names), items=folder / "mine.item")
    assert list(as_table.interactions) == list(by_name.interactions) and as_table.items == by_name.items


def test_case_implicit_data():
    folder = case("06-implicit")
    plays = read(f"csv:{folder / 'plays.csv'}", task=Task.NEXT_ITEM)
    assert len(plays.interactions) == 480 and all(event.liked for event in plays.interactions)
    assert "no column 'rating'" in read_error(f"csv:{folder / 'plays.csv'}")
    clicks = read(f"csv:{folder / 'clicks01.csv'}", Columns(rating="label"))
    assert sum(event.liked for event in clicks.interactions) == 216
    assert any("0 and 1: 1 and above" in note for note in clicks.notes)
    with pytest.raises(DataError, match="All ratings are 1"):
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


def test_case_two_titles_of_nearly_every_item_are_refused():
    assert "has 2 different titles" in read_error(f"csv:{case('10-csv') / 'dups.csv'}")


def test_case_ids_in_two_spellings_are_refused():
    source = f"csv:{case('10-csv') / 'pandas-ids.csv'}"
    assert "line 3 has time '1.500086e+09'" in read_error(source)
    assert "'0' and '0.0' are one number" in read_error(source, Columns(time=""))


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
