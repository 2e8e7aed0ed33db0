"""Donors: titles that can replace a title of a history without moving any other token.

A donor has the token count of the title that it replaces, and the user never interacted with it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.circuit.pagerank import ItemGraph
from core.types import Encoded, Interaction, Item, Prompt

Encode = Callable[[Sequence[Prompt]], list[Encoded]]
Swaps = list[tuple[int, str]]  # (index in the history, id of the donor item)

DECILES = 10
NEAREST = 8  # a donor is drawn among this many candidates of smallest PageRank
OTHERS = 32  # number of other users whose histories are compared
AVERAGED = 64  # the mean embedding is taken over the tokens of this many most popular titles


def replace_items(prompt: Prompt, items: Mapping[int, str]) -> Prompt:
    """The prompt with other items at some indices of its events; users, labels and times stay."""
    events = tuple(replace(event, item=items.get(index, event.item)) for index, event in enumerate(prompt.events))
    return replace(prompt, events=events)


class DonorPool:
    """Popularity and token count of every item, and the history of every user.

    Attributes:
        graph: Users and items of the training interactions.
        histories: Items of each user, in order and each once.
        popular: Item ids, most popular first.
        average: Tokens of the AVERAGED most popular titles, one title after another.
        tokens: Number of tokens of each title.
        decile: Popularity decile of each item, 0 is the most popular.
    """

    def __init__(self, interactions: Sequence[Interaction], catalogue: Sequence[Item], encode: Encode) -> None:
        self.graph = ItemGraph(interactions)
        self.histories: dict[str, dict[str, None]] = defaultdict(dict)
        for event in interactions:
            self.histories[event.user][event.item] = None
        self.users = sorted(self.histories)
        count = Counter(event.item for event in interactions)
        self.popular = sorted((item.id for item in catalogue), key=lambda item: (-count[item], item))
        single = [Prompt("", (Interaction("", item, True, 0),)) for item in self.popular]
        titles = [encoded.ids[slice(*encoded.spans[0])] for encoded in encode(single)]
        self.average = tuple(token for title in titles[:AVERAGED] for token in title)
        self.tokens = {item: len(title) for item, title in zip(self.popular, titles, strict=True)}
        self.decile = {item: index * DECILES // len(self.popular) for index, item in enumerate(self.popular)}
        self._alike: dict[tuple[int, int], list[str]] = defaultdict(list)
        for item in self.popular:
            self._alike[self.decile[item], self.tokens[item]].append(item)

    def seen(self, prompt: Prompt) -> set[str]:
        """All items that the prompt's user interacted with."""
        return {event.item for event in prompt.events} | set(self.histories.get(prompt.user, ()))

    def distant_swaps(self, prompt: Prompt, pagerank: Mapping[str, float], random: np.random.Generator) -> Swaps:
        """A donor of small PageRank for each title of the history that has one, titles of largest PageRank first.

        Donors are unseen items of the same popularity decile and token count, each used once.

        Args:
            prompt: Its last event is the target.
            pagerank: Personalised PageRank of each item; 0 for items that are missing.
            random: Draws among the NEAREST candidates of smallest PageRank.
        """
        taken, swaps = self.seen(prompt), []
        history = [event.item for event in prompt.events[:-1]]
        for slot in sorted(range(len(history)), key=lambda slot: -pagerank.get(history[slot], 0.0)):
            item = history[slot]
            alike = self._alike[self.decile[item], self.tokens[item]]
            limit = pagerank.get(item, 0.0)
            distant = [other for other in alike if other not in taken and pagerank.get(other, 0.0) < limit]
            if distant:
                donor = random.choice(sorted(distant, key=lambda other: pagerank.get(other, 0.0))[:NEAREST])
                swaps.append((slot, str(donor)))
                taken.add(str(donor))
        return swaps

    def other_user_swaps(self, prompt: Prompt, random: np.random.Generator) -> Swaps:
        """Swaps from the history of one other user: of OTHERS users, the one who fills the most slots."""
        others = [user for user in self.users if user != prompt.user]
        sample = random.choice(others, min(OTHERS, len(others)), replace=False)
        return max((self._swaps_from(prompt, str(user)) for user in sample), key=len, default=[])

    def _swaps_from(self, prompt: Prompt, user: str) -> Swaps:
        """Every slot that an unseen title of the user fits by token count, each title used once."""
        seen, fitting = self.seen(prompt), defaultdict(list)
        for item in self.histories[user]:
            if item not in seen:
                fitting[self.tokens[item]].append(item)
        slots = [(slot, fitting[self.tokens[event.item]]) for slot, event in enumerate(prompt.events[:-1])]
        return [(slot, items.pop()) for slot, items in slots if items]
