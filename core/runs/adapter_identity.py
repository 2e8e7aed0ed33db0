"""Which adapter a run made: as the ledger has it, where one is kept, else as the run's own events tell; and what lies there."""

from pathlib import Path
from typing import Any

from core.runs.run_folder import RunFolder, accounts_of
from core.utils.hashing import digests_match, sha256_of_file
from core.workspace import Workspace
from core.workspace.layout import ADAPTER_CONFIG, WEIGHTS


def made(folder: RunFolder) -> dict[str, str]:
    """Digests of "sha256", its weights, and of "config", as far as they were told. Raises RecordError for a broken ledger."""
    found: dict[str, Any] = next((event for event in reversed(folder.events()) if event["kind"] == "adapter"), {})
    subjects = signed(folder)[0]
    told = {"sha256": subjects.get("adapter after"), "config": subjects.get("adapter config")}
    return found | {name: sha for name, sha in told.items() if sha}


def signed(folder: RunFolder) -> tuple[dict[str, str], dict[str, Any]]:
    """Digests and content of the run's entry in the ledger; empty where there is none. Raises RecordError."""
    workspace = Workspace(folder.path.parents[1])
    entry = (ledger := accounts_of(workspace)) and ledger.entry_of(workspace, folder.id)
    return (dict(entry.subjects), dict(entry.content)) if entry else ({}, {})


def files(folder: RunFolder) -> dict[str, Path]:
    """The files that `made` tells the digests of."""
    return {"sha256": folder.path / "adapter" / WEIGHTS, "config": folder.path / "adapter" / ADAPTER_CONFIG}


def as_made(folder: RunFolder) -> bool:
    """Whether the adapter that lies there is the one that the run made, as far as it was told."""
    return digests_match(files(folder), made(folder))


def unlearned(folder: RunFolder) -> bool:
    """Whether its weights are others than those in use: a method that reached its bound at once leaves them as they were."""
    workspace = Workspace(folder.path.parents[1])
    return sha256_of_file(files(folder)["sha256"]) != sha256_of_file(
        Path(workspace.path(workspace.settings.adapter)) / WEIGHTS
    )
