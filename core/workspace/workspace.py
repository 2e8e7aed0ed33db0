"""A workspace: one recommender with its data, models, requests, references and runs."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from core.data.interaction_files import open_interactions
from core.data.interaction_store import InteractionStore
from core.data.templates import FILMS, Template, read_template
from core.errors import DamagedError, RequestError, WorkspaceError
from core.types import ClosedRequest, Item, Request, Task, UserSplit
from core.utils.commands import command_line
from core.utils.listing import Listing
from core.utils.serialization import read_file, read_json, read_json_lines
from core.workspace.ids import is_id, require_own_name
from core.workspace.layout import WorkspaceLayout, is_inside_workspace, require_no_link

T = TypeVar("T", Request, ClosedRequest)


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """The settings of a workspace, written by `prepare`.

    Attributes:
        name: The name that pages show.
        data: The data source, KIND:PATH.
        task: What the recommender is asked.
        base: The base model: a folder (relative to the workspace or absolute), the name of a known base or a hub id.
        base_revision: The commit of a hub id.
        adapter: The folder of the adapter in use, relative to the workspace or absolute.
        window: Interactions in one prompt, targets included.
        epochs: Epochs of the adapter's training. References repeat the recipe exactly.
        learning_rate: Learning rate of the adapter's training.
        rank: LoRA rank of the adapter. The recipe of a given adapter is in `WorkspaceLayout.recipe` instead.
        batch_size: Prompts in a training batch.
        average: Share of the training's last steps whose weights are averaged; 0 in workspaces of version 0.1.0.
        adapter_dtype: Data type in which adapters are stored, "float32" or "bfloat16", which takes half of the space.
        seed: Seed of the adapter's training.
        base_note: Origin of the base model, as a phrase for the report.
        ranking_titles: Titles that a model scores for its ranks and again for its lists; None for a number by the size
            of the base model (core.evaluation.ranking_budget). It must be the same for all models of a request.
        launcher: Where runs start by default.
        clusters: Options of each launcher, by its name.
        forgotten_share: Share of the original's advantage that a run must forget for a PASS, in [0.5, 0.9]. It is fixed
            with the run, so it must be chosen before.
        people: The roles of each person who works here (core.review.permissions). Without an entry, one person does
            everything.
    """

    name: str
    data: str
    task: Task = Task.CLICK
    base: str = "base"
    base_revision: str | None = None
    adapter: str = "adapter"
    window: int = 32
    epochs: int = 6
    learning_rate: float = 2e-3
    rank: int = 32
    batch_size: int = 4
    average: float = 0.0
    adapter_dtype: str = "float32"
    seed: int = 0
    base_note: str = ""
    ranking_titles: int | None = None
    launcher: str = "local"
    clusters: dict[str, dict[str, str | int | float]] = field(default_factory=dict, hash=False)
    forgotten_share: float = 0.5
    people: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


# For each setting: whether it may have a value, and which values it may have, in words.
ALLOWED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "window": (lambda window: window >= 4, "a whole number of at least 4"),
    "epochs": (lambda epochs: epochs >= 1, "a whole number of at least 1"),
    "learning_rate": (lambda rate: 0 < rate < math.inf, "a number above 0"),
    "rank": (lambda rank: rank >= 1, "a whole number of at least 1"),
    "batch_size": (lambda size: size >= 1, "a whole number of at least 1"),
    "average": (lambda share: 0 <= share <= 0.9, "a share from 0 to 0.9"),
    "adapter_dtype": (lambda name: name in ("float32", "bfloat16"), "'float32' or 'bfloat16'"),
    "seed": (lambda seed: 0 <= seed < 2**63, "a whole number from 0 to 2^63 - 1"),
    "ranking_titles": (lambda titles: titles is None or titles >= 100, "a whole number of at least 100, or null"),
    "forgotten_share": (lambda share: 0.5 <= share <= 0.9, "a share from 0.5 to 0.9"),
}


class Workspace:
    """Reads and writes the files of one workspace folder. It keeps in memory only what it has read.

    Attributes:
        layout: Paths of the workspace's files.

    Raises:
        WorkspaceError: The folder is not a workspace.
    """

    def __init__(self, root: str | Path) -> None:
        self.layout = WorkspaceLayout(Path(root).resolve())
        if not self.layout.settings.is_file():
            raise WorkspaceError(
                f"{self.root} is not a workspace, as it holds no {self.layout.settings.name}: restore that file, "
                f"or make a workspace with `{command_line('prepare', '--workspace', str(root))}`."
            )

    @property
    def root(self) -> Path:
        """The workspace folder."""
        return self.layout.root

    @cached_property
    def settings(self) -> WorkspaceSettings:
        """The settings that `prepare` wrote.

        Raises:
            WorkspaceError: A value is out of its range.
        """
        settings = read_json(self.layout.settings, WorkspaceSettings)
        for name, (allowed, wanted) in ALLOWED.items():
            if not allowed(value := getattr(settings, name)):
                raise WorkspaceError(f"{name} in {self.layout.settings} is {value!r}: choose {wanted}.")
        return settings

    @cached_property
    def items(self) -> dict[str, Item]:
        """All items by id."""
        return {item.id: item for item in read_json_lines(self.layout.items, Item)}

    @cached_property
    def interactions(self) -> InteractionStore:
        """All interactions, in time order; ask it for the rows that a question needs."""
        return open_interactions(self.layout.interactions)

    @cached_property
    def user_split(self) -> UserSplit:
        """Training users, base-model users and held-out users."""
        return read_json(self.layout.user_split, UserSplit)

    @property
    def templates(self) -> Path:
        """The file with the text of the prompts. Raises WorkspaceError where something else stands in its place."""
        own = self.layout.templates
        if own.is_file() or not own.exists():
            return own if own.is_file() else FILMS
        raise WorkspaceError(f"{own} is no file: remove it, or put the templates file there.")

    @cached_property
    def template(self) -> Template:
        """The text around titles and answers.

        Raises:
            DataError: The templates file cannot be used.
        """
        return read_template(self.templates, self.settings.task)

    @property
    def base(self) -> str:
        """The base model: a folder, the name of a known base or a hub id."""
        return self._location(self.settings.base)

    @property
    def adapter(self) -> Path:
        """The folder of the adapter in use."""
        return Path(self._location(self.settings.adapter))

    def _location(self, name: str) -> str:
        """A model location of the settings: a folder inside the workspace where there is one, else as it stands."""
        inside = self.root / name
        return str(inside) if inside.exists() else name

    @cached_property
    def recipe(self) -> bytes | None:
        """The file with a given adapter's recipe, read once: what is trained is what was compared with the ledger."""
        file = self.layout.recipe
        return read_file(file) if file.is_file() else None

    @property
    def has_given_adapter(self) -> bool:
        """Whether `prepare` was given the first adapter, so that nobody here knows which users trained it."""
        return self.recipe is not None

    @property
    def keeps_ledger(self) -> bool:
        """Whether runs and decisions of this workspace are signed."""
        return self.layout.ledger_key.is_file()

    def requests(self) -> Listing[Request]:
        """All open requests that can be read, newest first."""
        found = Listing.read(self.layout.requests.glob("*.json"), self._request)
        return found.newest_first(lambda request: (request.created, request.id))

    def request(self, request_id: str) -> Request:
        """One open request.

        Raises:
            RequestError: No open request has this id.
        """
        path = self.layout.request(request_id) if is_id(request_id) else None
        if not path or not path.is_file() or not is_inside_workspace(path, self.root):
            known = ", ".join(request.id for request in self.requests()) or "none yet"
            raise RequestError(f"Request {request_id!r} is not in this workspace: choose one of {known}.")
        return self._request(path)

    def _request(self, path: Path) -> Request:
        request = self._read_named(path, Request)
        try:
            _ = request.due
        except ValueError as error:
            raise DamagedError(f"{path} is damaged (field created: {error}): restore it, or remove it.") from None
        return request

    def closed(self) -> Listing[ClosedRequest]:
        """What is left of requests that were carried out, as far as it can be read, newest first."""
        files = self.layout.all_closed.glob("*.json")
        found = Listing.read(files, lambda path: self._read_named(path, ClosedRequest))
        return found.newest_first(lambda one: (one.closed, one.id))

    def _read_named(self, path: Path, kind: type[T]) -> T:
        """Read the file of a request. Raises DamagedError where it is a link, or holds another id than its name."""
        require_no_link(path, self.root)
        found = read_json(path, kind)
        require_own_name(found.id, path, path.stem)
        return found

    def check(self, request: Request) -> None:
        """Check that a request can be served by this workspace.

        Raises:
            RequestError: It names nobody, an unknown user, a user who did not train the adapter, an unknown
                interaction, a user without history, or everybody.
        """
        if not request.subjects:
            raise RequestError("The request names nobody: give at least one user or one interaction.")
        training_users = set(self.user_split.training_users)
        others = {*self.user_split.base_users, *self.user_split.held_out_users}
        for user in request.subjects:
            if user in others:
                raise RequestError(
                    f"User {user!r} never trained this adapter (base-model user or held-out user): "
                    "only data of training users can be unlearned."
                )
            if user not in training_users:
                raise RequestError(
                    f"User {user!r} is not in this workspace: "
                    f"check the id on the request page or in {self.layout.name(self.layout.user_split)}."
                )
        own = self.interactions.of_users(request.subjects)
        known = {(event.user, event.item) for event in own}
        for user, item in request.interactions:
            if (user, item) not in known:
                raise RequestError(
                    f"User {user!r} has no interaction with item {item!r}: choose from that user's history."
                )
        covered = list(filter(request.covers, own))
        if not covered:
            raise RequestError(f"User {request.subjects[0]!r} has an empty history: there is nothing to erase.")
        if len(covered) == len(own) and not self.interactions.knows_any(training_users.difference(request.subjects)):
            raise RequestError(
                f"The request covers all {len(training_users)} users: nobody is left to keep, "
                "so retire the adapter instead."
            )

    def reference_folders(self, request_id: str) -> tuple[Path, ...]:
        """The finished references of a request, by seed."""
        return self.layout.finished_references(request_id)
