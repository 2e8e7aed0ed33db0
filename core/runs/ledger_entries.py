"""Ledger entries of runs, references and verifications, without any forgotten data.

An entry holds no user id, item, title or reason. Users are pseudonyms under a key outside the workspace; forgotten rows
are counted, and committed to under the same key.
"""

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import fields
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from core import __version__
from core.data.splits import ForgottenRows, forgotten_of
from core.ledger.chain import append, entries
from core.ledger.keys import Keys, keys_of, read_public
from core.ledger.statement import Statement
from core.models.hub import fingerprint, resolve
from core.runs.answer_files import references_in
from core.runs.handle import RunHandle
from core.runs.ledger import NOT_HELD, NOTHING
from core.runs.signed_files import files_of_run
from core.types import Request, RunSpec, Verification
from core.types.aliases import stored_name
from core.unlearning.methods import recorded_method
from core.utils.assets import checkout
from core.utils.hashing import sha256_of_file
from core.utils.serialization import from_json, to_json
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout

RUN, VERIFICATION, REFERENCE, ANSWERS = "run", "verification", "reference", "answers"
LIBRARIES = ("torch", "transformers", "peft", "safetensors", "numpy")


class Ledger:
    """The signed ledger of a workspace.

    Attributes:
        workspace: The workspace whose ledger it is.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @property
    def keys(self) -> Keys:
        """The keys that sign entries and make pseudonyms.

        Raises:
            LedgerError: They are not with this user on this machine.
        """
        return keys_of(self.workspace.layout.ledger_key)

    def statements(self) -> tuple[Statement, ...]:
        """All entries, oldest first.

        Raises:
            LedgerError: The ledger is damaged.
        """
        return entries(self.workspace.layout.ledger, read_public(self.workspace.layout.ledger_key))

    def append(self, kind: str, subjects: Mapping[str, str], content: Mapping[str, Any]) -> None:
        """Sign one entry and append it.

        Args:
            kind: The kind of statement, such as "run".
            subjects: SHA-256 digests by name: what the statement is about.
            content: The statement, as JSON values and dataclasses.

        Raises:
            LedgerError: The keys are missing or the ledger is damaged.
        """
        append(self.workspace.layout.ledger, kind, subjects, content, self.keys)

    def check(self) -> None:
        """Raise LedgerError where no entry could be made: the keys are missing, or the ledger is damaged."""
        _ = self.keys
        self.statements()

    def mark(self, *words: str) -> str:
        """HMAC-SHA256 of some words under the key of the pseudonyms."""
        return self.keys.pseudonym("mark", *words)

    def run_entry(self, run_id: str) -> Statement | None:
        """The last entry about a run."""
        return self._last(RUN, run_id)

    def run_subjects(self, run_id: str) -> dict[str, str]:
        """SHA-256 digests of a run's last entry, by name; empty where it has none."""
        entry = self.run_entry(run_id)
        return dict(entry.subjects) if entry else {}

    def run_content(self, run_id: str) -> dict[str, Any]:
        """The content of a run's last entry; empty where it has none."""
        entry = self.run_entry(run_id)
        return dict(entry.content) if entry else {}

    def verification(self, run_id: str) -> Verification | None:
        """The last verification of a run that was entered."""
        if (entry := self._last(VERIFICATION, run_id)) is None:
            return None
        own = {stored_name(one) for one in fields(Verification)}
        return from_json(Verification, {key: value for key, value in entry.content.items() if key in own})

    def verified_subjects(self, run_id: str) -> dict[str, str]:
        """SHA-256 digests of a run's last verification, by name; empty where it has none."""
        entry = self._last(VERIFICATION, run_id)
        return dict(entry.subjects) if entry else {}

    def _last(self, kind: str, run_id: str) -> Statement | None:
        """The last entry of a kind about a run."""
        own = (one for one in reversed(self.statements()) if one.kind == kind and one.content["run"] == run_id)
        return next(own, None)

    def subjects_now(self, run: RunHandle) -> dict[str, str]:
        """SHA-256 digests that an entry about a run would hold now, without the events, which go on."""
        return {name: digest for name, digest in _subjects(self.workspace, run).items() if name != "events"}

    def runs_before(self, run_id: str, request_id: str) -> set[str]:
        """Ids of the runs for these rows, retrainings aside, that were entered before this run or without it.

        Rows are told by their commitment, because a batch that was dissolved and made again has another id.
        """
        rows = self.run_content(run_id).get("request", {}).get("commitment")
        found: set[str] = set()
        for entry in self.statements():
            if entry.kind != RUN or entry.content["method"]["name"] == "retrain":
                continue
            content, request = entry.content, entry.content["request"]
            if content["run"] == run_id:
                break
            if request["id"] == request_id or request["commitment"] == rows:
                found.add(content["run"])
        return found

    def record_run(
        self,
        run: RunHandle,
        holding: AbstractContextManager[None] = NOT_HELD,
        saved: Mapping[str, str] = NOTHING,
    ) -> None:
        """Enter a finished run. A run that was resumed after its entry is entered again if its files changed.

        Args:
            run: The run.
            holding: Entered while the entry is signed; it raises where the worker has lost the run.
            saved: SHA-256 of the adapter's files when the worker saved them, by their names in the ledger.
        """
        subjects, entry = {**_subjects(self.workspace, run), **saved}, self.run_entry(run.id)
        if entry is None or any(entry.subjects.get(name, digest) != digest for name, digest in subjects.items()):
            content = _content(self.workspace, run, self.keys)
            with holding:
                self.append(RUN, subjects, content)

    def record_reference(self, request_id: str, folder: Path, name: str) -> None:
        """Enter a trained reference: the adapter in `folder`, under the name of its final folder."""
        self.append(
            REFERENCE, {"reference": sha256_of_file(AdapterLayout(folder).weights)}, {"of": request_id, "seed": name}
        )

    def reference_digests(self, request_id: str) -> dict[str, str]:
        """SHA-256 of each reference of a request that was entered, by the name of its folder."""
        own = (one for one in self.statements() if one.kind == REFERENCE and one.content["of"] == request_id)
        return {one.content["seed"]: one.subjects["reference"] for one in own}

    def record_answers(self, request_id: str, file: Path, digest: str) -> None:
        """Enter the kept answers of a reference: the SHA-256 of a file in the reference's folder."""
        content = {"of": request_id, "seed": file.parent.name, "file": file.name}
        self.append(ANSWERS, {"answers": digest}, content)

    def entered_answers(self, request_id: str) -> dict[str, str]:
        """SHA-256 of each file of kept answers that was entered, by reference and file; the last entry counts."""
        own = (one for one in self.statements() if one.kind == ANSWERS and one.content["of"] == request_id)
        return {f"{one.content['seed']}/{one.content['file']}": one.subjects["answers"] for one in own}

    def record_verification(self, run: RunHandle, verification: Verification) -> None:
        """Enter a verification, each time it is made, with the digests of the references that it used."""
        self.check()
        recorded = self.reference_digests(run.spec.request)
        used = references_in(recorded, self.workspace.reference_folders(run.spec.request))
        digests = {f"reference {path.name}": recorded[path.name] for path in used}
        self.append(VERIFICATION, _subjects(self.workspace, run) | digests, to_json(verification))


def _subjects(workspace: Workspace, run: RunHandle) -> dict[str, str]:
    """SHA-256 of everything that an entry is about: the base, the adapter before and after, and the run's results."""
    base = resolve(workspace.base, workspace.settings.base_revision)
    files = files_of_run(workspace, run, base)
    found = {name: sha256_of_file(path) for name, path in files.items() if path.is_file()}
    return {"base": fingerprint(base).removeprefix("sha256:"), **found}


def _content(workspace: Workspace, run: RunHandle, keys: Keys) -> dict[str, Any]:
    spec, evaluation = run.spec, run.evaluation
    request, settings = workspace.request(spec.request), workspace.settings
    forgotten = forgotten_of(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    attempts = sum(event["kind"] == "attempt" for event in run.events())
    return {
        "run": spec.id,
        "by": spec.launched_by,
        "method": {"name": spec.method, **_method(spec)},
        "seed": spec.known_seed,
        "by_hand": bool(spec.edit),
        "thresholds": spec.thresholds,
        "attempts": attempts,
        "outcome": _without_cells(run),
        "request": request_content(request, forgotten, keys),
        "measures": {"original": evaluation.original, "unlearned": evaluation.unlearned} if evaluation else {},
        "closeness": {"unlearned": evaluation.closeness, "references": evaluation.floor} if evaluation else {},
        "software": _software(),
        "hardware": {
            "machine": platform.machine(),
            "processors": os.cpu_count(),
            "device": run.status.device or spec.device,
        },
    }


def _method(spec: RunSpec) -> Mapping[str, Any]:
    """The settings of the method; of another tool's adapter only the title, because they are not known."""
    method = recorded_method(spec.method)
    return {"title": method.title} if spec.is_external else to_json(method)


def _without_cells(run: RunHandle) -> Mapping[str, Any]:
    """How the training ended, without the cells, which the run's folder holds; empty where it is not known."""
    return {name: value for name, value in to_json(run.outcome or {}).items() if name != "cells"}


def request_content(request: Request, forgotten: ForgottenRows, keys: Keys) -> dict[str, Any]:
    """A request as pseudonyms: only the holder of the key can tell who and what it is about.

    Args:
        request: The request, or a member of a batch.
        forgotten: What the request or the batch takes from the training.
        keys: The keys of the pseudonyms.
    """
    own = filter(request.covers, (one for prompt in forgotten.prompts for one in prompt.targets))
    rows = sorted(f"{one.user}\t{one.item}\t{one.time}" for one in own)
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
        "kept": forgotten.retained,
        "commitment": keys.pseudonym("rows", *rows),
    }


def _software() -> dict[str, Any]:
    """Versions of this software and its libraries. `lock` is a digest of all installed distributions."""
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
    """The git commit of this software, marked "dirty" where files differ; None for an installed wheel."""
    root = checkout()
    if root is None:  # the folder of a wheel may lie inside another repository
        return None
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
        )
    except OSError:
        return None
    return described.stdout.strip() or None
