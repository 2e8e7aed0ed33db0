"""Audit of a destruction: searching the workspace again, later, with only the ledger and its keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.ledger.keys import Keys
from core.ledger.statement import Statement
from core.review.forgotten_data import ForgottenData
from core.review.leak_scan import find_leaks, find_weight_copies
from core.review.ledger_entries import destructions
from core.review.vault import Vault, encrypted_files
from core.runs.ledger_entries import Ledger
from core.runs.signed_files import changed_model
from core.utils.hashing import digests_match
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout

NOT_APPROVED = (
    "The recommender in use (adapter, base model, tokenizer, prompt template) is not the one that was approved last"
)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What a search found.

    Attributes:
        requests: Ids of the closed requests that were searched for.
        traces: Files that show a forgotten user or row, or hold destroyed weights.
        unread: Why files could not be searched, in some words, by their names.
        served: Whether the adapter in use, its base model and the words of its prompts are still those that were
            approved last.
    """

    requests: tuple[str, ...]
    traces: tuple[str, ...]
    unread: dict[str, str]
    served: bool

    @property
    def clean(self) -> bool:
        """Whether something was searched for in every file, nothing was found, and no sealed copy can be read."""
        return bool(self.requests) and self.served and not self.traces and not self.unread


def audit(workspace: Workspace, request_id: str | None = None) -> AuditResult:
    """Search every file of a workspace for what closed requests removed.

    Args:
        workspace: The workspace.
        request_id: One closed request; None for all of them.

    Raises:
        LedgerError: The ledger or its keys cannot be used.
        ModelError: The base model is not on this machine.
    """
    ledger = Ledger(workspace)
    ended = destructions(ledger)
    entries = [one.content for one in ended if request_id in (None, one.content["request"])]
    if not entries:
        return AuditResult((), (), {}, True)
    weights = {digest: size for one in entries for digest, size in one.get("weights", {}).items()}
    forgotten, encrypted = _by_pseudonym(ledger.keys, entries), encrypted_files(workspace.layout)
    found = find_leaks(workspace.root, forgotten, encrypted=encrypted)
    copies = find_weight_copies(workspace.root, weights)
    traces = tuple(sorted({*found.shows, *copies.shows}))
    requests = tuple(one["request"] for one in entries)
    unread = {**copies.unread, **found.unread, **_readable_copies(workspace, entries)}
    return AuditResult(requests, traces, unread, _serves_approved(workspace, ended))


def _readable_copies(workspace: Workspace, entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Sealed copies whose key is not destroyed yet, by the names of their folders, and why they are named."""
    layout = workspace.layout
    sealed = {layout.vault(one.get("batch", {}).get("id", one["request"]), one["case"]) for one in entries}
    left = (path for path in sorted(sealed) if Vault(path, layout.ledger_key).has_key)
    return {layout.name(path): "copies whose key is not destroyed yet" for path in left}


def _by_pseudonym(keys: Keys, entries: Sequence[Mapping[str, Any]]) -> ForgottenData:
    """A test for forgotten users and rows that needs only the ledger and the key of its pseudonyms."""
    users, rows = (frozenset(word for one in entries for word in one[name]) for name in ("people", "rows"))

    def knows(pseudonyms: frozenset[str], *parts: str) -> bool:
        try:
            return keys.pseudonym(*parts) in pseudonyms
        except UnicodeEncodeError:  # half a character, which no id has
            return False

    is_forgotten_user = lru_cache(1 << 20)(lambda word: knows(users, "user", word))
    return ForgottenData(is_forgotten_user, lambda user, item: knows(rows, "row", user, item))


def serves_approved(workspace: Workspace) -> bool:
    """Whether the adapter in use and what it works with are as approved last; True where nothing was approved yet.

    Raises:
        LedgerError: The ledger is damaged.
        ModelError: The base model is not on this machine.
    """
    return _serves_approved(workspace, destructions(Ledger(workspace)))


def _serves_approved(workspace: Workspace, ended: Sequence[Statement]) -> bool:
    if not ended:
        return True
    adapter, signed = AdapterLayout(workspace.adapter), ended[-1].subjects
    files = {"adapter": adapter.weights, "adapter config": adapter.config}
    return digests_match(files, signed) and not changed_model(workspace, signed)
