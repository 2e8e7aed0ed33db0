"""The ledger as runs, references and verifications use it: an object that is handed in.

`open_ledger` gives the signed ledger of a workspace, or `NullLedger` where none is kept. Only the signed one imports
the signing libraries, so an engine without a ledger needs none of them.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from core.data.splits import ForgottenRows
from core.runs.handle import RunHandle
from core.types import Evaluation, Outcome, Prompt, Request, RunSpec, Verification
from core.workspace import Workspace

REQUEST, RESUMED, CANCELLED, OVERLAP = "request", "resumed", "cancelled", "overlap"  # kinds of facts
QUESTION = "question"  # name of the mark of what models were asked
NOT_HELD = nullcontext()  # for a run that no worker holds
# Settings that count only as they are signed, with what counts where none ever were: who may do what, and what is
# started with the rights of this account.
SIGNED_DEFAULTS: Mapping[str, Any] = MappingProxyType({"people": {}, "launcher": "local", "clusters": {}})


@dataclass(slots=True)
class RunWork:
    """What a worker read, made and measured in a run, kept in its memory: its entry is made from no file of the run.

    Attributes:
        digests: SHA-256 of the bytes that it read and wrote, and the mark of what a retraining learned from, or of
            nothing, so that no other run is taken for a retraining; by their names in the ledger.
        forgotten: The rows that the run forgot.
        attempts: How many attempts there were, this one included; earlier ones are counted in the run's events.
        outcome: How unlearning ended; None where another tool made the adapter.
        evaluation: What was measured.
        device: Where the last model was.
    """

    digests: dict[str, str] = field(default_factory=dict)
    forgotten: ForgottenRows = field(default_factory=lambda: ForgottenRows((), 0))
    attempts: int = 1
    outcome: Outcome | None = None
    evaluation: Evaluation | None = None
    device: str = ""


@dataclass(frozen=True, slots=True)
class VerificationInputs:
    """What a verification used, and who had it made.

    Attributes:
        digests: SHA-256 of the bytes that were loaded, adapters, references and evaluation, by their names in the
            ledger.
        request: The request.
        forgotten: The forget set that the models were asked about.
        question: Digest of the data, settings and texts that decide what models are asked (`question_digest`).
        person: Who had it made.
        bundle: SHA-256 of each part of the run's bundle, by its name.
    """

    digests: Mapping[str, str]
    request: Request
    forgotten: Sequence[Prompt]
    question: str
    person: str
    bundle: Mapping[str, str] = field(default_factory=dict)


class RunLedger(Protocol):
    """What runs enter into a ledger and read back from it. Every call may raise LedgerError."""

    def check(self) -> None:
        """Raise LedgerError where no entry could be made: the keys are missing, or the ledger is damaged."""

    def mark(self, *words: str) -> str:
        """A mark: HMAC-SHA256 of some words; only who has the ledger's secret can make it."""

    def record_fact(self, kind: str, about: str, value: str, deletion: str = "") -> None:
        """Enter one fact about a request or a run, given by its id: a mark, a digest, or the person who did it.

        One that a deletion enters names the request that is carried out.
        """

    def facts(self, kind: str, about: str = "") -> list[tuple[str, str]]:
        """(id, value) of each entered fact of a kind, oldest first; only those about one id where it is given."""

    def record_run(
        self, spec: RunSpec, request: Request, work: RunWork, holding: AbstractContextManager[None] = NOT_HELD
    ) -> None:
        """Enter a finished run, as its worker knows it, signed while `holding`.

        Repeated calls enter it only where it made other files.
        """

    def record_reference(
        self, request_id: str, digests: Mapping[str, str], name: str, inputs: str, person: str
    ) -> None:
        """Enter a reference: its adapter as it was saved, its name, `training_inputs`, and who had it trained."""

    def reference_contents(self, request_id: str) -> list[Mapping[str, Any]]:
        """The contents of the entries of a request's references: "inputs" (a mark) and "by" (a person)."""

    def record_answers(self, request_id: str, file: Path, digest: str) -> None:
        """Enter the kept answers of a reference: the SHA-256 of a file in the reference's folder."""

    def entered_answers(self, request_id: str) -> dict[str, str] | None:
        """SHA-256 of each file of kept answers that was entered, by reference and file; None without a ledger."""

    def record_verification(self, run: RunHandle, verification: Verification, inputs: VerificationInputs) -> None:
        """Enter a verification, each time it is made, with what it used."""

    def settings(self) -> dict[str, Any]:
        """The settings as they were entered last, by name; the defaults of people and launchers where none were."""

    def closed_marks(self) -> dict[str, str] | None:
        """Marks of the records of all destructions, by request; "" in entries of earlier versions. None without one."""

    def verification(self, run_id: str) -> Verification | None:
        """The last verification of a run that was entered."""

    def verified_content(self, run_id: str) -> Mapping[str, Any]:
        """The content of a run's last verification; empty where it has none."""

    def verified_contents(self, run_id: str) -> list[Mapping[str, Any]]:
        """The contents of all verifications of a run, oldest first."""

    def verified_subjects(self, run_id: str) -> dict[str, str]:
        """SHA-256 digests of a run's last verification, by name; empty where it has none."""

    def runs_before(self, run_id: str, request_id: str) -> set[str]:
        """Ids of the runs for the request's rows, retrainings aside, entered before this run or without it."""

    def reference_digests(self, request_id: str) -> dict[str, dict[str, str]]:
        """SHA-256 of each entered reference's weights and configuration, by the name of its folder."""

    def run_subjects(self, run_id: str) -> dict[str, str]:
        """SHA-256 digests of a run's last entry, by name; empty where it has none."""

    def run_content(self, run_id: str) -> Mapping[str, Any]:
        """The content of a run's last entry; empty where it has none."""

    def run_contents(self, run_id: str) -> list[Mapping[str, Any]]:
        """The contents of all entries of a run, oldest first."""


def last_fact(ledger: RunLedger, kind: str, about: str) -> str | None:
    """The value that was entered last for a request or a run; None where none was. Raises LedgerError."""
    return dict(ledger.facts(kind, about)).get(about)


class NullLedger:
    """The ledger of a workspace that keeps none: it takes every entry and holds nothing."""

    def check(self) -> None:
        """Always passes."""

    def mark(self, *_words: str) -> str:
        """No mark."""
        return ""

    def record_fact(self, _kind: str, _about: str, _value: str, _deletion: str = "") -> None:
        """Do nothing."""

    def facts(self, _kind: str, _about: str = "") -> list[tuple[str, str]]:
        """No entries."""
        return []

    def record_run(
        self, spec: RunSpec, request: Request, work: RunWork, holding: AbstractContextManager[None] = NOT_HELD
    ) -> None:
        """Do nothing."""

    def record_reference(
        self, request_id: str, digests: Mapping[str, str], name: str, inputs: str, person: str
    ) -> None:
        """Do nothing."""

    def reference_contents(self, _request_id: str) -> list[Mapping[str, Any]]:
        """No entries."""
        return []

    def record_answers(self, request_id: str, file: Path, digest: str) -> None:
        """Do nothing."""

    def entered_answers(self, _request_id: str) -> None:
        """No ledger."""
        return

    def record_verification(self, run: RunHandle, verification: Verification, inputs: VerificationInputs) -> None:
        """Do nothing."""

    def settings(self) -> dict[str, Any]:
        """No entry."""
        return dict(SIGNED_DEFAULTS)

    def closed_marks(self) -> None:
        """No ledger."""
        return

    def verification(self, _run_id: str) -> None:
        """No entry."""

    def verified_content(self, _run_id: str) -> Mapping[str, Any]:
        """No entry."""
        return {}

    def verified_contents(self, _run_id: str) -> list[Mapping[str, Any]]:
        """No entries."""
        return []

    def verified_subjects(self, _run_id: str) -> dict[str, str]:
        """No entry."""
        return {}

    def runs_before(self, _run_id: str, _request_id: str) -> set[str]:
        """No entries."""
        return set()

    def reference_digests(self, _request_id: str) -> dict[str, dict[str, str]]:
        """No entries."""
        return {}

    def run_subjects(self, _run_id: str) -> dict[str, str]:
        """No entry."""
        return {}

    def run_content(self, _run_id: str) -> Mapping[str, Any]:
        """No entry."""
        return {}

    def run_contents(self, _run_id: str) -> list[Mapping[str, Any]]:
        """No entries."""
        return []


def open_ledger(workspace: Workspace) -> RunLedger:
    """The signed ledger of a workspace, or a NullLedger where it keeps none.

    Raises:
        LedgerError: This account signed here before, and the public key is gone.
    """
    if not workspace.keeps_ledger:
        from core.ledger.key_folder import check_key  # pages load nothing of the ledger's package by themselves

        check_key(workspace.layout.ledger_key)
        return NullLedger()
    from core.runs.ledger_entries import Ledger  # loads the signing libraries

    return Ledger(workspace)
