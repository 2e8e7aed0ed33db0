"""The demo world: a film catalogue that does not exist, and people whose tastes leave traces.

What is hidden in it, and why:

- Taste. People come in a few types that like and dislike genres, each with a deviation of their own; every type has
  its opposite, so a film's mean rating says nothing about it. A model can read it off a history, so a recommender has
  something true to learn that survives anyone's deletion.
- Quality. Every film is good or bad for everyone; the item-mean baseline sees this and no more.
- The town. Its people judge each film a little otherwise than people elsewhere. A base model that learned from people
  elsewhere cannot know this: it is what the adapter is good for, and what must survive anyone's deletion.
- Private likings. For about one in seven films that a person meets, a coin of that person and that film turns
  the rating against their own taste. Nothing in the data of others foretells it: who scores well on these ratings
  has memorised them. This is the trace that unlearning has to remove.
- A quirk. Every person loves all films with one word in the title, whatever the genre ("Harbour"), and seeks them out.
  It is the trace that a reader can see in a list of ten titles.

Only `random.Random.random` and exact arithmetic are used: the sequence of the one and the rounding of the other are
the same on every machine and Python version, so the same seed gives the same bytes. Each person has a stream of
random numbers of their own: more people never change the ones there are.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from core.data.readers import LIKED, Dataset
from core.demo.vocabulary import DEEDS, GENRES, KIN, MOMENTS, MOTIFS, PATTERNS, PLACES, SITES, Words
from core.types import Interaction, Item

PRIVATE = 0.15
TOWN = 1.5  # how far the town's judgement of a film lies from that elsewhere, in rating points (standard deviation)
TYPES = 4  # two tastes and their opposites
BEGIN, SECONDS = 1_704_067_200, 2 * 365 * 86_400  # 2024-01-01, two years


@dataclass(frozen=True, slots=True)
class Film:
    """An item with what the data does not say: its quality (0 is average) and how widely it is met."""

    item: Item
    quality: float
    reach: float


@dataclass(frozen=True, slots=True)
class Person:
    """A user with what the data does not say: liking of each genre, general mildness, and the beloved word."""

    id: str
    taste: Mapping[str, float]
    mildness: float
    quirk: str


def make_world(seed: int = 7, films: int = 240, people: int = 420, first: int = 1, town: bool = True) -> Dataset:
    """The demo data: `people` users with 40 to 70 ratings each of `films` titles, in time order over two years.

    first: number of the first person; worlds of one seed with other numbers hold other people and the same films.
    town: whether they are people of the cinema's town, or from elsewhere.
    """
    catalogue = make_films(seed, films, town)
    numbers = range(first, first + people)
    events = [event for number in numbers for event in _diary(seed, make_person(seed, number), catalogue)]
    events.sort(key=lambda event: (event.time, event.user, event.item))
    return Dataset(
        tuple(film.item for film in catalogue),
        tuple(events),
        ("A made-up world: no such film and no such person exists.",),
    )


def demo_subjects(dataset: Dataset, members: Sequence[str], count: int) -> tuple[str, ...]:
    """The `count` members whose data leaves the plainest trace: the strongest fondness for one word in titles.

    The strength of a word for a person is the sum over their films with it of own liking minus everyone's mean liking.
    """
    titles = {item.id: item.title for item in dataset.items}
    likes: dict[str, list[bool]] = defaultdict(list)
    for event in dataset.interactions:
        likes[event.item].append(event.liked)
    mean = {item: sum(values) / len(values) for item, values in likes.items()}
    fondness: dict[str, dict[str, float]] = {user: defaultdict(float) for user in members}
    for event in dataset.interactions:
        if event.user in fondness:
            for word in MOTIFS & set(titles[event.item].split()):
                fondness[event.user][word] += event.liked - mean[event.item]
    strength = {user: max(words.values(), default=0.0) for user, words in fondness.items()}
    return tuple(sorted(strength, key=lambda user: (-strength[user], user))[:count])


def make_films(seed: int, count: int, town: bool = True) -> tuple[Film, ...]:
    """`count` films with unique titles; every motif stands in about equally many of them."""
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


def make_person(seed: int, number: int) -> Person:
    """Person `number`: the taste of their type, bent by a deviation of their own."""
    rng = Random(f"{seed}:person:{number}")
    kind = Random(f"{seed}:type:{number % TYPES // 2}")
    side = 2.0 if number % 2 else -2.0
    taste = {genre: side * _normal(kind) + 0.3 * _normal(rng) for genre in GENRES}
    return Person(f"u{number:03d}", taste, 0.3 * _normal(rng) - 0.3, _pick(rng, sorted(MOTIFS)))


def expected_liking(person: Person, film: Film) -> float:
    """What taste and quality alone say, in rating points above the border of liking: all that is learnable."""
    genres = film.item.genres
    return sum(person.taste[genre] for genre in genres) / len(genres) + film.quality + person.mildness


def _diary(seed: int, person: Person, films: Sequence[Film]) -> list[Interaction]:
    """What one person met and how they rated it."""
    rng = Random(f"{seed}:diary:{person.id}")
    met = _choose(rng, person, films, 40 + int(31 * rng.random()))
    times = sorted(BEGIN + int(SECONDS * rng.random()) for _ in met)
    ratings = [_rating(_liking(rng, person, film)) for film in met]
    return [
        Interaction(person.id, film.item.id, rating >= LIKED, time, rating)
        for film, time, rating in zip(met, times, ratings, strict=True)
    ]


def _choose(rng: Random, person: Person, films: Sequence[Film], count: int) -> list[Film]:
    """`count` different films in random order: the widely known, the beloved genres and the quirk come more often.

    Sequential Poisson sampling: those with the smallest u / weight, so that the chance is in proportion to the weight.
    """
    places = {}
    for film in films:
        weight = film.reach * (4 if person.quirk in film.item.title.split() else 1)
        weight *= 1.5 if expected_liking(person, film) > 0 else 1
        places[film] = rng.random() / weight
    return _shuffled(rng, sorted(films, key=places.__getitem__)[:count])


def _liking(rng: Random, person: Person, film: Film) -> float:
    """Expected liking with a little mood, overruled by the quirk and by the private coin."""
    liking, coin = expected_liking(person, film) + 0.3 * _normal(rng), rng.random()
    if person.quirk in film.item.title.split():
        return max(liking, 1.5)
    if coin < PRIVATE:
        return -max(liking, 0.5) if liking >= 0 else max(-liking, 0.5)
    return liking


def _rating(liking: float) -> float:
    """1 to 5 in halves; a liking of 0 or more is exactly a rating of LIKED or more."""
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


def _pick(rng: Random, values: Sequence):
    return values[int(rng.random() * len(values))]


def _shuffled(rng: Random, values) -> list:
    return [value for _, value in sorted(((rng.random(), value) for value in values), key=lambda pair: pair[0])]


def _normal(rng: Random) -> float:
    """Close to a standard normal (Irwin-Hall), from sums alone: logarithms differ in the last bit between machines."""
    return sum(rng.random() for _ in range(12)) - 6.0
