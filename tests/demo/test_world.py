"""Demo data set: reproducible bytes, plausible titles, and ratings that a model can memorise."""

import csv
import hashlib
import json
import re
from collections import Counter, defaultdict
from pathlib import Path
from statistics import fmean, stdev

import pytest
from scipy.stats import rankdata

from core.data.prompts import escape
from core.demo.vocabulary import MOTIFS
from core.demo.world import PRIVATE, TOWN, demo_subjects, expected_liking, make_films, make_person, make_world
from core.utils.serialization import to_json

DIGEST = "fb10feb11f15d7aa5b5a1214198c79635b78147ddc6a3fdfe3fb39a1bc110df0"
FULL_MOVIELENS = Path(__file__).parents[3] / "shared/data/ml-latest-small/movies.csv"


@pytest.fixture(scope="module")
def world():
    return make_world()


@pytest.fixture(scope="module")
def films():
    return {film.item.id: film for film in make_films(7, 240)}


@pytest.fixture(scope="module")
def users():
    return {user.id: user for user in (make_person(7, number) for number in range(1, 421))}


def has_loved_word(user, film) -> bool:
    return user.quirk in film.item.title.split()


def auc(scores, likes) -> float:
    ranks, liked = rankdata(scores), sum(likes)
    return (sum(r for r, like in zip(ranks, likes, strict=True) if like) - liked * (liked + 1) / 2) / (
        liked * (len(likes) - liked)
    )


def test_same_seed_gives_same_bytes(world):
    made = {
        "items": to_json(world.items),
        "interactions": to_json(list(world.interactions)),
        "notes": list(world.notes),
    }
    assert hashlib.sha256(json.dumps(made).encode()).hexdigest() == DIGEST
    one, other = (list(make_world(seed=seed, films=40, people=5).interactions) for seed in (8, 9))
    assert one != other


def test_data_set_has_expected_size_and_time_order(world):
    lengths = Counter(event.user for event in world.interactions)
    assert len(world.items) == 240 and len(lengths) == 420
    assert min(lengths.values()) >= 40 and max(lengths.values()) <= 70
    times = [event.time for event in world.interactions]
    assert times == sorted(times) and times[-1] - times[0] < 2 * 366 * 86_400
    assert len({(event.user, event.item) for event in world.interactions}) == len(world.interactions)


def test_ratings_are_half_stars_and_four_is_liked(world):
    assert {event.rating for event in world.interactions} <= {half / 2 for half in range(2, 11)}
    assert all(event.liked == (event.rating >= 4) for event in world.interactions)
    assert 0.45 < sum(event.liked for event in world.interactions) / len(world.interactions) < 0.65


def test_titles_are_unique_and_need_no_escaping(world):
    titles = [item.title for item in world.items]
    assert len(set(titles)) == len(titles)
    assert [
        title for title in titles if escape(title) != title or not re.fullmatch(r"[A-Z][A-Za-z' ,-]{7,50}", title)
    ] == []


def test_ids_contain_no_names(world):
    assert all(re.fullmatch(r"f\d{3}", item.id) for item in world.items)
    assert all(re.fullmatch(r"u\d{3}", event.user) for event in world.interactions)


@pytest.mark.skipif(not FULL_MOVIELENS.is_file(), reason="../shared/data/ml-latest-small is not on this machine")
def test_no_title_belongs_to_a_real_film(world):
    with FULL_MOVIELENS.open(encoding="utf-8") as file:
        real = {re.sub(r"\s*\(\d{4}\)\s*$", "", row["title"]).lower() for row in csv.DictReader(file)}
    real |= {re.sub(r"^(.*), (the|a|an)$", r"\2 \1", title) for title in real}
    assert [item.title for item in world.items if item.title.lower() in real] == []


def test_popularity_of_films_is_skewed(world):
    counts = sorted(Counter(event.item for event in world.interactions).values())
    assert counts[-1] > 8 * counts[0] and counts[-1] > 3 * counts[len(counts) // 2]


def test_some_ratings_contradict_taste_and_quality(world, films, users):
    rows = [(users[e.user], films[e.item], e.liked) for e in world.interactions]
    contradictions = [
        (expected_liking(user, film) > 0) != liked for user, film, liked in rows if not has_loved_word(user, film)
    ]
    assert PRIVATE - 0.02 < sum(contradictions) / len(contradictions) < PRIVATE + 0.05


def test_taste_predicts_better_than_item_mean(world, films, users):
    likes = defaultdict(list)
    for event in list(world.interactions)[::2]:
        likes[event.item].append(event.liked)
    rest = [event for event in list(world.interactions)[1::2] if event.item in likes]
    truth = [event.liked for event in rest]
    mean_auc = auc([sum(likes[e.item]) / len(likes[e.item]) for e in rest], truth)
    taste_auc = auc([expected_liking(users[e.user], films[e.item]) for e in rest], truth)
    assert 0.6 < mean_auc < 0.68 and mean_auc + 0.15 < taste_auc < 0.9


def test_town_differs_from_elsewhere_only_in_film_quality():
    """A base model trained on users from elsewhere cannot know these ratings; the adapter can."""
    here, elsewhere = (make_films(7, 240, town) for town in (True, False))
    assert [film.item for film in here] == [film.item for film in elsewhere]
    differences = [a.quality - b.quality for a, b in zip(here, elsewhere, strict=True)]
    assert 0.8 * TOWN < stdev(differences) < 1.2 * TOWN and abs(fmean(differences)) < 0.3
    assert list(make_world(people=5, town=False).interactions) != list(make_world(people=5).interactions)


def test_each_user_loves_one_title_word_and_seeks_it(world, films, users):
    loved = [has_loved_word(users[e.user], films[e.item]) for e in world.interactions]
    assert all(event.liked for event, yes in zip(world.interactions, loved, strict=True) if yes)
    chance_rate = sum(has_loved_word(user, film) for user in users.values() for film in films.values()) / (
        len(users) * len(films)
    )
    assert sum(loved) / len(loved) > 1.8 * chance_rate
    assert {user.quirk for user in users.values()} == MOTIFS


def test_other_user_numbers_give_other_users_and_same_films():
    few, crowd = make_world(people=5, films=50), make_world(people=4, films=50, first=6)
    assert crowd.items == few.items
    assert {event.user for event in crowd.interactions} == {"u006", "u007", "u008", "u009"}


def test_more_users_do_not_change_existing_users():
    few, more = make_world(people=5, films=50), make_world(people=9, films=50)
    names = {event.user for event in few.interactions}
    assert list(few.interactions) == [event for event in more.interactions if event.user in names]


def test_demo_subjects_rate_many_films_with_their_loved_word(world, users):
    members = [f"u{n:03d}" for n in range(1, 421, 2)]
    chosen = demo_subjects(world, members, 4)
    assert len(chosen) == 4 and set(chosen) <= set(members)
    assert chosen == demo_subjects(world, members[::-1], 4) and chosen[:2] == demo_subjects(world, members, 2)
    titles = {item.id: item.title for item in world.items}
    for user in chosen:
        own = [
            titles[event.item]
            for event in world.interactions
            if event.user == user and users[user].quirk in titles[event.item].split()
        ]
        assert len(own) >= 5
