"""Scenes: for each seed an adapter of its own on a workspace's base, somebody to forget, and references.

A scene is a workspace like any other, so that every command and page works on it.
"""

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from core.data.splits import by_user, thirds
from core.demo.build import BORN
from core.errors import RequestError
from core.pipeline.prepare import Report, train_adapter
from core.runs.references import train_references
from core.types import Interaction, Request
from core.utils.serialization import write_json
from core.workspace import Workspace

SHARE = 0.05  # of the members, where random people are forgotten
HEAVY = 3
IN_A_ROW = 5
Histories = dict[str, list[Interaction]]


def slug(name: str) -> str:
    """A workspace's name as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def make_scene(source: Workspace, seed: int, folder: Path, report: Report) -> Workspace:
    """`source` with an adapter trained from `seed` by its own recipe; one that is there already is taken as it is."""
    if not folder.is_dir():
        part = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(source.root / "data", part / "data")
        settings = replace(source.settings, base=source.path(source.settings.base), adapter="adapter", seed=seed)
        write_json(part / "workspace.json", settings)
        train_adapter(Workspace(part), report)
        part.rename(folder)
    return Workspace(folder)


def open_request(scene: Workspace, kind: str, seed: int) -> Request:
    """The request of a kind in this scene, the same every time. Raises RequestError for an unknown kind."""
    if kind not in KINDS:
        raise RequestError(f"Request kind {kind!r} is unknown: choose one of {', '.join(KINDS)}.")
    histories = by_user(scene.interactions, scene.settings.task)
    trained = {user: thirds(histories[user])[0] for user in scene.user_split.members if histories[user]}
    request = replace(
        KINDS[kind](scene, trained, random.Random(f"{kind}:{seed}")), id=f"req-{kind}", reason=kind, created=BORN
    )
    scene.check(request)
    write_json(scene.root / "requests" / f"{request.id}.json", request)
    return request


def references_of(scene: Workspace, request: Request, count: int, device: str, report: Report) -> tuple[Path, ...]:
    """Train what is missing of `count` references."""
    return train_references(
        scene, request.id, count, device, lambda number, step: report(f"reference {number + 1}", step)
    )


def _random_people(scene: Workspace, trained: Histories, rng: random.Random) -> Request:
    return Request("", users=tuple(rng.sample(sorted(trained), max(1, round(SHARE * len(trained))))))


def _heavy_people(scene: Workspace, trained: Histories, rng: random.Random) -> Request:
    """Some of the tenth with the longest histories."""
    longest = sorted(trained, key=lambda user: (-len(trained[user]), user))[: max(HEAVY, len(trained) // 10)]
    return Request("", users=tuple(rng.sample(longest, min(HEAVY, len(longest)))))


def _single_person(scene: Workspace, trained: Histories, rng: random.Random) -> Request:
    return Request("", users=(rng.choice(sorted(trained)),))


def _one_genre(scene: Workspace, trained: Histories, rng: random.Random) -> Request:
    """All of one person's interactions with their most frequent genre."""
    user = rng.choice(sorted(trained))
    met = Counter(genre for event in trained[user] for genre in scene.items[event.item].genres)
    genre = max(sorted(met), key=met.__getitem__)
    chosen = [event.item for event in trained[user] if genre in scene.items[event.item].genres]
    return Request("", interactions=tuple(dict.fromkeys((user, item) for item in chosen)))


def _people_in_a_row(scene: Workspace, trained: Histories, rng: random.Random) -> Request:
    """People who ask one after the other; the request holds them in the order in which they come."""
    return Request("", users=tuple(rng.sample(sorted(trained), min(IN_A_ROW, len(trained) - 1))))


KINDS: dict[str, Callable[[Workspace, Histories, random.Random], Request]] = {
    "random": _random_people,
    "heavy": _heavy_people,
    "single": _single_person,
    "genre": _one_genre,
    "row": _people_in_a_row,
}
