"""Contrast prompts (method section 1): the same prompt without the evidence for its target.

The history titles nearest to the target by personalised PageRank give way to unseen, far ones of the same
popularity decile and token count, as few as halve or flip the metric: 1, then 2, 4 ... Where that does not
do, titles from another user's history take every slot they fit; and where that does not do either, the mean
embedding of popular titles' tokens takes the place of every history title (mean ablation of the evidence).
Template, target, answers and all token positions stay.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from core.circuit.hooks import CLEAN, CORRUPTED, MEAN, Contrast, metrics
from core.circuit.pagerank import ItemGraph
from core.errors import RunError
from core.models.families import Anatomy, anatomy
from core.types import Encoded, Interaction, Item, Prompt

Encode = Callable[[Sequence[Prompt]], list[Encoded]]
Swaps = list[tuple[int, str]]  # (place in the history, id of the item that comes there)
WAYS = ("pagerank", "other_user", "mean")
DECILES = 10
NEAREST = 8  # a donor is drawn among this many candidates of smallest PageRank
RIVALS = 50  # a rival is drawn among this many most popular unseen titles
OTHERS = 32  # this many other users are looked at for one whose titles fit
AVERAGED = 64  # the mean embedding is that of the tokens of this many most popular titles
TARGETS = 64  # PageRanks computed at once


def contrasts(
    model: nn.Module,
    prompts: Sequence[Prompt],
    interactions: Sequence[Interaction],
    catalogue: Sequence[Item],
    encode: Encode,
    answers: tuple[int, int] | None,
    seed: int = 0,
    batch_size: int = 8,
    ways: Sequence[str] = WAYS,
    donors: int = 1,
) -> tuple[tuple[Contrast, ...], int]:
    """A contrast for each prompt that can have one, in order, and how many prompts have none.

    prompts: with exactly one target. interactions: train interactions, the graph. encode: prompts to tokens.
    answers: ids of Yes and No in the click task, None in next_item, where the wrong answer is the title of an
    unseen popular item and the prompt is cut where the titles part. ways: which are tried, in this order.
    donors: how many contrasts each prompt gets, each with stand-ins (and in next_item a rival) of its own draw.
    A prompt without history, or in which no title can be replaced, has no contrast. Raises RunError for a way
    that is not in WAYS.
    """
    if unknown := set(ways) - set(WAYS):
        raise RunError(f"Contrast way {min(unknown)!r} is not known: choose among {', '.join(WAYS)}.")
    random = np.random.default_rng(seed)
    pool = _Donors(interactions, catalogue, encode)
    pairs = list(zip(range(len(prompts)), prompts, encode(prompts), strict=True))
    asked = [_question(*pair, pool, encode, answers, random) for pair in pairs for _ in range(donors)]
    questions = [question for question in asked if question]
    candidates = [_candidates(question, plan, ways, pool, random) for question, plan in _plans(questions, pool, random)]
    found = _search(anatomy(model), questions, candidates, encode, pool.average, batch_size)
    return found, len(prompts) - len({contrast.prompt for contrast in found})


class StandIns:
    """For whole histories: titles that can stand in their place, whatever comes next.

    interactions, catalogue, encode: as in `contrasts`.
    """

    def __init__(
        self, interactions: Sequence[Interaction], catalogue: Sequence[Item], encode: Encode, seed: int = 0
    ) -> None:
        self._donors, self._seed = _Donors(interactions, catalogue, encode), seed

    def __call__(self, prompt: Prompt) -> dict[int, str]:
        """By place in the history the item that stands there: unseen, far from the whole history by personalised
        PageRank, of the same popularity decile and token count. Places without one are left out."""
        graph = self._donors.graph
        known = sorted({event.item for event in prompt.events[:-1]} & graph.items.keys())
        if not known:
            return {}
        ranks = graph.pagerank(known).mean(1)
        near = {item: float(ranks[row]) for item, row in graph.items.items()}
        return dict(_swaps(prompt, near, self._donors, np.random.default_rng(self._seed)))


@dataclass(frozen=True, slots=True)
class _Question:
    """A whole prompt, and the contrast to be completed: cut, with its answers, nothing corrupted yet."""

    prompt: Prompt
    encoded: Encoded
    contrast: Contrast


def _asked(number: int, prompt: Prompt, encoded: Encoded, cut: int, right: int, wrong: int) -> _Question:
    ids, items = encoded.ids[:cut], tuple(start for start, _ in encoded.spans)
    return _Question(prompt, encoded, Contrast(ids, ids, right, wrong, "", (), items, prompt=number))


class _Donors:
    """Which titles can stand in for which: popularity and token count of each item, and who met what."""

    def __init__(self, interactions: Sequence[Interaction], catalogue: Sequence[Item], encode: Encode) -> None:
        self.graph = ItemGraph(interactions)
        self.histories: dict[str, dict[str, None]] = defaultdict(dict)
        for event in interactions:
            self.histories[event.user][event.item] = None
        self.users = sorted(self.histories)
        met = Counter(event.item for event in interactions)
        self.popular = sorted((item.id for item in catalogue), key=lambda item: (-met[item], item))
        alone = [Prompt("", (Interaction("", item, True, 0),)) for item in self.popular]
        titles = [encoded.ids[slice(*encoded.spans[0])] for encoded in encode(alone)]
        self.average = tuple(token for title in titles[:AVERAGED] for token in title)
        self.tokens = {item: len(title) for item, title in zip(self.popular, titles, strict=True)}
        self.decile = {item: place * DECILES // len(self.popular) for place, item in enumerate(self.popular)}
        self.pools: dict[tuple[int, int], list[str]] = defaultdict(list)
        for item in self.popular:
            self.pools[self.decile[item], self.tokens[item]].append(item)

    def seen(self, prompt: Prompt) -> set[str]:
        """Everything that this user ever met."""
        return {event.item for event in prompt.events} | set(self.histories.get(prompt.user, ()))


def _question(
    number: int,
    prompt: Prompt,
    encoded: Encoded,
    donors: _Donors,
    encode: Encode,
    answers: tuple[int, int] | None,
    random: np.random.Generator,
) -> _Question | None:
    """None without history, or where no rival's title parts from the true one."""
    if len(prompt.events) < 2:
        return None
    start, stop = encoded.answers[0]
    if answers:
        right, wrong = answers if encoded.labels[0] else answers[::-1]
        return _asked(number, prompt, encoded, start, right, wrong)
    seen = donors.seen(prompt)
    rivals = [item for item in donors.popular if item not in seen][:RIVALS]
    for rival in random.permutation(rivals):
        (other,) = encode([_replaced(prompt, [(len(prompt.events) - 1, str(rival))])])
        for place in range(start, min(stop, len(other.ids))):
            if encoded.ids[place] != other.ids[place]:
                return _asked(number, prompt, encoded, place, encoded.ids[place], other.ids[place])
    return None


def _replaced(prompt: Prompt, swaps: Swaps) -> Prompt:
    """Other items at some places of the history; whether they were liked stays."""
    events = list(prompt.events)
    for slot, item in swaps:
        events[slot] = replace(events[slot], item=item)
    return replace(prompt, events=tuple(events))


def _plans(
    questions: Sequence[_Question], donors: _Donors, random: np.random.Generator
) -> Iterator[tuple[_Question, Swaps]]:
    """Each question with its (slot, donor) swaps, evidence nearest to the target first."""
    rows = donors.graph.items
    for first in range(0, len(questions), TARGETS):
        some = questions[first : first + TARGETS]
        targets = [question.prompt.events[-1].item for question in some]
        known = [target for target in dict.fromkeys(targets) if target in rows]
        ranks = dict(zip(known, donors.graph.pagerank(known).T, strict=True))
        for question, target in zip(some, targets, strict=True):
            rank = ranks.get(target)
            near = {} if rank is None else {item: rank[row] for item, row in rows.items()}
            yield question, _swaps(question.prompt, near, donors, random)


def _swaps(prompt: Prompt, near: dict[str, float], donors: _Donors, random: np.random.Generator) -> Swaps:
    taken, swaps = donors.seen(prompt), []
    history = [event.item for event in prompt.events[:-1]]
    for slot in sorted(range(len(history)), key=lambda slot: -near.get(history[slot], 0.0)):
        item = history[slot]
        pool = donors.pools[donors.decile[item], donors.tokens[item]]
        far = [other for other in pool if other not in taken and near.get(other, 0.0) < near.get(item, 0.0)]
        if far:
            donor = random.choice(sorted(far, key=lambda other: near.get(other, 0.0))[:NEAREST])
            swaps.append((slot, str(donor)))
            taken.add(str(donor))
    return swaps


def _candidates(
    question: _Question, swaps: Swaps, ways: Sequence[str], donors: _Donors, random: np.random.Generator
) -> list[tuple[str, Swaps]]:
    """(way, swaps) in the order in which they are tried: least first."""
    counts = [2**power for power in range(len(swaps).bit_length()) if 2**power < len(swaps)]
    plans: dict[str, list[Swaps]] = {
        "pagerank": [swaps[:count] for count in (*counts, len(swaps)) if swaps],
        "other_user": [_other_user(question.prompt, donors, random)],
        "mean": [[]],
    }
    return [(way, plan) for way in ways for plan in plans[way]]


def _other_user(prompt: Prompt, donors: _Donors, random: np.random.Generator) -> Swaps:
    """Swaps from the history of whichever of some other users fills the most slots."""
    others = [user for user in donors.users if user != prompt.user]
    some = random.choice(others, min(OTHERS, len(others)), replace=False)
    return max((_fill(prompt, str(user), donors) for user in some), key=len, default=[])


def _fill(prompt: Prompt, user: str, donors: _Donors) -> Swaps:
    seen, fitting = donors.seen(prompt), defaultdict(list)
    for item in donors.histories[user]:
        if item not in seen:
            fitting[donors.tokens[item]].append(item)
    slots = [(slot, fitting[donors.tokens[event.item]]) for slot, event in enumerate(prompt.events[:-1])]
    return [(slot, items.pop()) for slot, items in slots if items]


def _search(
    parts: Anatomy,
    questions: Sequence[_Question],
    candidates: Sequence[list[tuple[str, Swaps]]],
    encode: Encode,
    average: tuple[int, ...],
    batch_size: int,
) -> tuple[Contrast, ...]:
    """For each question the first candidate that halves or flips the metric, else the one that moves it most."""
    clean = metrics(parts, [question.contrast for question in questions], batch_size, CLEAN).tolist()
    best: dict[int, Contrast] = {}
    moved = [-1.0] * len(questions)
    open_ = list(range(len(questions)))
    for turn in range(max(map(len, candidates), default=0)):
        open_ = [i for i in open_ if turn < len(candidates[i])]
        others = encode([_replaced(questions[i].prompt, candidates[i][turn][1]) for i in open_])
        made = [
            _contrast(questions[i], other, *candidates[i][turn], average)
            for i, other in zip(open_, others, strict=True)
        ]
        tried = {i: contrast for i, contrast in zip(open_, made, strict=True) if contrast}
        after = metrics(parts, list(tried.values()), batch_size, CORRUPTED).tolist()
        for i, metric in zip(tried, after, strict=True):
            enough = abs(metric) <= abs(clean[i]) / 2 or metric * clean[i] < 0
            if enough or abs(metric - clean[i]) > moved[i]:
                best[i], moved[i] = tried[i], np.inf if enough else abs(metric - clean[i])
        open_ = [i for i in open_ if moved[i] < np.inf]
    return tuple(best[i] for i in sorted(best))


def _contrast(question: _Question, other: Encoded, way: str, swaps: Swaps, average: tuple[int, ...]) -> Contrast | None:
    """None unless the other prompt keeps every token position and differs inside the replaced titles only."""
    if way == "mean":
        return _averaged(question, average)
    ids = question.contrast.ids
    corrupted = other.ids[: len(ids)]
    spans = tuple(sorted(question.encoded.spans[slot] for slot, _ in swaps))
    inside = {place for span in spans for place in range(*span)}
    differing = {place for place, (a, b) in enumerate(zip(ids, corrupted, strict=False)) if a != b}
    kept = len(other.ids) == len(question.encoded.ids) and other.spans == question.encoded.spans
    if kept and differing and differing <= inside:
        return replace(question.contrast, corrupted=corrupted, way=way, spans=spans)
    return None


def _averaged(question: _Question, average: tuple[int, ...]) -> Contrast:
    spans = question.encoded.spans[:-1]
    corrupted = list(question.contrast.ids)
    for start, stop in spans:
        corrupted[start:stop] = [MEAN] * (stop - start)
    return replace(question.contrast, corrupted=tuple(corrupted), way="mean", spans=spans, average=average)
