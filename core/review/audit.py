"""Looking at a workspace again, long after a request was carried out, with nothing but the ledger and its keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.ledger.keys import Keys, keys_of
from core.ledger.statement import Statement
from core.review.leak_scan import Forgotten, copies, traces
from core.review.ledger_entries import destructions
from core.utils.hashing import digests_match
from core.workspace import Workspace
from core.workspace.layout import ADAPTER_CONFIG, WEIGHTS


@dataclass(frozen=True, slots=True)
class Found:
    """requests: what was looked for, by id. traces: files that show somebody who is forgotten, or hold weights that were
    destroyed. served: whether the adapter in use is still the one that was approved last."""

    requests: tuple[str, ...]
    traces: tuple[str, ...]
    served: bool

    @property
    def clean(self) -> bool:
        return bool(self.requests) and self.served and not self.traces


def look_again(workspace: Workspace, request_id: str | None = None) -> Found:
    """For the closed requests of the ledger, or the one. Raises RecordError, WorkspaceError."""
    ended = destructions(workspace)
    found = [one.content for one in ended if request_id in (None, one.content["request"])]
    if not found:
        return Found((), (), True)
    gone = {sha: size for one in found for sha, size in one.get("weights", {}).items()}
    left = traces(workspace.root, _by_pseudonym(keys_of(workspace.ledger_key), found))
    left = sorted({*left, *copies(workspace.root, gone)})
    return Found(tuple(one["request"] for one in found), tuple(left), _as_approved(workspace, ended))


def _by_pseudonym(keys: Keys, ended: Sequence[Mapping[str, Any]]) -> Forgotten:
    """For whoever has nothing but the ledger and the key of its pseudonyms."""
    people, rows = (frozenset(word for one in ended for word in one[name]) for name in ("people", "rows"))
    person = lru_cache(1 << 20)(lambda word: keys.pseudonym("user", word) in people)
    return Forgotten(person, lambda user, item: keys.pseudonym("row", user, item) in rows)


def served(workspace: Workspace) -> bool:
    """Whether the adapter in use is the one that was approved last; also where none was yet. Raises RecordError."""
    return _as_approved(workspace, destructions(workspace))


def _as_approved(workspace: Workspace, ended: Sequence[Statement]) -> bool:
    folder = Path(workspace.path(workspace.settings.adapter))
    files = {"adapter": folder / WEIGHTS, "adapter config": folder / ADAPTER_CONFIG}
    return not ended or digests_match(files, ended[-1].subjects)
