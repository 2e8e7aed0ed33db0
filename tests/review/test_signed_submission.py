"""What a person decides or withdraws is about the case that was submitted and signed last, or nothing is signed."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from core.errors import ReviewError
from core.review.cases import Cases
from core.review.execution import execute_decisions
from core.review.ledger_entries import DECISION, WITHDRAWAL, enter_withdrawal
from core.review.withdrawal import withdraw
from core.runs.ledger_entries import Ledger
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.types import CaseState
from core.utils.serialization import to_json
from core.workspace import Workspace
from tests.review.test_closing import settle
from tests.review.test_ledger_decides import entered, rewritten

OTHERWISE = [{"operator": "anna"}, {"evidence": "0" * 64}, {"submitted": "2020-01-01T00:00:00+00:00"}]


def insert(desk, case):
    """Somebody puts another case into the database."""
    with closing(sqlite3.connect(desk.workspace.layout.review)) as database, database:
        values = case.request, case.state, json.dumps(to_json(replace(case, number=0)))
        database.execute("INSERT INTO cases (request, state, body) VALUES (?, ?, ?)", values)


def another_run(desk):
    """A run for another request, which somebody wants to see rejected."""
    own = desk.workspace.request(desk.request).users
    user = next(one for one in desk.workspace.user_split.training_users if one not in own)
    request = open_request(desk.workspace, users=[user], opened_by="rita")
    return create_run(desk.workspace, request.id, "uniform", "cpu", steps=2, launched_by="olaf").id


@pytest.mark.parametrize("changes", [*OTHERWISE, {"run": "of another request"}], ids=lambda one: next(iter(one)))
@pytest.mark.parametrize("approve", [True, False])
def test_case_that_was_not_submitted_so_is_not_decided_on(desk, changes, approve):
    """Else the refusal would be filed under something else, and what the person refused be carried out."""
    desk.submit()
    rewritten(desk, **({"run": another_run(desk)} if "run" in changes else changes))
    with pytest.raises(ReviewError, match="The submission of run .* was not signed when it was made, or was changed"):
        desk.decide("petra", approve=approve)
    assert not entered(desk, DECISION)


def test_earlier_submission_of_the_request_is_not_decided_on(desk):
    """The database is lost, somebody submits again, and it comes back."""
    desk.submit("paul")
    file = desk.workspace.layout.review
    earlier = file.read_bytes()
    file.unlink()
    desk.submit("olaf")
    file.write_bytes(earlier)
    with pytest.raises(ReviewError, match="was not signed when it was made, or was changed"):
        desk.decide("petra", approve=False)
    assert not entered(desk, DECISION)


@pytest.mark.parametrize("changes", [*OTHERWISE, {"run": "run-other"}], ids=lambda one: next(iter(one)))
@pytest.mark.parametrize("approvals", ["one", "all"])
def test_case_that_was_not_submitted_so_is_not_withdrawn(desk, changes, approvals):
    """Else the withdrawal would not count against the approvals of the case that was submitted."""
    desk.submit()
    desk.decide("petra")
    if approvals == "all":
        desk.decide("owen")
    rewritten(desk, state=CaseState.APPROVED, **changes)
    with pytest.raises(ReviewError, match="was not signed when it was made, or was changed"):
        withdraw(desk.workspace, desk.request, "petra")
    assert not entered(desk, WITHDRAWAL)


def test_newer_case_that_nobody_submitted_is_not_withdrawn(desk):
    case = desk.approve()
    rewritten(desk, state=CaseState.VOID)
    insert(desk, case)
    with pytest.raises(ReviewError, match="was not signed when it was made, or was changed"):
        withdraw(desk.workspace, desk.request, "petra")
    assert not entered(desk, WITHDRAWAL)


def test_nothing_is_withdrawn_where_only_the_database_calls_the_case_approved(desk):
    desk.submit()
    rewritten(desk, state=CaseState.APPROVED)
    assert withdraw(desk.workspace, desk.request, "petra").state is CaseState.PENDING
    assert not entered(desk, WITHDRAWAL)


def test_refusal_is_not_withdrawn(desk):
    """The database calls the refused case approved, so that somebody withdraws it."""
    desk.submit()
    desk.decide("petra", approve=False)
    rewritten(desk, state=CaseState.APPROVED, decisions=())
    with pytest.raises(ReviewError, match="is rejected: there is no approval to withdraw"):
        withdraw(desk.workspace, desk.request, "owen")
    assert not entered(desk, WITHDRAWAL)


def test_refusal_counts_behind_a_withdrawal(desk):
    """Versions up to 0.2.0 and later ones took a refusal back with the approvals."""
    desk.submit()
    desk.decide("petra", approve=False)
    enter_withdrawal(Ledger(desk.workspace), desk.case, "owen")
    rewritten(desk, state=CaseState.PENDING, decisions=())
    with pytest.raises(ReviewError, match="is rejected by decisions that were signed before yours"):
        desk.decide("owen")
    assert not any(one.content["decision"]["approve"] for one in entered(desk, DECISION))
    assert desk.case.state is CaseState.REJECTED


# ------------------------------------------------------------ a case that only the database calls approved


@pytest.mark.parametrize("decided", ["approved by one", "rejected", "by nobody"])
def test_case_that_only_the_database_calls_approved_is_set_back(desk, decided):
    desk.submit()
    if decided != "by nobody":
        desk.decide("petra", approve=decided == "approved by one")
    signed = desk.case
    rewritten(desk, state=CaseState.APPROVED, decisions=(), step=5)
    with pytest.raises(ReviewError, match=f"so nothing was destroyed: it is {signed.state}"):
        execute_decisions(Workspace(desk.workspace.root))
    assert (desk.case.state, desk.case.decisions, desk.case.step) == (signed.state, signed.decisions, 0)
    assert not entered(desk, WITHDRAWAL)
    settle(desk)  # a signed refusal destroys the adapter all the same
    assert desk.workspace.layout.run(desk.run).adapter.exists() is (decided != "rejected")


@pytest.mark.parametrize("request_of", ["nobody", "a request that was carried out"])
def test_case_that_was_never_submitted_becomes_void(desk, request_of):
    case = desk.approve()
    if request_of == "nobody":
        rewritten(desk, state=CaseState.PENDING)
        case = replace(case, request="req-forged")
    else:
        settle(desk)
    insert(desk, replace(case, state=CaseState.APPROVED))
    with pytest.raises(ReviewError, match="so nothing was destroyed: it is void"):
        execute_decisions(Workspace(desk.workspace.root))
    assert Cases(desk.workspace).of(case.request).state is CaseState.VOID and not entered(desk, WITHDRAWAL)
