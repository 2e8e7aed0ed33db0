"""The split of users, and the forget, retain, validation, test and held-out examples of a request."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from core.data.interaction_store import InteractionStore
from core.errors import RequestError
from core.types import Interaction, Prompt, Request, Split, Task, UserSplit

MIN_HISTORY = 5
TARGETS = 8


def split_users(users: Iterable[str], base_share: float, held_out_share: float, seed: int = 0) -> UserSplit:
    """Split users by a hash of (seed, user), so that a user's part does not depend on the other users.

    Args:
        users: All users, each once.
        base_share: Share of base-model users, in [0, 1].
        held_out_share: Share of held-out users, in [0, 1].
        seed: Seed of the hash.
    """
    parts: dict[str, list[str]] = {"base_users": [], "held_out_users": [], "training_users": []}
    for user in users:
        fraction = int.from_bytes(hashlib.sha256(f"{seed}:{user}".encode()).digest()[:8]) / 2**64
        part = "held_out_users" if fraction < held_out_share else "base_users"
        parts[part if fraction < held_out_share + base_share else "training_users"].append(user)
    return UserSplit(**{name: tuple(users) for name, users in parts.items()})


def make_split(
    interactions: Iterable[Interaction], user_split: UserSplit, request: Request | None, window: int, task: Task
) -> Split:
    """Split the interactions into the examples of a request.

    In time order, the first 80 % of a user's interactions are for training, the next 10 % for validation and the last
    10 % for test. Forgotten interactions are removed from all other sets, also from the histories of prompts.

    Args:
        interactions: All interactions.
        user_split: The split of users.
        request: The request; None retains all training examples.
        window: Maximum number of interactions in a prompt.
        task: The task.

    Raises:
        RequestError: The request covers no training example.
    """
    histories = by_user(interactions, task)
    forgotten = (request or Request("")).covers
    sets: dict[str, list[Prompt]] = defaultdict(list)
    for user in user_split.training_users:
        train, validation, test = split_by_time(histories[user])
        sets["forget"] += _forget_prompts(train, forgotten, window)
        kept, kept_validation, kept_test = ([e for e in part if not forgotten(e)] for part in (train, validation, test))
        sets["retain"] += windows(kept, window)
        sets["validation"] += suffixes(kept, kept_validation, window)
        sets["test"] += suffixes(kept + kept_validation, kept_test, window)
    for user in user_split.held_out_users:
        sets["holdout"] += windows(split_by_time(histories[user])[0], window)
    if request and not sets["forget"]:
        raise RequestError(
            f"Request {request.id!r} covers nothing that trained the adapter: its interactions are newer, "
            "so there is nothing to unlearn."
        )
    return Split(*(tuple(sets[name]) for name in ("forget", "retain", "validation", "test", "holdout")))


def forget_set(
    interactions: InteractionStore, user_split: UserSplit, request: Request, window: int, task: Task
) -> tuple[Prompt, ...]:
    """The forget set of a request as in `make_split`, from the rows of its subjects alone.

    Raises:
        RequestError: The request covers no training example.
    """
    subjects = set(request.subjects)
    own = UserSplit(tuple(user for user in user_split.training_users if user in subjects), (), ())
    return make_split(interactions.of_users(request.subjects), own, request, window, task).forget


@dataclass(frozen=True, slots=True)
class ForgottenRows:
    """The training rows that a request takes away, and how many it leaves.

    Attributes:
        prompts: The forget set.
        retained: Number of training rows that stay: the targets of the retain set.
    """

    prompts: tuple[Prompt, ...]
    retained: int


def forgotten_of(
    interactions: InteractionStore, user_split: UserSplit, request: Request, window: int, task: Task
) -> ForgottenRows:
    """The forget set of a request, and the size of its retain set, from its subjects' rows and counts of all others'.

    Raises:
        RequestError: The request covers no training example.
    """
    prompts, lengths = forget_set(interactions, user_split, request, window, task), interactions.history_lengths(task)
    trained = sum(_training_length(lengths.get(user, 0)) for user in user_split.training_users)
    return ForgottenRows(prompts, trained - sum(len(prompt.targets) for prompt in prompts))


def by_user(interactions: Iterable[Interaction], task: Task) -> dict[str, list[Interaction]]:
    """Group interactions by user; the task `next_item` uses liked interactions only."""
    histories: dict[str, list[Interaction]] = defaultdict(list)
    for event in interactions:
        if task is Task.CLICK or event.liked:
            histories[event.user].append(event)
    return histories


def split_by_time(events: list[Interaction]) -> tuple[list[Interaction], list[Interaction], list[Interaction]]:
    """Split one user's history into training, validation and test part; a short history is for training only."""
    trained = _training_length(len(events))
    held = (len(events) - trained) // 2
    return events[:trained], events[trained : trained + held], events[trained + held :]


def _training_length(length: int) -> int:
    """How many interactions of a history are for training."""
    return length if length < MIN_HISTORY else length - 2 * max(1, length // 10)


def windows(events: Sequence[Interaction], size: int) -> list[Prompt]:
    """Cut a history into prompts of at most `size` consecutive interactions, all of them targets."""
    return [Prompt(events[start].user, tuple(events[start : start + size])) for start in range(0, len(events), size)]


def suffixes(history: Sequence[Interaction], targets: Sequence[Interaction], size: int) -> list[Prompt]:
    """Make prompts of at most `size` interactions, of which the last ones, at most TARGETS, are targets."""
    events = [*history, *targets]
    prompts = []
    for start in range(len(history), len(events), TARGETS):
        stop = min(start + TARGETS, len(events))
        first = max(0, stop - size)
        prompts.append(Prompt(events[0].user, tuple(events[first:stop]), start - first))
    return prompts


def single_targets(prompts: Iterable[Prompt], history: int) -> list[Prompt]:
    """Make one prompt for each target, with 1 to `history` interactions before it; drop targets without any."""
    singles = (one for prompt in prompts for one in prompt.singles if one.first_target)
    return [Prompt(one.user, one.events[-history - 1 :], min(one.first_target, history)) for one in singles]


def targets_with_history(train: Sequence[Interaction]) -> dict[str, Interaction]:
    """The training interactions of one user that have others before them, by item, oldest first."""
    return {event.item: event for event in train[1:]}


def _forget_prompts(train: list[Interaction], forgotten: Callable[[Interaction], bool], window: int) -> list[Prompt]:
    """Return the training prompts that are forgotten as a whole, and one prompt for each other forgotten target."""
    prompts = []
    for prompt in windows(train, window):
        marks = [forgotten(event) for event in prompt.events]
        if all(marks):
            prompts.append(prompt)
        else:
            prompts += [Prompt(prompt.user, prompt.events[: i + 1], i) for i, mark in enumerate(marks) if mark]
    return prompts
