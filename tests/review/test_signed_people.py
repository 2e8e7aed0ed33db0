"""Who works here, and who opened which request, is what was signed: whoever writes files cannot change it unseen."""

import json
from dataclasses import replace

import pytest

from core.cli.workspace_checks import check_workspace
from core.errors import RequestError, ReviewError
from core.review import execution, permissions
from core.review.batches import open_batch
from core.review.permissions import check_operators
from core.runs.requests import check_opened, open_request, write_marked
from core.runs.submit import create_run
from core.types import Action, CaseState, Identity, LegalBasis
from core.utils.serialization import write_json
from core.workspace import Workspace
from tests.review.conftest import PEOPLE, confirm

EVERYTHING = ("requester", "operator", "privacy_officer", "product_owner")


@pytest.mark.parametrize("people", [{}, PEOPLE | {"mallory": EVERYTHING}, PEOPLE | {"petra": EVERYTHING}])
def test_people_of_an_edited_file_do_nothing_until_they_are_signed(desk, people):
    desk.set_people(people, signed=False)
    who = next((name for name in people if name not in PEOPLE), "petra")
    for action in Action:
        with pytest.raises(ReviewError, match=r"not those that were signed \(changed: people\): check workspace\.json"):
            permissions.require(desk.workspace, who, action)
    assert "people" in {one.name for one in check_workspace(desk.workspace) if not one.ok}
    desk.set_people(people)
    permissions.require(desk.workspace, who, Action.DECIDE)


@pytest.mark.parametrize("change", [{"launcher": "slurm"}, {"clusters": {"slurm": {"slurm_partition": "other"}}}])
def test_nothing_starts_with_a_launcher_that_was_not_signed(desk, change):
    write_json(desk.workspace.layout.settings, replace(desk.workspace.settings, **change))
    desk.workspace = Workspace(desk.workspace.root)
    refused = desk.invoke("run", "-r", desk.request, "--as", "olaf")
    assert "settings are not those that were signed" in str(refused.exception)
    confirm(desk.workspace)
    permissions.check_settings(desk.workspace)


def test_people_who_are_left_out_come_back_with_no_earlier_file(desk):
    before = desk.workspace.layout.settings.read_bytes()
    desk.set_people({name: roles for name, roles in PEOPLE.items() if name != "olaf"})
    desk.workspace.layout.settings.write_bytes(before)
    desk.workspace = Workspace(desk.workspace.root)
    with pytest.raises(ReviewError, match="that were signed"):
        desk.submit("olaf")


def test_deletion_stops_where_people_were_changed_after_the_approval(desk):
    desk.approve()
    desk.set_people({}, signed=False)
    with pytest.raises(ReviewError, match="that were signed"):
        execution.execute_decisions(desk.workspace)
    assert desk.case.state is not CaseState.CLOSED and not desk.workspace.closed()


def test_confirm_shows_what_it_would_sign_and_signs_it_when_told(desk):
    desk.set_people({"petra": ("privacy_officer",)}, signed=False)
    request = desk.workspace.request(desk.request)
    write_json(desk.workspace.layout.request(request.id), replace(request, opened_by="mallory"))
    shown = json.loads(desk.invoke("ledger", "confirm", "--json").stdout)
    assert shown["settings"]["people"] == {"petra": ["privacy_officer"]} and not shown["signed"]
    assert [(one["id"], one["by"]) for one in shown["requests"]] == [(request.id, "mallory")]
    text = desk.invoke("ledger", "confirm").stdout
    assert f"{request.id}: " in text and '"by": "mallory"' in text and shown["digest"] in text
    assert all(f'"{user}"' in text for user in request.subjects)
    with pytest.raises(ReviewError):
        permissions.check_settings(desk.workspace)
    assert desk.invoke("ledger", "confirm", "--digest", shown["digest"]).exit_code == 0
    permissions.check_settings(desk.workspace)
    check_opened(desk.workspace, desk.workspace.request(request.id))
    assert "signed as they stand" in desk.invoke("ledger", "confirm").stdout


def test_digest_of_what_is_confirmed_is_whole(desk):
    """Of 64 bits, two texts with one digest are found in minutes: one is shown, and the other is signed."""
    desk.set_people({"petra": ("privacy_officer",)}, signed=False)
    assert len(json.loads(desk.invoke("ledger", "confirm", "--json").stdout)["digest"]) == 64


def test_confirm_without_a_ledger_says_that_nothing_is_signed(desk):
    desk.workspace.layout.ledger_key.unlink()
    refused = desk.invoke("ledger", "confirm")
    assert refused.exit_code != 0 and "keeps no ledger, so nothing is signed" in str(refused.exception)


@pytest.mark.parametrize("what", ["people", "request"])
def test_confirm_signs_nothing_that_changed_since_it_was_shown(desk, what):
    desk.set_people({"petra": ("privacy_officer",)}, signed=False)
    digest = json.loads(desk.invoke("ledger", "confirm", "--json").stdout)["digest"]
    if what == "people":
        desk.set_people({"mallory": EVERYTHING}, signed=False)
    else:
        request = desk.workspace.request(desk.request)
        write_json(desk.workspace.layout.request(request.id), replace(request, opened_by="mallory"))
    refused = desk.invoke("ledger", "confirm", "--digest", digest)
    assert refused.exit_code != 0 and "look at it again" in str(refused.exception)
    with pytest.raises(ReviewError):
        permissions.check_settings(desk.workspace)


def opened(desk):
    user = next(one for one in desk.workspace.user_split.training_users if one not in subjects(desk))
    return open_request(desk.workspace, [user], opened_by="rita")


def subjects(desk):
    return desk.workspace.request(desk.request).subjects


CHANGES = {
    "opened_by": "olaf",
    "reason": "other",
    "created": "2020-01-01T00:00:00+00:00",
    "legal_basis": LegalBasis.CHILD,
    "identity": Identity.DOCUMENT,
    "deadline": "2099-01-01T00:00:00+00:00",
}


@pytest.mark.parametrize("field", [*CHANGES, "users", "mark"])
def test_request_that_was_changed_since_it_was_opened_starts_nothing(desk, field):
    request = opened(desk)
    other = subjects(desk) if field == "users" else CHANGES.get(field, "")
    write_json(desk.workspace.layout.request(request.id), replace(request, **{field: other}))
    with pytest.raises(RequestError, match="is not signed as it stands"):
        create_run(desk.workspace, request.id, "uniform", "cpu")
    with pytest.raises(RequestError, match="is not signed as it stands"):
        check_operators(desk.workspace, request.id, "olaf")
    assert f"request {request.id}" in {one.name for one in check_workspace(desk.workspace) if not one.ok}


def test_member_of_a_batch_that_names_another_opener_stops_the_batch(desk):
    """Olaf opened it, so he may not launch the run of its batch."""
    own = write_marked(desk.workspace, replace(opened(desk), opened_by="olaf"))
    batch = open_batch(desk.workspace, [own.id, desk.request], opened_by="rita")
    with pytest.raises(ReviewError, match="'olaf' opened the request"):
        check_operators(desk.workspace, batch.id, "olaf")
    write_json(desk.workspace.layout.request(own.id), replace(own, opened_by="rita"))
    with pytest.raises(RequestError, match=f"{own.id}.* is not signed as it stands"):
        check_operators(desk.workspace, batch.id, "olaf")


def test_request_of_a_run_that_was_signed_with_another_opener_is_not_submitted(desk):
    request = desk.workspace.request(desk.request)
    write_marked(desk.workspace, replace(request, opened_by="owen"))
    with pytest.raises(ReviewError, match=r"is not the one that run .* forgot \(who opened it differ"):
        desk.submit()
