"""What a run did, as an entry of the workspace's ledger: enough to prove it, and nothing that it was to forget.

No user id, item, title or reason is in it. People are pseudonyms under a key that is not in the workspace; what was forgotten is
counted, and committed to under the same key.
"""

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from core import __version__
from core.data.splits import make_split
from core.ledger.chain import append, entries
from core.ledger.keys import Keys, keys_of, read_public
from core.ledger.statement import Statement
from core.models.hub import fingerprint, resolve
from core.runs.run_folder import RunFolder
from core.types import Request, Verification
from core.unlearning.methods import METHODS
from core.utils.hashing import sha256_of_file
from core.utils.serialization import to_json
from core.workspace import Workspace
from core.workspace.layout import ADAPTER_CONFIG, WEIGHTS

RUN, VERIFICATION, REFERENCE = "run", "verification", "reference"
LIBRARIES = ("torch", "transformers", "peft", "safetensors", "numpy")
ROOT = Path(__file__).parents[2]


def statements(workspace: Workspace) -> tuple[Statement, ...]:
    """What the workspace's ledger holds. Raises RecordError where it is not whole."""
    return entries(workspace.ledger, read_public(workspace.ledger_key))


def record_reference(workspace: Workspace, request_id: str, folder: Path, name: str) -> None:
    """Enter a model that never saw a request's data, as it was trained. Raises RecordError as `check` does."""
    told = {"of": request_id, "seed": name}
    append(
        workspace.ledger,
        REFERENCE,
        {"reference": sha256_of_file(folder / WEIGHTS)},
        told,
        keys_of(workspace.ledger_key),
    )


def references_of(workspace: Workspace, request_id: str) -> dict[str, str]:
    """SHA-256 of a request's references by their folder's name, as far as they were entered. Raises RecordError."""
    own = (one for one in statements(workspace) if one.kind == REFERENCE and one.content["of"] == request_id)
    return {one.content["seed"]: one.subjects["reference"] for one in own}


def check(workspace: Workspace) -> None:
    """Raises RecordError where a run could not be entered: the keys are not here, or the ledger is not whole."""
    keys_of(workspace.ledger_key)
    statements(workspace)


def entry_of(workspace: Workspace, run_id: str) -> Statement | None:
    """What the ledger has of a run, the last word on it. Raises RecordError."""
    return next(
        (one for one in reversed(statements(workspace)) if one.kind == RUN and one.content["run"] == run_id), None
    )


def record(workspace: Workspace, folder: RunFolder) -> None:
    """Enter a run that came to its end, once however often this is asked; anew where it was resumed after its entry, and its
    events or its report are others since. Raises RecordError as `check` does."""
    keys, subjects, told = keys_of(workspace.ledger_key), _subjects(workspace, folder), entry_of(workspace, folder.id)
    if told is None or any(told.subjects.get(name, sha) != sha for name, sha in subjects.items()):
        append(workspace.ledger, RUN, subjects, _content(workspace, folder, keys), keys)


def record_verification(workspace: Workspace, folder: RunFolder, found: Verification) -> None:
    """Enter what was checked of a run, each time anew. Raises RecordError as `check` does."""
    keys = keys_of(workspace.ledger_key)
    check(workspace)
    references = workspace.reference_folders(folder.spec.request)
    beside = {f"reference {path.name}": sha256_of_file(path / WEIGHTS) for path in references}
    append(workspace.ledger, VERIFICATION, _subjects(workspace, folder) | beside, to_json(found), keys)


def _subjects(workspace: Workspace, folder: RunFolder) -> dict[str, str]:
    """What the entry is about, by digest: the base, the adapter before and after, and what was concluded from them."""
    settings = workspace.settings
    base = resolve(workspace.path(settings.base), settings.base_revision)
    files = {
        "adapter before": Path(workspace.path(settings.adapter)) / WEIGHTS,
        "adapter after": folder.path / "adapter" / WEIGHTS,
        "adapter config": folder.path / "adapter" / ADAPTER_CONFIG,
        "tokenizer": base / "tokenizer.json",
        "prompt template": ROOT / "core/data/templates.toml",
        "circuit": folder.path / "circuit.safetensors",
        "events": folder.path / "events.jsonl",
        "report": folder.path / "report.json",
    }
    found = {name: sha256_of_file(path) for name, path in files.items() if path.is_file()}
    return {"base": fingerprint(base).removeprefix("sha256:"), **found}


def _content(workspace: Workspace, folder: RunFolder, keys: Keys) -> dict[str, Any]:
    spec, evaluation = folder.spec, folder.evaluation
    request = workspace.request(spec.request)
    attempts = sum(event["kind"] == "attempt" for event in folder.events())
    return {
        "run": spec.id,
        "by": spec.launched_by,
        "method": {"name": spec.method, **to_json(METHODS[spec.method])},
        "seed": spec.seed,
        "by_hand": bool(spec.edit),
        "thresholds": spec.thresholds,
        "attempts": attempts,
        "outcome": _without_cells(folder),
        "request": _request(workspace, request, keys),
        "measures": {"original": evaluation.original, "unlearned": evaluation.unlearned} if evaluation else {},
        "closeness": {"unlearned": evaluation.closeness, "references": evaluation.floor} if evaluation else {},
        "software": _software(),
        "hardware": {
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "device": folder.status.device or spec.device,
        },
    }


def _without_cells(folder: RunFolder) -> Mapping[str, Any]:
    """How the training ended; what each cell did is in the run's folder."""
    return {name: value for name, value in to_json(folder.outcome).items() if name != "cells"}


def _request(workspace: Workspace, request: Request, keys: Keys) -> dict[str, Any]:
    """Whom and what it is about, for whoever holds the key, and for nobody else."""
    settings = workspace.settings
    split = make_split(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    rows = sorted(f"{one.user}\t{one.item}\t{one.time}" for prompt in split.forget for one in prompt.targets)
    return {
        "id": request.id,
        "opened": request.created,
        "opened_by": request.opened_by,
        "due": request.due,
        "ground": request.legal_basis,
        "identity": request.identity,
        "subjects": sorted(keys.pseudonym("user", user) for user in request.subjects),
        "pseudonyms": "HMAC-SHA256",
        "key": keys.signer.public_key.keyid,
        "forgotten": len(rows),
        "kept": sum(len(prompt.targets) for prompt in split.retain),
        "commitment": keys.pseudonym("rows", *rows),
    }


def _software() -> dict[str, Any]:
    """This software and what it stands on; lock: a digest of every installed distribution's name and version."""
    installed = {one.metadata["Name"].lower(): one.version for one in distributions()}
    lock = "\n".join(f"{name}=={installed[name]}" for name in sorted(installed))
    return {
        "version": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "libraries": {name: installed.get(name) for name in LIBRARIES},
        "lock": hashlib.sha256(lock.encode()).hexdigest(),
    }


def _commit() -> str | None:
    """The commit that this software stands at, marked where files differ from it; None where it is no checkout."""
    try:
        asked = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
        )
    except OSError:
        return None
    return asked.stdout.strip() or None
