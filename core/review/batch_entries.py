"""Ledger entries of the members of a batch: each repeats the batch's entries and names no other member.

So a member's record rests on entries of its own, which can be handed on. They name the batch, the number of its
requests, and the entry that they repeat.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from core.data.splits import ForgottenRows
from core.ledger.statement import Statement
from core.review.ledger_entries import DECISION, SUBMISSION, WITHDRAWAL
from core.runs.ledger_entries import RUN, VERIFICATION, Ledger
from core.runs.request_content import request_content
from core.types import Case, ClosedRequest, Request

OF_ONE_ENTRY = ("number", "time", "before")  # the chain gives each entry its own


def enter_member(ledger: Ledger, case: Case, member: Request, closed: ClosedRequest, forgotten: ForgottenRows) -> None:
    """Enter the batch's run, verification and what was decided, for one member. Repeated calls do nothing.

    Args:
        ledger: The ledger.
        case: The approved case of the batch.
        member: The request.
        closed: What is left of it.
        forgotten: What the batch took from the training, before the destruction.

    Raises:
        LedgerError: The ledger takes no entry.
    """
    statements = ledger.statements(case.run)
    entered = {one.content["repeats"]["number"] for one in statements if _repeats_for(one, member.id)}
    own = {"batch": {"id": closed.batch, "requests": closed.together}, "request": member.id}
    for one in _entries_of(statements, case):
        if one.content["number"] not in entered:
            asked = {"request": request_content(member, forgotten, ledger.keys)} if one.kind == RUN else {}
            ledger.append(one.kind, one.subjects, {**_without_place(one), **own, **asked})


def _entries_of(statements: Sequence[Statement], case: Case) -> list[Statement]:
    """The batch's last entry of the run and of the verification, its submission, decisions and withdrawals."""
    own = [one for one in statements if one.content.get("run") == case.run and "batch" not in one.content]
    last = [[one for one in own if one.kind == kind][-1:] for kind in (RUN, VERIFICATION)]
    decided = [
        one for one in own if one.kind in (SUBMISSION, DECISION, WITHDRAWAL) and one.content["case"] == case.number
    ]
    return [*last[0], *last[1], *decided]


def _without_place(statement: Statement) -> dict[str, Any]:
    """The content without its place in the chain, which stays as a reference to the entry."""
    content = {name: value for name, value in statement.content.items() if name not in OF_ONE_ENTRY}
    return content | {"repeats": {name: statement.content[name] for name in ("number", "time")}}


def _repeats_for(statement: Statement, member: str) -> bool:
    """Whether an entry repeats one of a batch for this member."""
    request = statement.content.get("request")
    name = request["id"] if isinstance(request, Mapping) else request
    return "repeats" in statement.content and name == member
