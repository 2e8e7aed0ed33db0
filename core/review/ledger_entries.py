"""Ledger entries of submissions, decisions, withdrawals and destructions, each made when it happens.

Deciders are named, with their reasons, since they answer for the decision. Forgotten users and rows are pseudonyms:
whoever holds the key can search for them later (`verify-destruction`), and nobody else learns anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.errors import ReviewError
from core.ledger.statement import Statement
from core.review.permissions import four_eyes
from core.runs.closed import closed_mark
from core.runs.ledger_entries import DESTRUCTION, Ledger
from core.types import Case, ClosedRequest, Decision, Interaction, Request
from core.utils.serialization import from_json, to_json

SUBMISSION, DECISION, WITHDRAWAL = "submission", "decision", "withdrawal"
# What the software cannot reach. Readers of the record have to know.
NOT_REACHED = (
    "backups and snapshots of the disk",
    "copies of the old adapter that were handed on, or that were changed, packed or encrypted",
    "the memory of programs that had opened the old adapter, until they end",
    "blocks of the disk that a deleted file has left",
    "logs of other systems",
)
DESTROYED = ("forgotten rows", "old adapter", "references", "all runs", "comments", "key of the sealed copies")
SEARCHED = (
    "every file of the workspace, for ids, rows, titles and copies of the weights, but for the comments and the "
    "sealed copies, which are destroyed next: nothing was found"
)


def enter_submission(ledger: Ledger, case: Case) -> None:
    """Enter who submitted which run. Raises LedgerError."""
    content = {"by": case.operator, "submitted": case.submitted}
    _append(ledger, SUBMISSION, {"evidence": case.evidence}, case, content)


def enter_decision(ledger: Ledger, case: Case, decision: Decision) -> None:
    """Enter a decision when it is made. Raises LedgerError."""
    content = {name: value for name, value in to_json(decision).items() if name != "evidence"}
    _append(ledger, DECISION, {"evidence": decision.evidence}, case, {"decision": content})


def as_submitted(ledger: Ledger, case: Case) -> list[Case]:
    """The case with what each signed submission of its request says it is about, newest first. Raises LedgerError.

    That is its number, run, operator and evidence, which the database alone does not tell.
    """
    entered = [one for one in ledger.of_kind(SUBMISSION, case.request) if one.content["request"] == case.request]
    return [
        replace(
            case,
            number=one.content["case"],
            run=one.content["run"],
            operator=one.content["by"],
            evidence=one.subjects["evidence"],
            submitted=one.content["submitted"],
        )
        for one in reversed(entered)
        if "repeats" not in one.content  # the submission of a batch, for one of its members
    ]


def check_submitted(ledger: Ledger, case: Case) -> None:
    """Check that a case is the one that was submitted last for its request; nothing is signed about another one.

    Raises:
        ReviewError: It is not.
        LedgerError: The ledger is damaged.
    """
    if case not in as_submitted(ledger, case)[:1]:
        raise ReviewError(
            f"The submission of run {case.run!r} was not signed when it was made, or was changed since: restore "
            f"{ledger.workspace.layout.review}, or move it away and submit the run again."
        )


def check_may_be_decided(ledger: Ledger, case: Case, approve: bool) -> None:
    """Check what `check_submitted` does. Version 0.2.0 signed no submission first: such a case can be refused only."""
    if approve or as_submitted(ledger, case) or submitters(ledger, case.run):
        check_submitted(ledger, case)


def submitters(ledger: Ledger, run_id: str) -> set[str]:
    """Everybody who ever submitted a run. Raises LedgerError."""
    return {one.content["by"] for one in ledger.of_kind(SUBMISSION, run_id) if one.content["run"] == run_id}


def entered_decisions(ledger: Ledger, case: Case) -> tuple[Decision, ...]:
    """The decisions on a case that were entered and not withdrawn since, approvals of other evidence left out.

    A withdrawal takes approvals back, and no refusal.

    Raises:
        LedgerError: The ledger is damaged.
    """
    found: list[Decision] = []
    for one in _entries_on(ledger, case, WITHDRAWAL, DECISION):
        if one.kind == WITHDRAWAL:
            found = [earlier for earlier in found if not earlier.approve]
        else:
            found.append(from_json(Decision, one.content["decision"] | {"evidence": one.subjects["evidence"]}))
    return tuple(one for one in found if one.evidence == case.evidence or not one.approve)


def enter_withdrawal(ledger: Ledger, case: Case, person: str) -> None:
    """Enter that the approvals of a case were withdrawn before anything was destroyed. Raises LedgerError."""
    _append(ledger, WITHDRAWAL, {"evidence": case.evidence}, case, {"by": person})


def is_taken_back(ledger: Ledger, case: Case) -> bool:
    """Whether the approvals of a case were withdrawn, which a rollback signs when it is done. Raises LedgerError."""
    return any(one.kind == WITHDRAWAL for one in _entries_on(ledger, case, WITHDRAWAL, DECISION)[-1:])


def enter_destruction(
    ledger: Ledger,
    case: Case,
    closed: ClosedRequest,
    request: Request,
    rows: Sequence[Interaction],
    served: Mapping[str, str],
    weights: Mapping[str, int],
) -> None:
    """Enter what is destroyed now, and how it can be searched for later.

    Args:
        ledger: The ledger.
        case: The approved case.
        closed: What is left of the request.
        request: The request.
        rows: The interactions that it removes.
        served: SHA-256 of the configuration of the approved adapter, and of what it works with, by name.
        weights: Sizes in bytes of the destroyed weight files, by their SHA-256.
    """
    keys = ledger.keys
    content: dict[str, Any] = {
        "people": sorted(keys.pseudonym("user", user) for user in request.users),
        "rows": sorted({keys.pseudonym("row", one.user, one.item) for one in rows}),
        "pseudonyms": "HMAC-SHA256",
        "key": keys.signer.public_key.keyid,
        "weights": dict(weights),
        "closed": closed.closed,
        "record": closed_mark(closed, ledger),
        "destroyed": DESTROYED,
        "searched": SEARCHED,
        "not_reached": NOT_REACHED,
    }
    subjects = {"evidence": case.evidence, "adapter": closed.adapter, **served}
    if closed.batch not in ("", closed.id):
        content["batch"] = {"id": closed.batch, "requests": closed.together}
    else:
        content["together"] = closed.together if closed.batch else 0  # so many destructions follow
    _append(ledger, DESTRUCTION, subjects, replace(case, request=request.id), content)


def is_destroyed(ledger: Ledger, case: Case, member: str = "") -> bool:
    """Whether the ledger holds the destruction of this very case, or of a member of its batch. Raises LedgerError."""
    own = replace(case, request=member or case.request)
    return any(one.subjects["evidence"] == case.evidence for one in _entries_on(ledger, own, DESTRUCTION))


def is_all_destroyed(ledger: Ledger, case: Case) -> bool:
    """Whether the ledger holds the destructions of a case and of all members of its batch.

    Returns:
        False also where an earlier version did not enter how many members there are; later ones called it "members".

    Raises:
        LedgerError: The ledger is damaged.
    """
    own = {"case": case.number, "run": case.run}
    entered = (one for one in ledger.of_kind(DESTRUCTION, case.run) if one.subjects["evidence"] == case.evidence)
    found = {one.content["request"]: one.content for one in entered if own.items() <= one.content.items()}
    entry = found.get(case.request, {})
    return bool(entry.get("together", entry.get("members")) == len(found) - 1)


def check_not_rejected(ledger: Ledger, run_id: str) -> None:
    """Check that nobody ever rejected a run: its adapter may have been put back.

    Raises:
        ReviewError: Somebody did.
        LedgerError: The ledger is damaged.
    """
    decided = (one for one in ledger.of_kind(DECISION, run_id) if one.content["run"] == run_id)
    if not all(one.content["decision"]["approve"] for one in decided):
        raise ReviewError(f"Run {run_id!r} was rejected and its adapter destroyed: launch a new one.")


def takes_four_eyes(ledger: Ledger, case: Case) -> bool:
    """Whether an entry on the case says that several people work here. Raises LedgerError."""
    return any(one.content["four_eyes"] for one in _entries_on(ledger, case, SUBMISSION, DECISION))


def destructions(ledger: Ledger) -> list[Statement]:
    """All destructions in the ledger, oldest first. Raises LedgerError."""
    return ledger.of_kind(DESTRUCTION)


def _entries_on(ledger: Ledger, case: Case, *kinds: str) -> list[Statement]:
    """The entries of some kinds on a case, oldest first; those that repeat them for a batch's members are left out."""
    own = {"case": case.number, "request": case.request, "run": case.run}
    found = ledger.statements(case.request, case.run)
    return [one for one in found if one.kind in kinds and own.items() <= one.content.items()]


def _append(ledger: Ledger, kind: str, subjects: Mapping[str, str], case: Case, content: Mapping[str, Any]) -> None:
    acting = [one.person for one in case.decisions] or [case.operator]
    case_content = {
        "case": case.number,
        "request": case.request,
        "run": case.run,
        "four_eyes": bool(ledger.settings()["people"]) or four_eyes(ledger.workspace, *acting),
    }
    ledger.append(kind, subjects, {**case_content, **content})
