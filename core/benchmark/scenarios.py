"""Scenarios of the benchmark: for each seed one adapter on a workspace's base, one request and its references.

A scenario is stored as an ordinary workspace, so that every command and page works on it.
"""

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.data.splits import by_user, split_by_time
from core.demo.build import CREATED, most_frequent_genre
from core.errors import RequestError
from core.pipeline.prepare import Report, train_adapter
from core.runs.references import train_references
from core.types import Interaction, Request
from core.utils.atomic_io import move, remove_folder, staging
from core.utils.serialization import write_json
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout, require_no_link

SHARE = 0.05  # of the training users, for requests of random users
HEAVY_USERS = 3
SINGLE_USERS = 4  # of a group, who are also judged alone
SEQUENTIAL_USERS = 5
Histories = dict[str, list[Interaction]]  # training interactions by user


def slug(name: str) -> str:
    """A workspace's name as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def make_scenario(source: Workspace, seed: int, folder: Path, report: Report) -> Workspace:
    """Train an adapter by the source's own recipe, in a workspace of its own.

    Args:
        source: Prepared workspace; its data are copied and its base model is used in place.
        seed: Seed of the adapter's training.
        folder: The scenario's workspace; an existing one is returned unchanged.
        report: Called after each training step.

    Raises:
        DamagedError: The source's data hold a symbolic link.
    """
    if not folder.is_dir():
        folder = folder.parent.resolve() / folder.name
        part = staging(folder)
        remove_folder(part)
        require_no_link(source.layout.data_folder, source.root)
        shutil.copytree(source.layout.data_folder, WorkspaceLayout(part).data_folder)
        settings = replace(source.settings, base=source.base, adapter="adapter", seed=seed)
        write_json(WorkspaceLayout(part).settings, settings)
        train_adapter(Workspace(part), report)
        move(part, folder)
    return Workspace(folder)


def open_request(workspace: Workspace, kind: str, seed: int) -> Request:
    """Write the request of one kind; the same seed gives the same request.

    Args:
        workspace: The scenario's workspace.
        kind: A key of `KINDS`.
        seed: Seed of the choice of users.

    Raises:
        RequestError: The kind is unknown, or the request cannot be served.
    """
    if kind not in KINDS:
        raise RequestError(f"Request kind {kind!r} is unknown: choose one of {', '.join(KINDS)}.")
    histories = by_user(workspace.interactions, workspace.settings.task)
    trained = {
        user: split_by_time(histories[user])[0] for user in workspace.user_split.training_users if histories[user]
    }
    request = replace(
        KINDS[kind](workspace, trained, random.Random(f"{kind}:{seed}")), id=f"req-{kind}", reason=kind, created=CREATED
    )
    workspace.check(request)
    write_json(workspace.layout.request(request.id), request)
    return request


def single_users(request: Request, seed: int) -> list[str]:
    """Users of a group's request who are also judged alone; the same seed gives the same users."""
    return random.Random(seed).sample(request.users, min(SINGLE_USERS, len(request.users)))


def references_of(workspace: Workspace, request: Request, count: int, device: str, report: Report) -> tuple[Path, ...]:
    """Train the missing ones of `count` references.

    Returns:
        The folders of all references.
    """
    return train_references(
        workspace, request.id, count, device, lambda number, step: report(f"reference {number + 1}", step)
    )


def _random_users(workspace: Workspace, trained: Histories, rng: random.Random) -> Request:  # noqa: ARG001 - signature
    return Request("", users=tuple(rng.sample(sorted(trained), max(1, round(SHARE * len(trained))))))


def _heavy_users(workspace: Workspace, trained: Histories, rng: random.Random) -> Request:  # noqa: ARG001 - signature
    """Users drawn from the tenth with the longest histories."""
    longest = sorted(trained, key=lambda user: (-len(trained[user]), user))[: max(HEAVY_USERS, len(trained) // 10)]
    return Request("", users=tuple(rng.sample(longest, min(HEAVY_USERS, len(longest)))))


def _single_user(workspace: Workspace, trained: Histories, rng: random.Random) -> Request:  # noqa: ARG001 - signature
    return Request("", users=(rng.choice(sorted(trained)),))


def _one_genre(workspace: Workspace, trained: Histories, rng: random.Random) -> Request:
    """All interactions of one user with their most frequent genre."""
    user = rng.choice(sorted(trained))
    return Request("", interactions=most_frequent_genre(trained[user], workspace.items))


def _sequential_users(
    workspace: Workspace,  # noqa: ARG001 - common signature of `KINDS`
    trained: Histories,
    rng: random.Random,
) -> Request:
    """Users of sequential requests, in the order of their requests."""
    return Request("", users=tuple(rng.sample(sorted(trained), min(SEQUENTIAL_USERS, len(trained) - 1))))


KINDS: dict[str, Callable[[Workspace, Histories, random.Random], Request]] = {
    "random": _random_users,
    "heavy": _heavy_users,
    "single": _single_user,
    "genre": _one_genre,
    "row": _sequential_users,
}
