"""What was submitted, decided and destroyed, as entries of the workspace's ledger; each is made once, however often this is asked.

Those who decide stand there by name and with their reason, as they answer for it. The people of the request are pseudonyms, and
so are their rows: whoever holds the key can look for them later (`verify-destruction`), and nobody else learns anything.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.ledger.chain import append
from core.ledger.keys import keys_of
from core.ledger.statement import Statement
from core.review.permissions import four_eyes
from core.runs import ledger_entries
from core.runs.run_folder import runs
from core.types import Case, Closed, Interaction, Request
from core.utils.hashing import sha256_of_file
from core.utils.serialization import to_json
from core.workspace import Workspace
from core.workspace.layout import ADAPTER_CONFIG

SUBMISSION, DECISION, DESTRUCTION = "submission", "decision", "destruction"
# What no software can reach from here. Whoever reads the record has to know.
ELSEWHERE = (
    "backups and snapshots of the disk",
    "copies of the old adapter that were handed on, or that were changed, packed or encrypted",
    "the memory of programs that had opened the old adapter, until they end",
    "blocks of the disk that a deleted file has left",
    "logs of other systems",
)


def enter_decisions(workspace: Workspace, cases: Sequence[Case]) -> None:
    """Every decision that the ledger does not hold yet, and what it was on. Raises RecordError where it takes no entry."""
    found = ledger_entries.statements(workspace)
    told_of = {one.content["case"] for one in found if one.kind in (SUBMISSION, DECISION)}
    entered = {(one.content["case"], one.content["decision"]["time"], one.content["decision"]["person"])
               for one in found if one.kind == DECISION}  # fmt: skip
    for case in cases:
        if case.decisions and case.number not in told_of:
            _enter_run(workspace, case, found)
            told = {"by": case.operator, "submitted": case.submitted}
            _append(workspace, SUBMISSION, {"evidence": case.evidence}, case, told)
        for one in case.decisions:
            if (case.number, one.time, one.person) not in entered:
                said = {name: value for name, value in to_json(one).items() if name != "evidence"}
                _append(workspace, DECISION, {"evidence": one.evidence}, case, {"decision": said})


def _enter_run(workspace: Workspace, case: Case, found: Sequence[Statement]) -> None:
    """What the case is about, where the ledger was made after it, and as long as it is there."""
    folder = next((one for one in runs(workspace) if one.id == case.run), None)
    if folder is None:
        return
    if ledger_entries.entry_of(workspace, case.run) is None:
        ledger_entries.record(workspace, folder)
    verified = any(one.kind == ledger_entries.VERIFICATION and one.content["run"] == case.run for one in found)
    if folder.verification and not verified:
        ledger_entries.record_verification(workspace, folder, folder.verification)


def enter_destruction(
    workspace: Workspace,
    case: Case,
    closed: Closed,
    request: Request,
    rows: Sequence[Interaction],
    weights: Mapping[str, int],
) -> None:
    """What is destroyed now, and how it can be looked for. weights: sizes in bytes of adapters and the like by their SHA-256."""
    if is_destroyed(workspace, case):
        return
    keys = keys_of(workspace.ledger_key)
    told = {
        "people": sorted(keys.pseudonym("user", user) for user in request.users),
        "rows": sorted({keys.pseudonym("row", one.user, one.item) for one in rows}),
        "pseudonyms": "HMAC-SHA256",
        "key": keys.signer.public_key.keyid,
        "weights": dict(weights),
        "closed": closed.closed,
        "destroyed": [
            "forgotten rows",
            "old adapter",
            "references",
            "all runs",
            "comments",
            "key of the sealed copies",
        ],
        "searched": "every file of the workspace, for ids, rows, titles and copies of the weights, but for the comments and the "
        "sealed copies, which are destroyed next: nothing was found",
        "not_reached": ELSEWHERE,
    }
    config = sha256_of_file(Path(workspace.path(workspace.settings.adapter)) / ADAPTER_CONFIG)
    subjects = {"evidence": case.evidence, "adapter": closed.adapter, "adapter config": config}
    _append(workspace, DESTRUCTION, subjects, case, told)


def is_destroyed(workspace: Workspace, case: Case) -> bool:
    """Whether the ledger says that the case was carried out. Raises RecordError."""
    return any(
        one.kind == DESTRUCTION and one.content["case"] == case.number for one in ledger_entries.statements(workspace)
    )


def destructions(workspace: Workspace) -> list[Statement]:
    """What the ledger says was destroyed, oldest first. Raises RecordError."""
    return [one for one in ledger_entries.statements(workspace) if one.kind == DESTRUCTION]


def _append(workspace: Workspace, kind: str, subjects: dict[str, str], case: Case, told: dict[str, Any]) -> None:
    about = {"case": case.number, "request": case.request, "run": case.run, "four_eyes": four_eyes(workspace)}
    append(workspace.ledger, kind, subjects, about | told, keys_of(workspace.ledger_key))
