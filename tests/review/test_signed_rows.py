"""A request is about the rows that its users had when it was opened, and models are trained with the signed settings."""

import json
from dataclasses import replace

import pytest

from core.cli.workspace_checks import check_workspace
from core.data.interaction_files import write_interactions
from core.data.interaction_store import InteractionStore
from core.errors import RequestError, ReviewError
from core.review import decisions, execution
from core.runs.handle import open_run
from core.runs.ledger import open_ledger
from core.runs.ledger_entries import SETTINGS, Ledger
from core.runs.requests import check_opened, open_request, write_marked
from core.runs.signed_settings import check_settings
from core.runs.submit import create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import CaseState, Item, RunState
from core.utils.serialization import read_json_lines, write_json, write_json_lines
from core.workspace import Workspace
from tests.review.conftest import confirm

PLACES = {"training": 0, "validation": -2, "test": -1}  # of a row in its user's history


def other_user(desk, number=0):
    own = desk.workspace.request(desk.request).subjects
    return [one for one in desk.workspace.user_split.training_users if one not in own][number]


def write_rows(workspace, rows):
    write_interactions(workspace.layout.interactions, InteractionStore.of(rows))


def lose_row(workspace, user, place):
    rows = list(workspace.interactions)
    lost = [one for one in rows if one.user == user][PLACES[place]]
    write_rows(workspace, [one for one in rows if one != lost])


def change_label(workspace, user):
    rows = list(workspace.interactions)
    changed = next(one for one in rows if one.user == user)
    write_rows(workspace, [replace(one, liked=not one.liked) if one == changed else one for one in rows])


def rename_title(workspace, user):
    item, layout = workspace.interactions.of_users([user])[0].item, workspace.layout
    items = [
        replace(one, title="Another film") if one.id == item else one for one in read_json_lines(layout.items, Item)
    ]
    write_json_lines(layout.items, items)


def change(workspace, user, what):
    if what in PLACES:
        lose_row(workspace, user, what)
    else:
        {"label": change_label, "title": rename_title}[what](workspace, user)
    return Workspace(workspace.root)


@pytest.mark.parametrize("what", [*PLACES, "label", "title"])
def test_request_whose_rows_were_changed_starts_nothing_until_it_is_confirmed(desk, what):
    request = open_request(desk.workspace, [other_user(desk)], opened_by="rita")
    changed = change(desk.workspace, request.users[0], what)
    with pytest.raises(RequestError, match="is not signed as it stands"):
        create_run(changed, request.id, "uniform", "cpu")
    assert f"request {request.id}" in {one.name for one in check_workspace(changed) if not one.ok}
    confirm(changed)
    check_opened(changed, changed.request(request.id))


def test_rows_of_others_may_change(desk):
    request = open_request(desk.workspace, [other_user(desk)], opened_by="rita")
    changed = change(desk.workspace, other_user(desk, 1), "training")
    check_opened(changed, request)


def test_run_is_not_verified_where_its_rows_were_changed(desk):
    changed = change(desk.workspace, desk.workspace.request(desk.request).subjects[0], "test")
    with pytest.raises(RequestError, match="is not signed as it stands"):
        verify_run(open_run(changed, desk.run), "cpu")


@pytest.mark.parametrize("method", ["retrain", "uniform"])
def test_run_and_verification_stop_where_somebody_is_no_training_user(desk, method):
    """The request's file and rows are as they were signed, but its rows would not all be forgotten."""
    person, file = desk.workspace.request(desk.request).users[1], desk.workspace.layout.user_split
    run = create_run(desk.workspace, desk.request, method, "cpu", steps=2, launched_by="olaf")  # which waits
    roles = json.loads(file.read_text())
    roles["members"].remove(person)
    write_json(file, roles)
    run = open_run(Workspace(desk.workspace.root), run.id)
    assert work(run) is RunState.FAILED and f"User {person!r} is not in this workspace" in run.status.message
    with pytest.raises(RequestError, match="is not in this workspace"):
        verify_run(open_run(Workspace(desk.workspace.root), desk.run), "cpu")


def test_rows_that_are_put_back_are_those_that_were_asked_for(desk):
    request = open_request(desk.workspace, [other_user(desk)], opened_by="rita")
    before = desk.workspace.layout.interactions.read_bytes()
    change(desk.workspace, request.users[0], "training")
    desk.workspace.layout.interactions.write_bytes(before)
    check_opened(Workspace(desk.workspace.root), request)


def test_request_of_an_earlier_version_has_no_rows_to_compare(desk):
    request = open_request(desk.workspace, [other_user(desk)], opened_by="rita")
    file = desk.workspace.layout.request(request.id)
    write_json(file, replace(request, rows_mark=""))  # its mark is of the rows too
    with pytest.raises(RequestError, match="is not signed as it stands"):
        check_opened(desk.workspace, desk.workspace.request(request.id))
    older = write_marked(desk.workspace, replace(request, rows_mark=""))
    changed = change(desk.workspace, request.users[0], "training")
    check_opened(changed, older)


def test_confirm_tells_how_many_rows_it_signs(desk):
    request = open_request(desk.workspace, [other_user(desk)], opened_by="rita")
    changed = change(desk.workspace, request.users[0], "training")
    left = len(changed.interactions.covered(request))
    shown = json.loads(desk.invoke("ledger", "confirm", "--json").stdout)
    assert f'"rows in the data": {left}' in desk.invoke("ledger", "confirm").stdout
    change(changed, request.users[0], "training")  # between look and signature
    refused = desk.invoke("ledger", "confirm", "--digest", shown["digest"])
    assert refused.exit_code != 0 and "look at it again" in str(refused.exception)


@pytest.mark.parametrize("ends", ["closed", "rolled back"])
def test_request_that_loses_rows_to_a_deletion_is_signed_with_those_that_are_left(desk, monkeypatch, ends):
    """It names a user of whom another request removes a few rows, so its file changes only in the mark of its rows."""
    user = other_user(desk)
    rows = desk.workspace.interactions.of_users([user])
    whole = open_request(desk.workspace, [user], opened_by="rita")
    part = open_request(desk.workspace, interactions=[(user, one.item) for one in rows[:2]], opened_by="rita")
    run = create_run(desk.workspace, part.id, "uniform", "cpu", steps=3, launched_by="olaf")
    assert work(run) is RunState.DONE, run.status
    verify_run(run, "cpu", person="olaf")
    case = decisions.submit(desk.workspace, run.id, "olaf")
    for person in ("petra", "owen"):
        case = decisions.decide(desk.workspace, part.id, person, True, case.evidence, "The rest is proven.")
    if ends == "closed":
        assert execution.execute_decisions(desk.workspace).state is CaseState.CLOSED
    else:
        (desk.workspace.root / "notes.txt").write_text(json.dumps({"user": user, "item": rows[0].item}))
        with pytest.raises(ReviewError, match=r"notes\.txt"):
            execution.execute_decisions(desk.workspace)
    now = Workspace(desk.workspace.root)
    left = now.request(whole.id)
    check_opened(now, left)
    assert (left == whole) is (ends == "rolled back")
    assert left == replace(whole, rows_mark=left.rows_mark, mark=left.mark)


def test_request_that_loses_a_user_to_a_deletion_is_signed_with_the_rows_of_the_others(desk):
    shared, left = desk.workspace.request(desk.request).users[0], other_user(desk)
    second = open_request(desk.workspace, [shared, left], opened_by="rita")
    desk.approve()
    execution.execute_decisions(desk.workspace)
    now = Workspace(desk.workspace.root)
    assert now.request(second.id).users == (left,)
    check_opened(now, now.request(second.id))
    with pytest.raises(RequestError, match="is not signed as it stands"):
        check_opened(change(now, left, "test"), now.request(second.id))


RECIPE = {"epochs": 1, "learning_rate": 1e-9, "window": 4, "seed": 7, "base": "other", "data": "other"}


@pytest.mark.parametrize("name", RECIPE)
def test_models_are_trained_and_asked_by_the_signed_settings(desk, name):
    write_json(desk.workspace.layout.settings, replace(desk.workspace.settings, **{name: RECIPE[name]}))
    changed = Workspace(desk.workspace.root)
    with pytest.raises(ReviewError, match=rf"not those that were signed \(changed: {name}\): check workspace\.json"):
        create_run(changed, desk.request, "retrain", "cpu", launched_by="olaf")
    shown = desk.invoke("ledger", "confirm").stdout
    assert f'"{name}": {json.dumps(str(RECIPE[name]) if name == "seed" else RECIPE[name])}' in shown
    confirm(changed)
    check_settings(changed)


def test_settings_that_an_earlier_version_signed_are_compared_by_what_they_name(desk):
    entered = Ledger(desk.workspace).settings()
    Ledger(desk.workspace).append(SETTINGS, {}, {name: entered[name] for name in ("people", "launcher", "clusters")})
    write_json(desk.workspace.layout.settings, replace(desk.workspace.settings, epochs=9))
    changed = Workspace(desk.workspace.root)
    check_settings(changed)
    confirm(changed)  # from now on, all of them are
    assert open_ledger(changed).settings()["epochs"] == 9
