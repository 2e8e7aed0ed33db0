"""A workspace on disk: one recommender, its data, its requests, references and runs.

workspace.json          settings
data/items.jsonl  data/interactions.jsonl  data/roles.json
base/  adapter/         Hugging Face and PEFT folders (or paths named in the settings)
requests/ID.json
references/ID/seed-K/   adapters retrained without the request's data
runs/ID/                see core.runs.run_folder
closed/ID.json          what is left of requests that were carried out
review.sqlite           cases, decisions and comments
sealed/ID-CASE/         what is about to be destroyed, encrypted; only while an approval is carried out
ledger.jsonl  ledger.pub    signed account of all runs, and the key to check it with
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from core.errors import RequestError, WorkspaceError
from core.types import Closed, Ground, Identity, Interaction, Item, Request, Task, UserSplit
from core.utils.clock import utc_now
from core.utils.serialization import read_json, read_json_lines, write_json
from core.workspace.layout import WEIGHTS, is_id, is_inside_workspace


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """What a workspace is: written once by `prepare`.

    base, adapter: folder (relative to the workspace or absolute) or hub id; revision pins a hub id.
    window: how many interactions a prompt holds, targets included. epochs, learning_rate, rank: the adapter's recipe,
    which a reference repeats exactly. base_note: where the base model comes from, in words for the report.
    launcher: where runs start, unless one says otherwise. clusters: by launcher, what its cluster has to be told.
    people: who works here, each with roles (core.review.permissions); with nobody, one person does everything.
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
    seed: int = 0
    base_note: str = ""
    launcher: str = "local"
    clusters: dict[str, dict[str, str | int | float]] = field(default_factory=dict, hash=False)
    people: dict[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


class Workspace:
    """Reads and writes the files of one workspace folder; holds no state but what it has read.

    Raises WorkspaceError where the folder is not a workspace.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root).resolve()
        if not (self.root / "workspace.json").is_file():
            raise WorkspaceError(
                f"{self.root} is not a workspace: make one with `python -m core prepare --workspace {root}`."
            )

    @cached_property
    def settings(self) -> WorkspaceSettings:
        return read_json(self.root / "workspace.json", WorkspaceSettings)

    @cached_property
    def items(self) -> dict[str, Item]:
        """All items by id."""
        return {item.id: item for item in read_json_lines(self.root / "data/items.jsonl", Item)}

    @cached_property
    def interactions(self) -> tuple[Interaction, ...]:
        """All interactions, in time order."""
        return tuple(read_json_lines(self.root / "data/interactions.jsonl", Interaction))

    @cached_property
    def user_split(self) -> UserSplit:
        return read_json(self.root / "data/roles.json", UserSplit)

    @property
    def ledger(self) -> Path:
        """The signed account of what was done here, where one is kept."""
        return self.root / "ledger.jsonl"

    @property
    def ledger_key(self) -> Path:
        """The public key that the ledger is checked with; where it is, a ledger is kept."""
        return self.root / "ledger.pub"

    def path(self, name: str) -> str:
        """A model location of the settings: inside the workspace where such a folder is, else as it stands."""
        inside = self.root / name
        return str(inside) if inside.exists() else name

    def requests(self) -> tuple[Request, ...]:
        """All requests, newest first."""
        files = (path for path in (self.root / "requests").glob("*.json") if is_inside_workspace(path, self.root))
        found = [read_json(path, Request) for path in files]
        return tuple(sorted(found, key=lambda request: (request.created, request.id), reverse=True))

    def request(self, request_id: str) -> Request:
        """One request. Raises RequestError for an id that is not there."""
        path = self.root / "requests" / f"{request_id}.json"
        if not is_id(request_id) or not path.is_file() or not is_inside_workspace(path, self.root):
            known = ", ".join(request.id for request in self.requests()) or "none yet"
            raise RequestError(f"Request {request_id!r} is not in this workspace: choose one of {known}.")
        return read_json(path, Request)

    def closed(self) -> tuple[Closed, ...]:
        """What is left of the requests that were carried out, newest first."""
        found = [read_json(path, Closed) for path in (self.root / "closed").glob("*.json")]
        return tuple(sorted(found, key=lambda one: (one.closed, one.id), reverse=True))

    def open_request(
        self,
        users: Iterable[str] = (),
        interactions: Iterable[tuple[str, str]] = (),
        reason: str = "",
        opened_by: str = "",
        legal_basis: Ground = Ground.NOT_RECORDED,
        identity: Identity = Identity.NOT_RECORDED,
    ) -> Request:
        """Check a deletion request against the data and write it. Raises RequestError before anything is written."""
        request = Request(
            id=f"req-{secrets.token_hex(3)}",
            users=tuple(dict.fromkeys(users)),
            interactions=tuple(dict.fromkeys(interactions)),
            reason=reason,
            created=utc_now(),
            opened_by=opened_by,
            legal_basis=legal_basis,
            identity=identity,
        )
        self.check(request)
        write_json(self.root / "requests" / f"{request.id}.json", request)
        return request

    def check(self, request: Request) -> None:
        """Raise RequestError, in one sentence, where the request cannot be served here."""
        if not request.subjects:
            raise RequestError("The request names nobody: give at least one user or one interaction.")
        members, others = set(self.user_split.members), set(self.user_split.crowd) | set(self.user_split.holdout)
        for user in request.subjects:
            if user in others:
                raise RequestError(
                    f"User {user!r} never trained this adapter (crowd or holdout): nothing of theirs can be unlearned here."
                )
            if user not in members:
                raise RequestError(
                    f"User {user!r} is not in this workspace: check the id on the request page or in data/interactions.jsonl."
                )
        known = {(event.user, event.item) for event in self.interactions}
        for user, item in request.interactions:
            if (user, item) not in known:
                raise RequestError(
                    f"User {user!r} has no interaction with item {item!r}: choose from that user's history."
                )
        users, pairs = set(request.users), set(request.interactions)
        covered = [event.user in users or (event.user, event.item) in pairs for event in self.interactions]
        if not any(covered):
            raise RequestError(f"User {request.subjects[0]!r} has an empty history: there is nothing to erase.")
        if not any(event.user in members and not gone for event, gone in zip(self.interactions, covered, strict=True)):
            raise RequestError(
                f"The request covers all {len(members)} users: nobody is left to keep, so retire the adapter instead."
            )

    def reference_folders(self, request_id: str) -> tuple[Path, ...]:
        """Finished references of a request, by seed."""
        own = self.root / "references" / request_id
        found = own.glob(f"seed-*/{WEIGHTS}") if is_id(request_id) and is_inside_workspace(own, self.root) else ()
        return tuple(sorted((path.parent for path in found), key=lambda path: int(path.name.split("-")[1])))
