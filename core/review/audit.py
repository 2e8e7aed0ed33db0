"""Audit of a destruction: searching the workspace again, later, with only the ledger and its keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.ledger.keys import Keys
from core.ledger.statement import Statement
from core.review.leak_scan import ForgottenData, find_leaks, find_weight_copies
from core.review.ledger_entries import destructions
from core.runs.ledger_entries import Ledger
from core.utils.hashing import digests_match
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What a search found.

    Attributes:
        requests: Ids of the closed requests that were searched for.
        traces: Files that show a forgotten user or row, or hold destroyed weights.
        served: Whether the adapter in use is still the one that was approved last.
    """

    requests: tuple[str, ...]
    traces: tuple[str, ...]
    served: bool

    @property
    def clean(self) -> bool:
        """Whether something was searched for and nothing was found."""
        return bool(self.requests) and self.served and not self.traces


def audit(workspace: Workspace, request_id: str | None = None) -> AuditResult:
    """Search every file of a workspace for what closed requests removed.

    Args:
        workspace: The workspace.
        request_id: One closed request; None for all of them.

    Raises:
        LedgerError: The ledger or its keys cannot be used.
        WorkspaceError: A file cannot be read.
    """
    ledger = Ledger(workspace)
    ended = destructions(ledger)
    entries = [one.content for one in ended if request_id in (None, one.content["request"])]
    if not entries:
        return AuditResult((), (), True)
    weights = {digest: size for one in entries for digest, size in one.get("weights", {}).items()}
    leaks = find_leaks(workspace.root, _by_pseudonym(ledger.keys, entries))
    leaks = sorted({*leaks, *find_weight_copies(workspace.root, weights)})
    return AuditResult(tuple(one["request"] for one in entries), tuple(leaks), _serves_approved(workspace, ended))


def _by_pseudonym(keys: Keys, entries: Sequence[Mapping[str, Any]]) -> ForgottenData:
    """A test for forgotten users and rows that needs only the ledger and the key of its pseudonyms."""
    users, rows = (frozenset(word for one in entries for word in one[name]) for name in ("people", "rows"))
    is_forgotten_user = lru_cache(1 << 20)(lambda word: keys.pseudonym("user", word) in users)
    return ForgottenData(is_forgotten_user, lambda user, item: keys.pseudonym("row", user, item) in rows)


def serves_approved(workspace: Workspace) -> bool:
    """Whether the adapter in use is the one that was approved last; True where none was approved yet.

    Raises:
        LedgerError: The ledger is damaged.
    """
    return _serves_approved(workspace, destructions(Ledger(workspace)))


def _serves_approved(workspace: Workspace, ended: Sequence[Statement]) -> bool:
    adapter = AdapterLayout(workspace.adapter)
    files = {"adapter": adapter.weights, "adapter config": adapter.config}
    return not ended or digests_match(files, ended[-1].subjects)
