"""Cases in review.sqlite that somebody edited: what is signed is about the request that was named, or nothing is."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from core.cli.workspace_checks import check_workspace
from core.errors import DamagedError, WorkspaceError
from core.review import decisions, execution
from core.review.cases import Cases
from core.review.ledger_entries import WITHDRAWAL, destructions
from core.review.withdrawal import withdraw
from core.runs.ledger import open_ledger
from core.runs.requests import open_request
from core.types import CaseState
from core.workspace import Workspace
from tests.databases import store_untyped

HIDING = (  # empties a table in the copy that is searched, and leaves it in the file
    "CREATE TABLE hidden (user TEXT); CREATE TRIGGER t AFTER UPDATE ON cases "
    "WHEN json_extract(NEW.body, '$.step') = 3 AND json_extract(OLD.body, '$.step') = 3 BEGIN DELETE FROM hidden; END"
)
KEEPING = (  # keeps each comment that is deleted at the end
    "CREATE TABLE hidden (user TEXT); CREATE TRIGGER t AFTER UPDATE ON cases "
    "WHEN json_extract(OLD.body, '$.step') >= 4 BEGIN INSERT INTO hidden VALUES (OLD.body); END"
)


def edit(desk, script, *values):
    with closing(sqlite3.connect(desk.workspace.layout.review)) as database, database:
        database.execute(script, values)


def flaws(desk):
    found = check_workspace(Workspace(desk.workspace.root))
    return [one.detail for one in found if not one.ok and "review.sqlite" in one.detail]


@pytest.mark.parametrize("script", [HIDING, KEEPING])
def test_trigger_in_the_database_stops_the_deletion(desk, script):
    desk.approve()
    with closing(sqlite3.connect(desk.workspace.layout.review)) as database:
        database.executescript(script)
    with pytest.raises(WorkspaceError, match="its table 'hidden' was not made by CURE Lens"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert not destructions(open_ledger(desk.workspace)) and "its trigger 't'" in flaws(desk)[0]
    with closing(sqlite3.connect(desk.workspace.layout.review)) as database:
        database.executescript("DROP TRIGGER t; DROP TABLE hidden")
    assert execution.execute_decisions(Workspace(desk.workspace.root)).state is CaseState.CLOSED


def test_trigger_that_comes_during_the_deletion_hides_nothing(desk, monkeypatch):
    """It is in the copy that is searched, too."""
    desk.approve()
    purge = execution.purge

    def planting(one):
        purge(one)
        with closing(sqlite3.connect(desk.workspace.layout.review)) as database:
            database.executescript(HIDING)

    steps = tuple(planting if one is purge else one for one in execution.STEPS)
    monkeypatch.setattr(execution, "STEPS", steps)
    with pytest.raises(WorkspaceError, match="its table 'hidden' was not made by CURE Lens"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    with pytest.raises(WorkspaceError, match="its table 'hidden'"), Cases(desk.workspace).as_closed():
        raise AssertionError
    assert not destructions(open_ledger(desk.workspace))


@pytest.fixture
def other(desk):
    """Another request."""
    own = desk.workspace.request(desk.request).users
    user = next(one for one in desk.workspace.user_split.training_users if one not in own)
    return open_request(desk.workspace, users=[user], opened_by="rita").id


def test_case_that_is_listed_under_another_request_is_not_withdrawn(desk, other):
    desk.approve()
    edit(desk, "UPDATE cases SET request = ?", other)
    with pytest.raises(DamagedError, match="its columns say something else"):
        withdraw(desk.workspace, other, "petra")
    assert not open_ledger(desk.workspace).of_kind(WITHDRAWAL) and flaws(desk)


def test_case_that_is_listed_under_another_request_is_not_rejected(desk, other):
    case = desk.submit()
    edit(desk, "UPDATE cases SET request = ?", other)
    with pytest.raises(DamagedError, match="its columns say something else"):
        decisions.decide(desk.workspace, other, "petra", False, case.evidence, "It has no basis.")
    assert not open_ledger(desk.workspace).of_kind("decision")


@pytest.mark.parametrize("change", [{"number": 9}, {"state": "approved"}, {"request": "req-other"}])
def test_body_that_says_something_else_than_the_columns_is_refused(desk, change):
    desk.submit()
    with closing(sqlite3.connect(desk.workspace.layout.review)) as database:
        (body,) = database.execute("SELECT body FROM cases").fetchone()
    edit(desk, "UPDATE cases SET body = ?", json.dumps(json.loads(body) | change))
    with pytest.raises(DamagedError, match="its columns say something else"):
        Cases(desk.workspace).all().whole()
    assert flaws(desk)


@pytest.mark.parametrize("change", [{"request": "req-other"}, {"run": "run-other"}])
@pytest.mark.parametrize("act", ["decide", "withdraw", "comment"])
def test_case_that_is_exchanged_after_it_was_found_is_not_acted_on(desk, monkeypatch, act, change):
    case = desk.approve() if act == "withdraw" else desk.submit()
    before = len(open_ledger(desk.workspace).statements(desk.request, desk.run))
    found = Cases.of

    def exchanged(self, request):
        known = found(self, request)
        with closing(sqlite3.connect(self.path)) as database, database:
            (body,) = database.execute("SELECT body FROM cases").fetchone()
            values = change.get("request", desk.request), json.dumps(json.loads(body) | change)
            database.execute("UPDATE cases SET request = ?, body = ?", values)
        return known

    monkeypatch.setattr(Cases, "of", exchanged)
    acts = {
        "decide": lambda: decisions.decide(desk.workspace, desk.request, "petra", False, case.evidence, "No basis."),
        "withdraw": lambda: withdraw(desk.workspace, desk.request, "petra"),
        "comment": lambda: decisions.comment(desk.workspace, desk.request, "rita", "Well done."),
    }
    with pytest.raises(DamagedError, match="no longer holds case 1 as it was"):
        acts[act]()
    assert len(open_ledger(desk.workspace).statements(desk.request, desk.run)) == before


def test_case_that_is_gone_after_it_was_found_is_named(desk):
    case = desk.submit()
    edit(desk, "DELETE FROM cases")
    with pytest.raises(DamagedError, match="no longer holds case 1"):
        Cases(desk.workspace).change(case.number, lambda one: replace(one, step=1))


@pytest.mark.parametrize("value", [None, 5, 1.5, b"\xff\xfe"])
@pytest.mark.parametrize("column", ["body", "state", "request"])
def test_value_of_another_type_is_named(desk, column, value):
    """A STRICT table holds one, where somebody takes the word from its schema for a while."""
    desk.submit()
    store_untyped(desk.workspace.layout.review, "cases", column, value)
    assert flaws(desk)
    with pytest.raises(DamagedError, match="Case 1 in .*review.sqlite is damaged"):
        Cases(desk.workspace).all().whole()
