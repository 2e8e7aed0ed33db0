"""`doctor` names what the ledger, or the folder of keys, holds and the workspace does not: files, cases and copies."""

import json
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial

import pytest

from core.cli.workspace_checks import check_workspace
from core.errors import CureLensError
from core.review import execution
from core.review.cases import Cases
from core.review.ledger_entries import enter_submission
from core.runs.ledger import REQUEST, last_fact, open_ledger
from core.runs.requests import open_request, void_request
from core.types import CaseState, ClosedRequest
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace


class Killed(BaseException):
    """As by SIGKILL."""


@pytest.fixture(autouse=True)
def closed_to_others(desk):
    desk.workspace.root.chmod(0o700)


def named(desk):
    return [f"{one.name}: {one.detail}" for one in check_workspace(Workspace(desk.workspace.root)) if not one.ok]


def another(desk, **asked):
    own = desk.workspace.request(desk.request).users
    user = next(one for one in desk.workspace.user_split.training_users if one not in own)
    return open_request(desk.workspace, **({"users": [user]} | asked), opened_by="rita")


def sealed(desk, monkeypatch):
    """Approve the case, and begin to carry it out."""

    def killed(_execution):
        raise Killed

    desk.approve()
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(execution, "STEPS", (execution.seal, killed, *execution.STEPS[2:]))
        execution.execute_decisions(Workspace(desk.workspace.root))


def on_cases(desk, command, *values):
    with closing(sqlite3.connect(desk.workspace.layout.review)) as database, database:
        database.execute(command, values)


@pytest.mark.parametrize("state", ["submitted", "approved by one", "rejected", "withdrawn"])
def test_whole_case_is_not_named(desk, state):
    desk.submit()
    if state == "approved by one":
        desk.decide("petra")
    if state == "rejected":
        desk.decide("petra", approve=False)
        execution.execute_decisions(desk.workspace)
    if state == "withdrawn":
        desk.decide("petra")
        desk.decide("owen")
        assert desk.invoke("review", "withdraw", "-r", desk.request, "--as", "petra").exit_code == 0
    assert not named(desk)


@pytest.mark.parametrize("has_run", [False, True])
def test_request_whose_file_is_gone(desk, has_run):
    name = desk.request if has_run else another(desk).id
    desk.workspace.layout.request(name).unlink()
    assert any(f"requests/{name}.json is not there" in one for one in named(desk))


def test_request_that_was_dissolved_is_not_named(desk):
    request = another(desk)
    void_request(desk.workspace, request.id)
    desk.workspace.layout.request(request.id).unlink()
    assert not named(desk)


@pytest.mark.parametrize("decided", [False, True])
def test_case_that_is_gone(desk, decided):
    desk.submit()
    if decided:
        desk.decide("petra")
    on_cases(desk, "DELETE FROM cases")
    assert [one for one in named(desk) if f"the submission of run {desk.run} for request {desk.request}" in one]


def test_case_of_another_run(desk):
    desk.submit()
    Cases(desk.workspace).change(desk.case.number, lambda case: replace(case, run="run-other"))
    assert any("the submission of run" in one for one in named(desk))


def test_case_that_was_not_submitted_so(desk):
    desk.submit()
    Cases(desk.workspace).change(desk.case.number, lambda case: replace(case, operator="paul"))
    assert any("was not signed when it was made" in one for one in named(desk))


@pytest.mark.parametrize("approve", [True, False])
def test_decision_that_is_gone(desk, approve):
    case = desk.submit()
    desk.decide("petra", approve=approve)
    Cases(desk.workspace).change(case.number, lambda _: case)
    assert any("the signed decision of 'petra' is missing" in one for one in named(desk))


def test_decision_that_was_not_signed(desk):
    case = desk.submit()
    decided = desk.decide("petra").decisions
    forged = (*decided, replace(decided[0], person="owen", role="product_owner"))
    Cases(desk.workspace).change(case.number, lambda one: replace(one, decisions=forged))
    assert any("the decision of 'owen' was not signed" in one for one in named(desk))


@pytest.mark.parametrize(
    ("signed", "told"),
    [
        ("approved", "closed"),
        ("approved", "void"),
        ("approved", "rejected"),
        ("approved", "pending"),
        ("pending", "closed"),
        ("pending", "void"),
        ("pending", "rejected"),
        ("rejected", "closed"),
        ("rejected", "void"),
    ],
)
def test_case_whose_state_is_not_as_signed(desk, signed, told):
    """Pages show it, and nobody would carry out what is approved."""
    if signed == "approved":
        desk.approve()
    else:
        desk.submit()
    if signed == "rejected":
        desk.decide("petra", approve=False)
    Cases(desk.workspace).change(desk.case.number, lambda case: replace(case, state=CaseState(told)))
    assert f"case 1: it is {told} there, and {signed} by the ledger" in named(desk)


def test_closed_case_that_nobody_submitted(desk):
    case = desk.submit()
    body = json.dumps(to_json(replace(case, number=0, state=CaseState.CLOSED)))
    on_cases(desk, "INSERT INTO cases (request, state, body) VALUES (?, 'closed', ?)", desk.request, body)
    assert "case 2: it is closed there, and void by the ledger" in named(desk)


def test_open_case_that_another_deletion_voided_is_not_named(desk):
    """Nor is one that waits for the end of that deletion, which was killed."""
    other = another(desk)
    desk.approve()
    sign = partial(enter_submission, open_ledger(desk.workspace))
    case = Cases(desk.workspace).submit(other.id, "run-other", "olaf", "0" * 64, sign)
    with suppress(CureLensError):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert Cases(desk.workspace).of(other.id).state is CaseState.VOID and not named(desk)
    Cases(desk.workspace).change(case.number, lambda one: replace(one, state=CaseState.PENDING))
    assert not named(desk)


CHANGES = {"gone": None, "people": {"people": 99}, "rows": {"rows": 0}, "time": {"closed": "2020-01-01T00:00:00+00:00"}}


@pytest.mark.parametrize("change", CHANGES)
def test_record_of_a_deletion_that_was_changed(desk, change):
    desk.approve()
    execution.execute_decisions(desk.workspace)
    assert not named(desk)
    file = desk.workspace.layout.closed(desk.request)
    record = json.loads(file.read_text())
    file.unlink()
    if changed := CHANGES[change]:
        assert record.keys() > changed.keys()
        file.write_text(json.dumps(record | changed))
    assert any(f"{file} is not what the ledger holds of this deletion" in one for one in named(desk))


def test_record_of_a_deletion_that_never_was(desk):
    digest = "0" * 64
    file = desk.workspace.layout.closed("req-ffffff")
    write_json(file, ClosedRequest("req-ffffff", "", "2026-01-01T00:00:00+00:00", desk.run, 9, 1, 1, digest))
    assert any(f"{file} is not what the ledger holds of this deletion" in one for one in named(desk))


@pytest.mark.parametrize("gone", ["copies", "all copies"])
def test_copies_that_are_gone(desk, monkeypatch, gone):
    sealed(desk, monkeypatch)
    assert not any("copies" in one for one in named(desk))
    folder = desk.workspace.layout.vault(desk.request, desk.case.number)
    shutil.rmtree(folder if gone == "copies" else folder.parent)
    assert any(f"{folder} is not there, but the key of its copies is" in one for one in named(desk))


def test_nothing_is_named_after_a_deletion(desk):
    """Another request, of which it leaves nothing, is no longer open; one of which it leaves a part is."""
    user = desk.workspace.request(desk.request).users[0]
    whole = another(desk, users=[user])
    part = another(desk, users=[user, another(desk).users[0]])
    desk.approve()
    with suppress(CureLensError):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert desk.case.state is CaseState.CLOSED
    ledger = open_ledger(desk.workspace)
    assert last_fact(ledger, REQUEST, whole.id) == "" and last_fact(ledger, REQUEST, part.id)
    assert not desk.workspace.layout.request(whole.id).exists() and not named(desk)
