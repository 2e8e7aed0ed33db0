"""Ledger entries of runs, references and verifications, without any forgotten data.

An entry holds no user id, item, title or reason. Users are pseudonyms under a key outside the workspace; forgotten rows
are counted, and committed to under the same key.
"""

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import fields
from pathlib import Path
from typing import Any

from core.ledger.beginning import BEGINNING
from core.ledger.chain import PLACE, append, entries
from core.ledger.key_folder import check_key
from core.ledger.keys import Keys, keys_of, pseudonym, read_public, secret_of
from core.ledger.statement import Statement, kind_word
from core.runs.answer_files import CONFIG, WEIGHTS
from core.runs.handle import RunHandle
from core.runs.ledger import (
    NOT_HELD,
    QUESTION,
    RESUMED,
    SIGNED_DEFAULTS,
    RunWork,
    VerificationInputs,
)
from core.runs.request_content import commitment, request_content
from core.runs.signed_files import digests_of, judged_files, model_digests
from core.runs.software import hardware, software
from core.types import Outcome, Request, RunSpec, Verification
from core.types.aliases import stored_name
from core.unlearning.methods import recorded_method
from core.utils.serialization import from_json, to_json
from core.workspace import Workspace

RUN, VERIFICATION, REFERENCE, ANSWERS = "run", "verification", "reference", "answers"
DESTRUCTION, SETTINGS = "destruction", "settings"


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

    def statements(self, *words: str) -> tuple[Statement, ...]:
        """The entries whose text holds all of some words, such as a kind and an id, oldest first.

        Raises:
            LedgerError: The ledger is damaged.
        """
        public = self.workspace.layout.ledger_key
        check_key(public, (key := read_public(public)).keyid)
        return entries(self.workspace.layout.ledger, key, *words)

    def of_kind(self, kind: str, *words: str) -> list[Statement]:
        """The entries of a kind whose text holds all of some words, oldest first. Raises LedgerError."""
        return [one for one in self.statements(kind_word(kind), *words) if one.kind == kind]

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
        """A mark: HMAC-SHA256 of some words; only who has the ledger's secret can make it."""
        return pseudonym(secret_of(self.workspace.layout.ledger_key), "mark", *words)

    def record_fact(self, kind: str, about: str, value: str, deletion: str = "") -> None:
        """Enter one fact about a request or a run, given by its id: a mark, a digest, or the person who did it.

        One that a deletion enters names the request that is carried out.
        """
        self.append(kind, {}, {"about": about, "value": value, **({"deletion": deletion} if deletion else {})})

    def facts(self, kind: str, about: str = "") -> list[tuple[str, str]]:
        """(id, value) of each entered fact of a kind, oldest first; only those about one id where it is given."""
        found = [(one.content["about"], one.content["value"]) for one in self.of_kind(kind, *filter(None, [about]))]
        return [fact for fact in found if about in ("", fact[0])]

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

    def run_contents(self, run_id: str) -> list[Mapping[str, Any]]:
        """The contents of all entries of a run, oldest first."""
        return [one.content for one in self._all(RUN, run_id)]

    def verification(self, run_id: str) -> Verification | None:
        """The last verification of a run that was entered."""
        content = self.verified_content(run_id)
        return verification_of(content) if content else None

    def verified_content(self, run_id: str) -> dict[str, Any]:
        """The content of a run's last verification; empty where it has none."""
        entry = self._last(VERIFICATION, run_id)
        return dict(entry.content) if entry else {}

    def verified_contents(self, run_id: str) -> list[Mapping[str, Any]]:
        """The contents of all verifications of a run, oldest first."""
        return [one.content for one in self._all(VERIFICATION, run_id)]

    def verified_subjects(self, run_id: str) -> dict[str, str]:
        """SHA-256 digests of a run's last verification, by name; empty where it has none."""
        entry = self._last(VERIFICATION, run_id)
        return dict(entry.subjects) if entry else {}

    def _last(self, kind: str, run_id: str) -> Statement | None:
        """The last entry of a kind about a run."""
        return next(reversed(self._all(kind, run_id)), None)

    def _all(self, kind: str, run_id: str) -> list[Statement]:
        """The entries of a kind about a run, oldest first."""
        return [one for one in self.of_kind(kind, run_id) if one.content["run"] == run_id]

    def subjects_now(self, run: RunHandle) -> dict[str, str]:
        """SHA-256 of everything that entries about a run are about, as it lies there now."""
        return {**model_digests(self.workspace), **digests_of(judged_files(self.workspace.adapter, run.layout))}

    def runs_before(self, run_id: str, request_id: str) -> set[str]:
        """Ids of the runs for these rows, retrainings aside, that were entered before this run or without it.

        Rows are told by their commitment, because a batch that was dissolved and made again has another id.
        """
        own = self._all(RUN, run_id)
        first = own[0].content["number"] if own else math.inf
        alike = {request_id, *(one.content["request"]["commitment"] for one in own[-1:])}
        entered = (entry.content for word in alike for entry in self.of_kind(RUN, word))
        return {
            content["run"]
            for content in entered
            if content["number"] < first
            and content["method"]["name"] != "retrain"
            and alike & {content["request"]["id"], content["request"]["commitment"]}
        }

    def record_run(
        self, spec: RunSpec, request: Request, work: RunWork, holding: AbstractContextManager[None] = NOT_HELD
    ) -> None:
        """Enter a finished run. A run that was resumed after its entry is entered again if it made other files.

        Args:
            spec: The specification, which is the one that was launched.
            request: The request, as it was checked before the run.
            work: What the worker read, made and measured.
            holding: Entered while the entry is signed; it raises where the worker has lost the run.
        """
        subjects = {**model_digests(self.workspace), **work.digests}
        entry = self.run_entry(spec.id)
        if entry is None or any(entry.subjects.get(name, digest) != digest for name, digest in subjects.items()):
            resumed_by = sorted({person for _, person in self.facts(RESUMED, spec.id)})
            content = {**_content(spec, request, work, self.keys), "resumed_by": resumed_by}
            with holding:
                self.append(RUN, subjects, content)

    def record_reference(
        self, request_id: str, digests: Mapping[str, str], name: str, inputs: str, person: str
    ) -> None:
        """Enter a reference: its adapter as it was saved, its name, `training_inputs`, and who had it trained."""
        self.append(
            REFERENCE,
            {"reference": digests[WEIGHTS], "config": digests[CONFIG]},
            {"of": request_id, "seed": name, "inputs": self.mark(REFERENCE, inputs), "by": person},
        )

    def reference_digests(self, request_id: str) -> dict[str, dict[str, str]]:
        """SHA-256 of each entered reference's weights and configuration, by the name of its folder."""
        return {one.content["seed"]: digests_of_reference(one) for one in self._references(request_id)}

    def reference_contents(self, request_id: str) -> list[Mapping[str, Any]]:
        """The contents of the entries of a request's references; earlier versions entered no "inputs" and no "by"."""
        return [one.content for one in self._references(request_id)]

    def _references(self, request_id: str) -> list[Statement]:
        return [one for one in self.of_kind(REFERENCE, request_id) if one.content["of"] == request_id]

    def record_settings(self, settings: Mapping[str, Any]) -> None:
        """Enter the settings, which are those that a person was shown."""
        self.append(SETTINGS, {}, settings)

    def settings(self) -> dict[str, Any]:
        """The settings as they were entered last, by name; the defaults of people and launchers where none were."""
        first = [one.content.get("settings", {}) for one in self.of_kind(BEGINNING)]  # earlier versions entered none
        last = [*first, *(one.content for one in self.of_kind(SETTINGS))][-1]
        return {**SIGNED_DEFAULTS, **{name: value for name, value in last.items() if name not in PLACE}}

    def closed_marks(self) -> dict[str, str]:
        """Marks of the records of all destructions, by request; "" in entries of earlier versions."""
        return {one.content["request"]: one.content.get("record", "") for one in self.of_kind(DESTRUCTION)}

    def record_answers(self, request_id: str, file: Path, digest: str) -> None:
        """Enter the kept answers of a reference: the SHA-256 of a file in the reference's folder."""
        content = {"of": request_id, "seed": file.parent.name, "file": file.name}
        self.append(ANSWERS, {"answers": digest}, content)

    def entered_answers(self, request_id: str) -> dict[str, str]:
        """SHA-256 of each file of kept answers that was entered, by reference and file; the last entry counts."""
        own = (one for one in self.of_kind(ANSWERS, request_id) if one.content["of"] == request_id)
        return {f"{one.content['seed']}/{one.content['file']}": one.subjects["answers"] for one in own}

    def record_verification(self, run: RunHandle, verification: Verification, inputs: VerificationInputs) -> None:
        """Enter a verification, each time it is made, with what it used."""
        content = {
            **to_json(verification),
            "commitment": commitment(inputs.request, inputs.forgotten, self.keys),
            "question": self.mark(QUESTION, inputs.question),
            "by": inputs.person,
            "bundle": dict(inputs.bundle),
            "software": software(),
        }
        self.append(VERIFICATION, {**self.subjects_now(run), **inputs.digests}, content)


def verification_of(content: Mapping[str, Any]) -> Verification:
    """The verification that an entry holds, without what the entry adds. Raises DamagedError."""
    own = {stored_name(one) for one in fields(Verification)}
    return from_json(Verification, {key: value for key, value in content.items() if key in own})


def digests_of_reference(entry: Statement) -> dict[str, str]:
    """SHA-256 of a reference's weights and configuration; earlier versions entered no configuration."""
    names = {"reference": WEIGHTS, "config": CONFIG}
    return {names[name]: digest for name, digest in entry.subjects.items()}


def _content(spec: RunSpec, request: Request, work: RunWork, keys: Keys) -> dict[str, Any]:
    evaluation = work.evaluation
    return {
        "run": spec.id,
        "by": spec.launched_by,
        "method": {"name": spec.method, **_method(spec)},
        "seed": spec.known_seed,
        "by_hand": bool(spec.edit),
        "groups_of": spec.edit.source if spec.edit else "",
        "thresholds": spec.thresholds,
        "attempts": work.attempts,
        "outcome": _without_cells(work.outcome),
        "request": request_content(request, work.forgotten, keys),
        "measures": {"original": evaluation.original, "unlearned": evaluation.unlearned} if evaluation else {},
        "closeness": {"unlearned": evaluation.closeness, "references": evaluation.floor} if evaluation else {},
        "software": software(),
        "hardware": hardware(work.device or spec.device),
    }


def _method(spec: RunSpec) -> Mapping[str, Any]:
    """The settings of the method; of another tool's adapter only the title, because they are not known."""
    method = recorded_method(spec.method)
    return {"title": method.title} if spec.is_external else to_json(method)


def _without_cells(outcome: Outcome | None) -> Mapping[str, Any]:
    """How the training ended, without the cells, which the run's folder holds; empty where it is not known."""
    return {name: value for name, value in to_json(outcome or {}).items() if name != "cells"}
