"""What was decided and destroyed, as entries of the workspace's ledger; each is made once, however often this is asked.

Those who decide stand there by name, as they answer for it. The people of the request are pseudonyms, and so are their rows:
whoever holds the key can look for them later (`verify-destruction`), and nobody else learns anything.
"""

from collections.abc import Sequence
from typing import Any

from core.records.keys import keys_of
from core.records.ledger import append, entries
from core.records.statement import Statement
from core.review.forgotten import Forgotten, by_pseudonym
from core.review.rights import four_eyes
from core.types import Case, Closed, Interaction, Request
from core.workspace import Workspace

DECISION, DESTRUCTION = "decision", "destruction"
# What no software can reach from here. Whoever reads the record has to know.
ELSEWHERE = (
    "backups and snapshots of the disk",
    "copies of the old adapter that were handed on",
    "blocks of the disk that a deleted file has left",
    "logs of other systems",
)


def enter_decisions(workspace: Workspace, cases: Sequence[Case]) -> None:
    """Every decision that the ledger does not hold yet. Raises RecordError where it takes no entry."""
    entered = {(one.content["case"], one.content["decision"]["time"], one.content["decision"]["person"])
               for one in _entries(workspace) if one.kind == DECISION}  # fmt: skip
    for case in cases:
        for decision in case.decisions:
            if (case.number, decision.time, decision.person) not in entered:
                said = {
                    "person": decision.person,
                    "role": decision.role,
                    "approve": decision.approve,
                    "time": decision.time,
                }
                _append(workspace, DECISION, {"evidence": decision.evidence}, case, {"decision": said})


def enter_destruction(
    workspace: Workspace, case: Case, closed: Closed, request: Request, rows: Sequence[Interaction]
) -> None:
    """What is destroyed now, and how it can be looked for."""
    if any(one.kind == DESTRUCTION and one.content["case"] == case.number for one in _entries(workspace)):
        return
    keys = keys_of(workspace.ledger_key)
    told = {
        "people": sorted(keys.pseudonym("user", user) for user in request.users),
        "rows": sorted({keys.pseudonym("row", one.user, one.item) for one in rows}),
        "pseudonyms": "HMAC-SHA256",
        "closed": closed.closed,
        "destroyed": [
            "forgotten rows",
            "old adapter",
            "references",
            "all runs",
            "comments",
            "key of the sealed copies",
        ],
        "searched": "every file of the workspace, for ids, rows and titles: nothing was found",
        "not_reached": ELSEWHERE,
    }
    _append(workspace, DESTRUCTION, {"evidence": case.evidence, "adapter": closed.adapter}, case, told)


def sought(workspace: Workspace, request_id: str | None) -> tuple[tuple[str, ...], Forgotten]:
    """The closed requests of the ledger, or the one, and how to look for what they took out. Raises RecordError."""
    found = [one.content for one in _entries(workspace) if one.kind == DESTRUCTION]
    found = [one for one in found if request_id in (None, one["request"])]
    people, rows = (frozenset(word for one in found for word in one[name]) for name in ("people", "rows"))
    return tuple(one["request"] for one in found), by_pseudonym(keys_of(workspace.ledger_key), people, rows)


def _append(workspace: Workspace, kind: str, subjects: dict[str, str], case: Case, told: dict[str, Any]) -> None:
    about = {"case": case.number, "request": case.request, "run": case.run, "four_eyes": four_eyes(workspace)}
    append(workspace.ledger, kind, subjects, about | told, keys_of(workspace.ledger_key))


def _entries(workspace: Workspace) -> tuple[Statement, ...]:
    return entries(workspace.ledger, keys_of(workspace.ledger_key).signer.public_key)  # type: ignore[arg-type]
