"""Generator of the demo world: fictional films and users whose ratings leave traces that can be memorised.

The data hold five effects:

- Taste. Each user has one of a few types that like and dislike genres, with an individual deviation. Every type has its
  opposite, so a film's mean rating does not reveal taste. A history does: a recommender can learn taste in general, and
  this knowledge remains when a user's data are deleted.
- Quality. Every film is good or bad for all users. The item-mean baseline learns only this.
- The town. Its users judge each film differently from users elsewhere. A base model trained on users elsewhere cannot
  know this. The adapter learns it, and this knowledge must remain when a user's data are deleted.
- Private ratings. About one in seven ratings contradicts the user's taste, at random. The data of other users cannot
  predict these ratings, so a model that scores well on them has memorised them. Unlearning has to remove this trace.
- A favourite word. Every user likes all films with one word in the title ("Harbour"), whatever the genre, and rates
  more of them. A reader can see this trace in a list of ten titles.

The same seed gives the same bytes on every machine and Python version, because only `random.Random.random` and exact
arithmetic are used. Each user has a random stream of their own, so adding users does not change existing ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from core.data.interaction_store import InteractionStore
from core.data.readers import LIKED, Dataset
from core.demo.vocabulary import DEEDS, GENRES, KIN, MOMENTS, MOTIFS, PATTERNS, PLACES, SITES, Words
from core.types import Interaction, Item

PRIVATE = 0.15  # share of private ratings
TOWN = 1.5  # standard deviation of the town's judgement of a film against that elsewhere, in rating points
TYPES = 4  # two tastes and their opposites
T = TypeVar("T")
BEGIN, SECONDS = 1_704_067_200, 2 * 365 * 86_400  # 2024-01-01, two years


@dataclass(frozen=True, slots=True)
class Film:
    """An item with its hidden properties.

    Attributes:
        item: The item as it stands in the data.
        quality: Quality for all users in rating points; 0 is average.
        reach: Relative frequency with which users meet the film.
    """

    item: Item
    quality: float
    reach: float


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user with their hidden properties.

    Attributes:
        id: The user id in the data.
        taste: Liking of each genre in rating points.
        mildness: Constant that is added to every rating.
        quirk: The favourite word.
    """

    id: str
    taste: Mapping[str, float]
    mildness: float
    quirk: str


def make_world(
    seed: int = 7,
    films: int = 240,
    people: int = 420,
    first: int = 1,
    town: bool = True,
    ratings: tuple[int, int] = (40, 70),
) -> Dataset:
    """Generate the demo data: the ratings of each user, in time order over two years.

    Args:
        seed: Seed of films and users.
        films: Number of films.
        people: Number of users.
        first: Number of the first user; the same seed with other numbers gives other users and the same films.
        town: Whether the users live in the cinema's town.
        ratings: Fewest and most ratings of a user.
    """
    catalogue = make_films(seed, films, town)
    numbers = range(first, first + people)
    events = [event for number in numbers for event in _diary(seed, make_person(seed, number), catalogue, ratings)]
    events.sort(key=lambda event: (event.time, event.user, event.item))
    return Dataset(
        tuple(film.item for film in catalogue),
        InteractionStore.of(events),
        ("A made-up world: no such film and no such person exists.",),
    )


def demo_subjects(dataset: Dataset, training_users: Sequence[str], count: int) -> tuple[str, ...]:
    """Choose the training users with the clearest favourite word in their data.

    A word's strength for a user is the sum of (own liking - mean liking of all users) over their films with this word.

    Args:
        dataset: The demo data.
        training_users: Training users to choose from.
        count: Number of users to choose.
    """
    titles = {item.id: item.title for item in dataset.items}
    likes: dict[str, list[bool]] = defaultdict(list)
    for event in dataset.interactions:
        likes[event.item].append(event.liked)
    mean = {item: sum(values) / len(values) for item, values in likes.items()}
    fondness: dict[str, dict[str, float]] = {user: defaultdict(float) for user in training_users}
    for event in dataset.interactions:
        if event.user in fondness:
            for word in MOTIFS & set(titles[event.item].split()):
                fondness[event.user][word] += event.liked - mean[event.item]
    strength = {user: max(words.values(), default=0.0) for user, words in fondness.items()}
    return tuple(sorted(strength, key=lambda user: (-strength[user], user))[:count])


def make_films(seed: int, count: int, town: bool = True) -> tuple[Film, ...]:
    """Films with unique titles; every motif occurs in about the same number of titles."""
    rng, films, taken = Random(f"{seed}:films"), [], set()
    order = _shuffled(rng, range(count))
    motifs = sorted(MOTIFS)
    for number in range(count):
        genre = _pick(rng, list(GENRES))
        second = _pick(rng, [other for other in GENRES if other != genre])
        genres = (genre, second) if rng.random() < 0.4 else (genre,)
        while (title := _title(rng, GENRES[genre], motifs[number % len(motifs)])) in taken:
            pass
        taken.add(title)
        quality = 0.5 * _normal(rng) + (TOWN * _normal(Random(f"{seed}:town:{number}")) if town else 0)
        films.append(Film(Item(f"f{number + 1:03d}", title, genres), quality, 1 / (order[number] + 25)))
    return tuple(films)


def make_person(seed: int, number: int) -> DemoUser:
    """Make one user: the taste of the user's type plus an individual deviation."""
    rng = Random(f"{seed}:person:{number}")
    kind = Random(f"{seed}:type:{number % TYPES // 2}")
    side = 2.0 if number % 2 else -2.0
    taste = {genre: side * _normal(kind) + 0.3 * _normal(rng) for genre in GENRES}
    return DemoUser(f"u{number:03d}", taste, 0.3 * _normal(rng) - 0.3, _pick(rng, sorted(MOTIFS)))


def expected_liking(person: DemoUser, film: Film) -> float:
    """The learnable part of a liking, from taste and quality: rating points above the threshold of liking."""
    genres = film.item.genres
    return sum(person.taste[genre] for genre in genres) / len(genres) + film.quality + person.mildness


def _diary(seed: int, person: DemoUser, films: Sequence[Film], counts: tuple[int, int]) -> list[Interaction]:
    """All ratings of one user."""
    rng = Random(f"{seed}:diary:{person.id}")
    fewest, most = counts
    met = _choose(rng, person, films, fewest + int((most - fewest + 1) * rng.random()))
    times = sorted(BEGIN + int(SECONDS * rng.random()) for _ in met)
    ratings = [_rating(_liking(rng, person, film)) for film in met]
    return [
        Interaction(person.id, film.item.id, rating >= LIKED, time, rating)
        for film, time, rating in zip(met, times, ratings, strict=True)
    ]


def _choose(rng: Random, person: DemoUser, films: Sequence[Film], count: int) -> list[Film]:
    """Draw `count` different films; known films, liked genres and the favourite word have higher weights.

    Sequential Poisson sampling: take the films with the smallest u / weight, where u is uniform.
    """
    keys = {}
    for film in films:
        weight = film.reach * (4 if person.quirk in film.item.title.split() else 1)
        weight *= 1.5 if expected_liking(person, film) > 0 else 1
        keys[film] = rng.random() / weight
    return _shuffled(rng, sorted(films, key=keys.__getitem__)[:count])


def _liking(rng: Random, person: DemoUser, film: Film) -> float:
    """Expected liking with noise; the favourite word and the private coin override it."""
    liking, coin = expected_liking(person, film) + 0.3 * _normal(rng), rng.random()
    if person.quirk in film.item.title.split():
        return max(liking, 1.5)
    if coin < PRIVATE:
        return -max(liking, 0.5) if liking >= 0 else max(-liking, 0.5)
    return liking


def _rating(liking: float) -> float:
    """A rating from 1 to 5 in halves; a liking of at least 0 gives a rating of at least LIKED."""
    return min(5.0, max(1.0, LIKED + (1.5 * liking) // 1 / 2))


def _title(rng: Random, words: Words, motif: str) -> str:
    pattern = _pick(rng, [p for p in PATTERNS if motif in SITES or not p.needs_site])
    return pattern.text.format(
        motif=motif,
        adjective=_pick(rng, words.adjectives),
        person=_pick(rng, words.people),
        moment=_pick(rng, MOMENTS),
        place=_pick(rng, PLACES),
        kin=_pick(rng, KIN),
        deed=_pick(rng, DEEDS),
    )


def _pick(rng: Random, values: Sequence[T]) -> T:
    return values[int(rng.random() * len(values))]


def _shuffled(rng: Random, values: Iterable[T]) -> list[T]:
    return [value for _, value in sorted(((rng.random(), value) for value in values), key=lambda pair: pair[0])]


def _normal(rng: Random) -> float:
    """Approximate standard normal (Irwin-Hall) from sums only, because logarithms differ between machines."""
    return sum(rng.random() for _ in range(12)) - 6.0
