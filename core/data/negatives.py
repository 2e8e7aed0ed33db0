"""Sampled negatives: titles that a user never met count as not liked, where the data only says what was used."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from core.types import Interaction


def sampled_negatives(events: Sequence[Interaction], items: Sequence[str], per_row: int) -> Iterator[Interaction]:
    """Sample, for each user, `per_row` titles for each row, each title once and none that the user met.

    Each gets the time of one of the user's rows, drawn at random, so that neither place nor time tells the label. The
    draw depends on the user's id alone. A user who met nearly everything gets what is left.

    Args:
        events: All rows.
        items: Ids of all items.
        per_row: Titles for each row.
    """
    histories = defaultdict[str, list[Interaction]](list)
    for event in events:
        histories[event.user].append(event)
    for user, own in histories.items():
        rng, met = Random(f"negatives:{user}"), {event.item for event in own}
        for item in _unmet(rng, items, met, min(per_row * len(own), len(items) - len(met))):
            yield Interaction(user, item, False, rng.choice(own).time)


def _unmet(rng: Random, items: Sequence[str], met: set[str], count: int) -> list[str]:
    """Draw different items; by rejection where the user met few of them, since a catalogue can be large."""
    if 2 * (len(met) + count) > len(items):
        return rng.sample([item for item in items if item not in met], count)
    found = dict[str, None]()
    while len(found) < count:
        if (item := items[rng.randrange(len(items))]) not in met:
            found[item] = None
    return list(found)
