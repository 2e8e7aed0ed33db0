"""An approved case that is being carried out: its paths, its encrypted copies, and what they say of the request."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from core.data.interaction_files import parse_interactions
from core.data.interaction_store import InteractionStore
from core.data.splits import ForgottenRows, forgotten_of
from core.pipeline.question import question_digest
from core.review.evidence_digest import ABSENT, evidence_digest, files_of
from core.review.vault import Vault
from core.runs.ledger import REQUEST
from core.runs.ledger_entries import Ledger
from core.runs.requests import request_mark
from core.runs.signed_files import DIGEST_OF_MISSING, MODEL, OPTIONAL_RESULTS, judged_files
from core.types import Case, ClosedRequest, Evaluation, Interaction, Item, Request, UserSplit, Verdict, Verification
from core.utils.clock import utc_now
from core.utils.hashing import sha256_of_file
from core.utils.serialization import parse_json, parse_json_lines
from core.verification.drift_budget import fall_of
from core.workspace import Workspace, WorkspaceSettings
from core.workspace.layout import WorkspaceLayout
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS, holds_tensors

T = TypeVar("T")


@dataclass(frozen=True)
class Execution:
    """One approved case that is being carried out.

    Attributes:
        root: The workspace folder.
        case: The approved case.
    """

    root: Path
    case: Case

    @property
    def workspace(self) -> Workspace:
        """The workspace, read again for each step, since the step before changed it."""
        return Workspace(self.root)

    @cached_property
    def sealed_workspace(self) -> Workspace:
        """The workspace with settings and data as they were sealed."""
        return SealedWorkspace(self)

    @property
    def layout(self) -> WorkspaceLayout:
        """Paths of the workspace."""
        return WorkspaceLayout(self.root)

    @cached_property
    def vault(self) -> Vault:
        """The encrypted copies of this case."""
        return Vault(self.layout.vault(self.case.request, self.case.number), self.layout.ledger_key)

    @property
    def adapter(self) -> Path:
        """The folder from which the approved adapter is served."""
        return self.layout.approved_adapter(self.case.run)

    def approved_files(self) -> Iterator[tuple[str, bytes]]:
        """Weights and configuration of the approved adapter as they were sealed, by name; nothing else is signed."""
        folder = self.layout.run(self.case.run).adapter
        for name in (WEIGHTS, ADAPTER_CONFIG):
            yield name, self.vault.read(self.layout.name(folder / name))

    def sealed_evidence(self) -> str:
        """The digest of the evidence, computed from what was sealed."""
        run = self.layout.run(self.case.run)
        files = files_of(self.layout, self.sealed_request(), self._adapter_before(), run)
        return evidence_digest(files, self._sealed_digest)

    def sealed_digests(self) -> dict[str, str]:
        """SHA-256 of the adapters and of all that the run made, as they were sealed, by their names in the ledger."""
        files = judged_files(self._adapter_before(), self.layout.run(self.case.run))
        found = {name: self._sealed_digest(path) for name, path in files.items()}
        missing = dict.fromkeys((name for name in OPTIONAL_RESULTS if found[name] == ABSENT), DIGEST_OF_MISSING)
        return {**found, **missing}

    @cached_property
    def approved_digests(self) -> dict[str, str]:
        """SHA-256 of the approved adapter's weights and configuration as they were sealed, by their file names."""
        return {name: sha256(content).hexdigest() for name, content in self.approved_files()}

    def approved_model(self) -> dict[str, str]:
        """SHA-256 of what the adapter works with, as the last verification signed it; `check_sealed` compared it."""
        verified = Ledger(self.workspace).verified_subjects(self.case.run)
        return {name: verified[name] for name in MODEL if name in verified}

    def sealed_question(self) -> str:
        """The digest of what models are asked, of the data as they were sealed and the base model as it lies there."""
        return question_digest(self.sealed_workspace, self.sealed_request(), digest=self._digest_of_data)

    def _digest_of_data(self, path: Path) -> str:
        sealed = path.is_relative_to(self.root) and self.layout.name(path) in self.vault.names()
        return self._sealed_digest(path) if sealed else sha256_of_file(path)

    def sealed_settings(self) -> WorkspaceSettings:
        """The settings as they were sealed."""
        return self._sealed(self.layout.settings, WorkspaceSettings)

    def sealed_recipe(self) -> bytes | None:
        """The recipe of a given adapter as it was sealed; as it lies there where an earlier version began."""
        name = self.layout.name(self.layout.recipe)
        return self.vault.read(name) if name in self.vault.names() else self.workspace.recipe

    def _adapter_before(self) -> Path:
        """The folder of the adapter that was in use when the case was sealed."""
        return self.root / self.sealed_settings().adapter

    def _sealed_digest(self, path: Path) -> str:
        name = self.layout.name(path)
        return sha256(self.vault.read(name)).hexdigest() if name in self.vault.names() else ABSENT

    def sealed_request(self) -> Request:
        """The request as it was sealed: its file may be gone by now."""
        return self._sealed_request(self.layout.name(self.layout.request(self.case.request)))

    def sealed_members(self) -> tuple[Request, ...]:
        """The members of a batch as they were sealed; empty for a single request."""
        members = self.sealed_request().members
        return tuple(self._sealed_request(self.layout.name(self.layout.request(member))) for member in members)

    def sealed_requests(self) -> Iterator[Request]:
        """All requests that were open when the case was sealed."""
        yield from map(self._sealed_request, filter(self.layout.is_request, self.vault.names()))

    def was_signed(self, request: Request) -> bool:
        """Whether a sealed request is as it was signed last before this deletion, which may have made it smaller."""
        entries = Ledger(self.workspace).of_kind(REQUEST, request.id)
        entered = [one.content for one in entries if one.content["about"] == request.id]
        before = [one["value"] for one in entered if one.get("deletion") != self.case.request]
        last = before[-1] if before else request.mark  # earlier versions entered none
        return request.mark == request_mark(self.workspace)(request) == last

    def _sealed_request(self, name: str) -> Request:
        return self._sealed(self.root / name, Request)

    def _sealed(self, path: Path, kind: type[T]) -> T:
        """The content of a JSON file as it was sealed. Raises DamagedError, LedgerError."""
        name = self.layout.name(path)
        return parse_json(self.vault.read(name), kind, f"The sealed copy of {name}")

    def sealed_interactions(self) -> InteractionStore:
        """All interactions as they were sealed."""
        name = self.layout.name(self.layout.interactions)
        return parse_interactions(name, self.vault.read(name))

    def sealed_user_split(self) -> UserSplit:
        """The split of users as it was sealed."""
        return self._sealed(self.layout.user_split, UserSplit)

    def sealed_items(self) -> dict[str, Item]:
        """The catalogue as it was sealed; as it lies there where an earlier version, which sealed none, began."""
        name = self.layout.name(self.layout.items)
        if name not in self.vault.names():
            return self.workspace.items
        return {item.id: item for item in parse_json_lines(name, BytesIO(self.vault.read(name)), Item)}

    def sealed_forgotten(self) -> ForgottenRows:
        """What the request took from the training, as it was sealed."""
        sealed, settings = self.sealed_workspace, self.sealed_workspace.settings
        request = self.sealed_request()
        return forgotten_of(sealed.interactions, sealed.user_split, request, settings.window, settings.task)

    def sealed_evaluation(self) -> Evaluation | None:
        """The evaluation of the approved run as it was sealed; None where it has none."""
        path = self.layout.run(self.case.run).evaluation
        return self._sealed(path, Evaluation) if self.layout.name(path) in self.vault.names() else None

    def sealed_verification(self) -> Verification:
        """The verification of the approved run as it was sealed."""
        return self._sealed(self.layout.run(self.case.run).verification, Verification)

    def sealed_rows(self) -> list[Interaction]:
        """The interactions that the request removes, as they were sealed."""
        return self.sealed_workspace.interactions.covered(self.sealed_request())

    def closed_request(self, request: Request, members: tuple[str, ...]) -> ClosedRequest:
        """What is left of a request, alone or together with the members of its batch."""
        case, digest = self.case, self.approved_digests[WEIGHTS]
        users, rows = len(request.subjects), len(self.sealed_workspace.interactions.covered(request))
        batch, together = (case.request, len(members)) if members else ("", 1)
        fall, retrained = fall_of(self.sealed_evaluation()), self.sealed_verification().verdict is Verdict.EXACT
        return ClosedRequest(
            request.id, request.created, utc_now(), case.run, case.number, users, rows, digest, batch, together,
            fall, retrained,
        )  # fmt: skip

    def destroyed_weights(self) -> dict[str, int]:
        """Sizes of all destroyed weight files that may hold forgotten data, by their SHA-256."""
        names, unaffected = self.vault.names(), self._unaffected_references()
        destroyed = (name for name in names if holds_tensors(name) and not name.startswith(unaffected))
        weights = {sha256(content).hexdigest(): len(content) for content in map(self.vault.read, destroyed)}
        weights.pop(self.approved_digests[WEIGHTS], None)  # the approved adapter stays
        return weights

    def _unaffected_references(self) -> tuple[str, ...]:
        """Folders of references that never saw these users, as the signed requests tell.

        Retrained for what is left of their own request, such references come out identical.
        """
        users, layout = set(self.sealed_request().users), self.layout
        others = [one for one in self.sealed_requests() if users and users <= set(one.users)]
        return tuple(f"{layout.name(layout.references(one.id))}/" for one in others if self.was_signed(one))


class SealedWorkspace(Workspace):
    """A workspace whose settings and data are those that were sealed; the rest is what lies there."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(execution.root)
        self._execution = execution

    @cached_property
    def settings(self) -> WorkspaceSettings:
        """The settings as they were sealed."""
        return self._execution.sealed_settings()

    @cached_property
    def recipe(self) -> bytes | None:
        """The recipe of a given adapter as it was sealed."""
        return self._execution.sealed_recipe()

    @cached_property
    def items(self) -> dict[str, Item]:
        """All items as they were sealed, by id."""
        return self._execution.sealed_items()

    @cached_property
    def interactions(self) -> InteractionStore:
        """All interactions as they were sealed."""
        return self._execution.sealed_interactions()

    @cached_property
    def user_split(self) -> UserSplit:
        """The split of users as it was sealed."""
        return self._execution.sealed_user_split()
