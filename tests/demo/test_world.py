"""The demo world: the same bytes everywhere, titles that read like titles, and traces that can be memorised."""

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
REAL = Path(__file__).parents[3] / "shared/data/ml-latest-small/movies.csv"


@pytest.fixture(scope="module")
def world():
    return make_world()


@pytest.fixture(scope="module")
def films():
    return {film.item.id: film for film in make_films(7, 240)}


@pytest.fixture(scope="module")
def people():
    return {person.id: person for person in (make_person(7, number) for number in range(1, 421))}


def beloved(person, film) -> bool:
    return person.quirk in film.item.title.split()


def auc(scores, likes) -> float:
    ranks, liked = rankdata(scores), sum(likes)
    return (sum(r for r, like in zip(ranks, likes, strict=True) if like) - liked * (liked + 1) / 2) / (
        liked * (len(likes) - liked)
    )


def test_the_same_seed_gives_the_same_bytes(world):
    assert hashlib.sha256(json.dumps(to_json(world)).encode()).hexdigest() == DIGEST
    assert make_world(seed=8, films=40, people=5) != make_world(seed=9, films=40, people=5)


def test_its_size_and_its_order(world):
    lengths = Counter(event.user for event in world.interactions)
    assert len(world.items) == 240 and len(lengths) == 420
    assert min(lengths.values()) >= 40 and max(lengths.values()) <= 70
    times = [event.time for event in world.interactions]
    assert times == sorted(times) and times[-1] - times[0] < 2 * 366 * 86_400
    assert len({(event.user, event.item) for event in world.interactions}) == len(world.interactions)


def test_ratings_are_halves_from_one_to_five_and_four_is_liked(world):
    assert {event.rating for event in world.interactions} <= {half / 2 for half in range(2, 11)}
    assert all(event.liked == (event.rating >= 4) for event in world.interactions)
    assert 0.45 < sum(event.liked for event in world.interactions) / len(world.interactions) < 0.65


def test_titles_are_unique_and_need_no_escape(world):
    titles = [item.title for item in world.items]
    assert len(set(titles)) == len(titles)
    assert [
        title for title in titles if escape(title) != title or not re.fullmatch(r"[A-Z][A-Za-z' ,-]{7,50}", title)
    ] == []


def test_ids_name_nobody(world):
    assert all(re.fullmatch(r"f\d{3}", item.id) for item in world.items)
    assert all(re.fullmatch(r"u\d{3}", event.user) for event in world.interactions)


@pytest.mark.skipif(not REAL.is_file(), reason="../shared/data/ml-latest-small is not on this machine")
def test_no_title_is_that_of_a_real_film(world):
    with REAL.open(encoding="utf-8") as file:
        real = {re.sub(r"\s*\(\d{4}\)\s*$", "", row["title"]).lower() for row in csv.DictReader(file)}
    real |= {re.sub(r"^(.*), (the|a|an)$", r"\2 \1", title) for title in real}
    assert [item.title for item in world.items if item.title.lower() in real] == []


def test_some_films_are_met_far_more_often(world):
    met = sorted(Counter(event.item for event in world.interactions).values())
    assert met[-1] > 8 * met[0] and met[-1] > 3 * met[len(met) // 2]


def test_some_ratings_contradict_taste_and_quality(world, films, people):
    rows = [(people[e.user], films[e.item], e.liked) for e in world.interactions]
    ordinary = [
        (expected_liking(person, film) > 0) != liked for person, film, liked in rows if not beloved(person, film)
    ]
    assert PRIVATE - 0.02 < sum(ordinary) / len(ordinary) < PRIVATE + 0.05


def test_taste_tells_more_than_the_item_mean(world, films, people):
    likes = defaultdict(list)
    for event in world.interactions[::2]:
        likes[event.item].append(event.liked)
    rest = [event for event in world.interactions[1::2] if event.item in likes]
    truth = [event.liked for event in rest]
    mean = auc([sum(likes[e.item]) / len(likes[e.item]) for e in rest], truth)
    taste = auc([expected_liking(people[e.user], films[e.item]) for e in rest], truth)
    assert 0.6 < mean < 0.68 and mean + 0.15 < taste < 0.9


def test_the_town_judges_otherwise_than_people_elsewhere_and_everything_else_is_the_same():
    """What the adapter is good for: a base that learned from people elsewhere cannot know it."""
    here, elsewhere = (make_films(7, 240, town) for town in (True, False))
    assert [film.item for film in here] == [film.item for film in elsewhere]
    apart = [a.quality - b.quality for a, b in zip(here, elsewhere, strict=True)]
    assert 0.8 * TOWN < stdev(apart) < 1.2 * TOWN and abs(fmean(apart)) < 0.3
    assert make_world(people=5, town=False) != make_world(people=5)


def test_everyone_loves_one_word_and_seeks_it_out(world, films, people):
    fond = [beloved(people[e.user], films[e.item]) for e in world.interactions]
    assert all(event.liked for event, yes in zip(world.interactions, fond, strict=True) if yes)
    by_chance = sum(beloved(person, film) for person in people.values() for film in films.values()) / (
        len(people) * len(films)
    )
    assert sum(fond) / len(fond) > 1.8 * by_chance
    assert {person.quirk for person in people.values()} == MOTIFS


def test_a_crowd_with_other_numbers_is_other_people_with_the_same_films():
    few, crowd = make_world(people=5, films=50), make_world(people=4, films=50, first=6)
    assert crowd.items == few.items
    assert {event.user for event in crowd.interactions} == {"u006", "u007", "u008", "u009"}


def test_more_people_do_not_change_the_ones_there_are():
    few, more = make_world(people=5, films=50), make_world(people=9, films=50)
    names = {event.user for event in few.interactions}
    assert few.interactions == tuple(event for event in more.interactions if event.user in names)


def test_the_demo_subjects_are_the_members_with_the_plainest_quirk(world, people):
    members = [f"u{n:03d}" for n in range(1, 421, 2)]
    chosen = demo_subjects(world, members, 4)
    assert len(chosen) == 4 and set(chosen) <= set(members)
    assert chosen == demo_subjects(world, members[::-1], 4) and chosen[:2] == demo_subjects(world, members, 2)
    titles = {item.id: item.title for item in world.items}
    for user in chosen:
        own = [
            titles[event.item]
            for event in world.interactions
            if event.user == user and people[user].quirk in titles[event.item].split()
        ]
        assert len(own) >= 5
