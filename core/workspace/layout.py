"""Paths of a workspace. Only this file and run_layout.py know the names of its files and folders.

workspace.json                  settings
data/items.jsonl  data/interactions.parquet  data/roles.json
data/interactions.jsonl         instead of Parquet in workspaces of version 0.2.0 and earlier, and in the demo world
data/templates.toml             text of the prompts, where it is not that about films
base/  adapter/                 Hugging Face and PEFT folders, or the paths that the settings name
recipe.json                     how a given adapter was made, for its references
adapter-RUN/                    the adapter of an approved run, in use since its approval
requests/ID.json
references/ID/seed-K/           adapters retrained without the request's data, and what they answered
references/ID/training.*        progress, log, lock and stop mark of their training, see TrainingLayout
runs/store.sqlite               state of every run
runs/dispatcher.log             what the last dispatcher said before it ended
runs/ID/                        one run, see RunLayout
closed/ID.json                  what is left of requests that were carried out
review.sqlite                   cases, decisions and comments
sealed/ID-CASE/                 encrypted copies of what an approval is about to destroy
ledger.jsonl  ledger.pub        signed ledger of all runs and decisions, and the key to check it with
visits/DIGEST.json              when each person was here last
work.lock  review.lock          see core.workspace.locks
manifest.json                   digests of the files; in the demo world only
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import DamagedError
from core.utils.hashing import short_digest
from core.utils.no_links import DEPTH, holds_link
from core.workspace.ids import as_id, is_id
from core.workspace.run_layout import AdapterLayout, RunLayout, TrainingLayout


@dataclass(frozen=True, slots=True)
class WorkspaceLayout:
    """Paths of one workspace.

    Attributes:
        root: The workspace folder, resolved.
    """

    root: Path

    @property
    def settings(self) -> Path:
        """The settings; a folder with this file is a workspace."""
        return self.root / "workspace.json"

    @property
    def data_folder(self) -> Path:
        """The folder of catalogue, interactions and user split."""
        return self.root / "data"

    @property
    def items(self) -> Path:
        """The catalogue: titles of all items."""
        return self.data_folder / "items.jsonl"

    @property
    def interactions(self) -> Path:
        """All interactions: as JSON lines where these exist, else as Parquet."""
        lines = self.interaction_lines
        return lines if lines.is_file() else self.data_folder / "interactions.parquet"

    @property
    def interaction_lines(self) -> Path:
        """All interactions as JSON lines, in workspaces of version 0.2.0 and earlier and in the demo world."""
        return self.data_folder / "interactions.jsonl"

    @property
    def user_split(self) -> Path:
        """Training users, base-model users and held-out users."""
        return self.data_folder / "roles.json"

    @property
    def templates(self) -> Path:
        """The text of the prompts, where it is not that about films."""
        return self.data_folder / "templates.toml"

    @property
    def data(self) -> tuple[Path, ...]:
        """The files that define what the models are asked."""
        own = (self.templates,) if self.templates.is_file() else ()
        return self.settings, self.items, self.interactions, self.user_split, *own

    @property
    def base(self) -> Path:
        """A base model that was trained for this workspace."""
        return self.root / "base"

    @property
    def adapter(self) -> Path:
        """The adapter that `prepare` made. The one in use is `Workspace.adapter`."""
        return self.root / "adapter"

    @property
    def recipe(self) -> Path:
        """Rank, alpha, patterns and target modules of an adapter that was given to `prepare`; absent without one."""
        return self.root / "recipe.json"

    def approved_adapter(self, run_id: str) -> Path:
        """Where the adapter of an approved run is served from."""
        return self.root / f"adapter-{as_id(run_id)}"

    def adapters(self) -> list[Path]:
        """All adapter folders of the workspace, in use or not."""
        return [path for path in self.root.glob("adapter*") if path.is_dir()]

    @property
    def requests(self) -> Path:
        """The folder of open requests."""
        return self.root / "requests"

    def request(self, request_id: str) -> Path:
        """One open request."""
        return self.requests / f"{as_id(request_id)}.json"

    def is_request(self, name: str) -> bool:
        """Whether a name, as `name` returns it, is that of an open request."""
        path = self.root / name
        return is_id(path.stem) and path == self.request(path.stem)

    def closed(self, request_id: str) -> Path:
        """What is left of a request that was carried out."""
        return self.all_closed / f"{as_id(request_id)}.json"

    @property
    def all_closed(self) -> Path:
        """The folder of what is left of requests that were carried out."""
        return self.root / "closed"

    @property
    def all_references(self) -> Path:
        """The folder of all requests' references."""
        return self.root / "references"

    def references(self, request_id: str) -> Path:
        """The folder of one request's references."""
        return self.all_references / as_id(request_id)

    def reference(self, request_id: str, seed: int) -> Path:
        """One reference adapter."""
        return self.references(request_id) / f"seed-{seed}"

    def training(self, request_id: str) -> "TrainingLayout":
        """The files of the training of one request's references."""
        return TrainingLayout(self.references(request_id))

    def finished_references(self, request_id: str) -> tuple[Path, ...]:
        """The finished references of a request, by seed; none where its folder is a link, or the id no valid one."""
        if not is_id(request_id) or not is_inside_workspace(own := self.references(request_id), self.root):
            return ()
        seeds = {path: re.fullmatch(r"seed-([0-9]+)", path.name) for path in own.glob("seed-*")}
        finished = {path: int(seed[1]) for path, seed in seeds.items() if seed and AdapterLayout(path).is_finished}
        return tuple(sorted(finished, key=finished.__getitem__))

    @property
    def runs(self) -> Path:
        """The folder of all runs."""
        return self.root / "runs"

    @property
    def store(self) -> Path:
        """The SQLite file with the state of every run."""
        return self.runs / "store.sqlite"

    @property
    def dispatcher_log(self) -> Path:
        """What the last dispatcher said (core.runs.dispatcher); it is emptied when one starts."""
        return self.runs / "dispatcher.log"

    def store_files(self) -> list[Path]:
        """The SQLite file with the state of every run, and the journals that SQLite keeps beside it."""
        return _with_journals(self.store)

    def run(self, run_id: str) -> RunLayout:
        """The paths of one run."""
        return RunLayout(self.runs / as_id(run_id))

    def run_folders(self) -> list[Path]:
        """The folders of all runs."""
        return [path for path in self.runs.glob("*") if path.is_dir()]

    @property
    def review(self) -> Path:
        """The SQLite file with cases, decisions and comments."""
        return self.root / "review.sqlite"

    def review_files(self) -> list[Path]:
        """The SQLite file with cases, decisions and comments, and the journals that SQLite keeps beside it."""
        return _with_journals(self.review)

    @property
    def sealed(self) -> Path:
        """The folder of encrypted copies."""
        return self.root / "sealed"

    def vaults(self) -> list[Path]:
        """The folders of all encrypted copies."""
        return [path for path in self.sealed.glob("*") if path.is_dir() and not path.is_symlink()]

    def vault(self, request_id: str, case: int) -> Path:
        """The encrypted copies of one case."""
        return self.sealed / f"{as_id(request_id)}-{case}"

    @property
    def ledger(self) -> Path:
        """The signed ledger, where one is kept."""
        return self.root / "ledger.jsonl"

    @property
    def ledger_key(self) -> Path:
        """The public key of the ledger. A ledger is kept where this file exists."""
        return self.root / "ledger.pub"

    @property
    def visits(self) -> Path:
        """The folder of all visits."""
        return self.root / "visits"

    def visit(self, person: str) -> Path:
        """When a person visited the workspace last; the name is a digest."""
        return self.visits / f"{short_digest(person)}.json"

    @property
    def work_lock(self) -> Path:
        """The lock between jobs that use the models and a deletion."""
        return self.root / "work.lock"

    @property
    def review_lock(self) -> Path:
        """The lock of the process that carries out decisions."""
        return self.root / "review.lock"

    @property
    def manifest(self) -> Path:
        """The digests of all files of the demo world."""
        return self.root / "manifest.json"

    @property
    def mlflow(self) -> Path:
        """The default target of `export`."""
        return self.root / "mlflow"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that any command may write into; one that is not there yet is made then."""
        return (
            self.data_folder, self.requests, self.all_references, self.runs, self.all_closed, self.sealed, self.visits,
        )  # fmt: skip

    def name(self, path: Path) -> str:
        """A path relative to the workspace, as the vault and the leak scan call it."""
        return str(path.relative_to(self.root))

    def leftovers(self) -> Iterator[Path]:
        """Temporary files that a killed write left beside files of the workspace (see atomic_io.replacement)."""
        for folder in (self.root, self.data_folder, self.requests, self.all_closed):
            yield from folder.glob(".*.json*.????????")
            yield from folder.glob(".*.parquet.????????")


def _with_journals(database: Path) -> list[Path]:
    journals = (database.with_name(f"{database.name}-{one}") for one in ("journal", "wal", "shm"))
    return [path for path in (database, *journals) if path.is_file()]


def is_inside_workspace(path: Path, root: Path) -> bool:
    """Whether a path lies under `root` (itself resolved) and neither is nor contains a symbolic link, at any depth.

    False also where that cannot be found out, or where folders are nested so deeply that other steps would fail.
    """
    try:
        return path.resolve().is_relative_to(root) and not path.is_symlink() and not holds_link(path)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links
        return False


def require_no_link(path: Path, root: Path) -> None:
    """Require that a path lies under `root` and neither is nor contains a symbolic link; see `is_inside_workspace`.

    Raises:
        DamagedError: It is one, or contains one.
    """
    if not is_inside_workspace(path, root):
        raise DamagedError(
            f"{path} is or holds a symbolic link, which may lead out of the workspace, or more than {DEPTH} nested "
            "folders: put the file itself there."
        )
