"""Who trains what, and a request -> its forget, retain, validation, test and holdout examples."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence

from core.errors import RequestError
from core.types import Interaction, Prompt, Request, Split, Task, UserSplit

MIN_HISTORY = 5
TARGETS = 8


def assign_roles(interactions: Sequence[Interaction], crowd: float, holdout: float, seed: int = 0) -> UserSplit:
    """Users to roles by a hash of (seed, user), so that a user's role never depends on who else is there.

    crowd, holdout: shares of users that train the base model, and that train nothing.
    """
    roles: dict[str, list[str]] = {"crowd": [], "holdout": [], "members": []}
    for user in dict.fromkeys(event.user for event in interactions):
        place = int.from_bytes(hashlib.sha256(f"{seed}:{user}".encode()).digest()[:8]) / 2**64
        roles["holdout" if place < holdout else "crowd" if place < holdout + crowd else "members"].append(user)
    return UserSplit(**{name: tuple(users) for name, users in roles.items()})


def make_split(
    interactions: Sequence[Interaction], roles: UserSplit, request: Request | None, window: int, task: Task
) -> Split:
    """The examples of a request; with `request` None everything that the members trained on is retained.

    Each user's interactions in time order: the first 80 % train, the next 10 % validate, the last 10 % test.
    Forgotten interactions vanish from every other set, histories included.
    """
    histories = by_user(interactions, task)
    forgotten = _covered(request)
    sets: dict[str, list[Prompt]] = defaultdict(list)
    for user in roles.members:
        train, validation, test = thirds(histories[user])
        sets["forget"] += _forget_prompts(train, forgotten, window)
        kept, kept_validation, kept_test = ([e for e in part if not forgotten(e)] for part in (train, validation, test))
        sets["retain"] += windows(kept, window)
        sets["validation"] += suffixes(kept, kept_validation, window)
        sets["test"] += suffixes(kept + kept_validation, kept_test, window)
    for user in roles.holdout:
        sets["holdout"] += windows(thirds(histories[user])[0], window)
    if request and not sets["forget"]:
        raise RequestError(
            f"Request {request.id!r} covers nothing that trained the adapter: its interactions are newer, so there is nothing to unlearn."
        )
    return Split(*(tuple(sets[name]) for name in ("forget", "retain", "validation", "test", "holdout")))


def by_user(interactions: Iterable[Interaction], task: Task) -> dict[str, list[Interaction]]:
    """Each user's interactions as the task sees them: `next_item` follows only what was liked."""
    histories: dict[str, list[Interaction]] = defaultdict(list)
    for event in interactions:
        if task is Task.CLICK or event.liked:
            histories[event.user].append(event)
    return histories


def thirds(events: list[Interaction]) -> tuple[list[Interaction], list[Interaction], list[Interaction]]:
    """Train, validation and test part of one user's history; a short history trains only."""
    if len(events) < MIN_HISTORY:
        return events, [], []
    held = max(1, len(events) // 10)
    return events[: -2 * held], events[-2 * held : -held], events[-held:]


def windows(events: Sequence[Interaction], size: int) -> list[Prompt]:
    """Consecutive stretches of at most `size` interactions, every position a target."""
    return [Prompt(events[start].user, tuple(events[start : start + size])) for start in range(0, len(events), size)]


def suffixes(history: Sequence[Interaction], targets: Sequence[Interaction], size: int) -> list[Prompt]:
    """Prompts of at most `size` interactions whose last ones, TARGETS at most, are to be predicted."""
    events = [*history, *targets]
    prompts = []
    for start in range(len(history), len(events), TARGETS):
        stop = min(start + TARGETS, len(events))
        first = max(0, stop - size)
        prompts.append(Prompt(events[0].user, tuple(events[first:stop]), start - first))
    return prompts


def single_targets(prompts: Iterable[Prompt], history: int) -> list[Prompt]:
    """One prompt a target with at most `history` interactions before it; targets without any are left out."""
    singles = (one for prompt in prompts for one in prompt.singles if one.first_target)
    return [Prompt(one.user, one.events[-history - 1 :], min(one.first_target, history)) for one in singles]


def _covered(request: Request | None):
    """The test whether an interaction is to be forgotten."""
    users = set(request.users) if request else set()
    pairs = set(request.interactions) if request else set()
    return lambda event: event.user in users or (event.user, event.item) in pairs


def _forget_prompts(train: list[Interaction], forgotten, window: int) -> list[Prompt]:
    """The training windows as the adapter saw them, whole where all of it goes, else one prompt a forgotten target."""
    prompts = []
    for prompt in windows(train, window):
        marks = [forgotten(event) for event in prompt.events]
        if all(marks):
            prompts.append(prompt)
        else:
            prompts += [Prompt(prompt.user, prompt.events[: i + 1], i) for i, mark in enumerate(marks) if mark]
    return prompts
