"""Whoever had a part in a run neither decides on it nor opened its request, by all its entries and not the last one."""

import json
from contextlib import suppress
from dataclasses import replace

import pytest

from core.cli import verify as verify_command
from core.errors import ReviewError
from core.review import ledger_entries
from core.runs import launchers, submit
from core.runs.handle import open_run
from core.runs.ledger import OVERLAP, RESUMED, open_ledger
from core.runs.requests import open_request
from core.runs.signed_files import comparers, overlap_fact, signed_overlap
from core.runs.submit import create_run
from core.types import GroupEdit
from dashboard.services import commands
from tests.review.conftest import PEOPLE, enter_run, enter_verification
from tests.review.test_closing import Killed
from tests.review.test_ledger_decides import killed


@pytest.mark.parametrize("part", ["verified the run", "launched the run", "resumed the run"])
def test_earlier_entry_names_who_does_not_decide(desk, part):
    """Paul had a part in it, and Olaf did the same again."""
    run = open_run(desk.workspace, desk.run)
    enter_run(run, **{"launched the run": {"by": "paul"}, "resumed the run": {"resumed_by": ["paul"]}}.get(part, {}))
    enter_run(run, resumed_by=[])
    enter_verification(run, run.verification, "paul" if part == "verified the run" else "olaf")
    enter_verification(run, run.verification, "olaf")
    desk.submit()
    with pytest.raises(ReviewError, match=part):
        desk.decide("paul")


def test_whoever_launches_a_run_that_waits_already_does_not_decide(desk, monkeypatch):
    """The first launch was killed before it started a worker, so the second one starts it."""
    started = replace(launchers.LAUNCHERS["local"], start=lambda *_: "job")
    monkeypatch.setitem(launchers.LAUNCHERS, "local", started)
    first, second = (
        create_run(desk.workspace, desk.request, "uniform", "cpu", seed=8, steps=3, launched_by=who)
        for who in ("olaf", "paul")
    )
    submit.start(second)
    assert first.id == second.id and second.spec.launched_by == "olaf"
    assert open_ledger(desk.workspace).facts(RESUMED, second.id) == [(second.id, "paul")]


@pytest.fixture
def rita(desk):
    """Rita, who opened the request, is an operator too."""
    desk.set_people({**PEOPLE, "rita": ("requester", "operator")})
    return "rita"


def compared(desk, person):
    return desk.invoke("overlap", "--run", desk.run, "--device", "cpu", "--as", person)


def test_whoever_had_all_lists_compared_does_not_decide(desk):
    assert compared(desk, "paul").exit_code == 0
    desk.submit()
    with pytest.raises(ReviewError, match="'paul' had all lists compared: somebody else has to decide"):
        desk.decide("paul")


def test_whoever_opened_the_request_does_not_have_all_lists_compared(desk, rita):
    assert isinstance(compared(desk, rita).exception, ReviewError)
    assert not open_ledger(desk.workspace).facts(OVERLAP)


def test_page_starts_no_comparison_for_whoever_opened_the_request(desk, rita, monkeypatch):
    monkeypatch.setattr(commands, "workspace", lambda: desk.workspace)
    monkeypatch.setattr(commands, "signed_in_email", lambda: rita)
    with pytest.raises(ReviewError, match="'rita' opened the request"):
        commands.measure_overlaps(open_run(desk.workspace, desk.run))


@pytest.mark.parametrize("value", ["digest", "digest mark", "digest mark petra and owen"])
def test_comparison_of_an_earlier_version_names_nobody(desk, value):
    run, ledger = open_run(desk.workspace, desk.run), open_ledger(desk.workspace)
    ledger.record_fact(OVERLAP, run.id, value)
    digest, question, person = [*value.split(" ", 2), "", ""][:3]
    assert overlap_fact(digest, question, person) == value
    assert signed_overlap(run, ledger) == (digest, question) and comparers(run, ledger) == {person}


def test_opener_who_verified_while_the_specification_named_another_request_is_noticed(desk, rita, monkeypatch):
    own = desk.workspace.request(desk.request).users
    user = next(one for one in desk.workspace.user_split.training_users if one not in own)
    other = open_request(desk.workspace, users=[user], opened_by="olaf")
    spec, check = open_run(desk.workspace, desk.run).layout.spec, verify_command.check_operators
    honest = spec.read_bytes()
    spec.write_text(json.dumps({**json.loads(honest), "request": other.id}))

    def checked(*words):
        check(*words)
        spec.write_bytes(honest)

    monkeypatch.setattr(verify_command, "check_operators", checked)
    desk.invoke("verify", "--run", desk.run, "--device", "cpu", "--as", rita)
    assert open_ledger(desk.workspace).verified_contents(desk.run)[-1]["by"] == rita
    with pytest.raises(ReviewError, match="'rita' opened the request"):
        desk.submit()


def test_opener_who_resumed_is_noticed_at_the_submission(desk):
    open_ledger(desk.workspace).record_fact(RESUMED, desk.run, "rita")
    with pytest.raises(ReviewError, match="'rita' opened the request"):
        desk.submit()


def test_opener_who_took_part_after_the_submission_is_noticed_at_the_decision(desk):
    desk.submit()
    open_ledger(desk.workspace).record_fact(RESUMED, desk.run, "rita")
    with pytest.raises(ReviewError, match="'rita' opened the request"):
        desk.decide("petra")
    desk.decide("petra", approve=False)  # anybody may refuse


@pytest.mark.parametrize("told_by", ["entry", "specification"])
def test_whoever_made_the_run_whose_groups_were_edited_does_not_decide(desk, told_by):
    """Paul launched the first of three runs, each of which takes the groups of the one before."""
    run, ledger = open_run(desk.workspace, desk.run), open_ledger(desk.workspace)
    for one, source, person in (("run-000001", "", "paul"), ("run-000002", "run-000001", "olaf")):
        ledger.append("run", {}, {**ledger.run_content(run.id), "run": one, "groups_of": source, "by": person})
    if told_by == "specification":  # entries of earlier versions do not tell
        run.write_spec(replace(run.spec, edit=GroupEdit("run-000002")))
    enter_run(run, **({"groups_of": "run-000002"} if told_by == "entry" else {}))
    enter_verification(run, run.verification)
    desk.submit()
    with pytest.raises(ReviewError, match="'paul' made the run whose groups were edited"):
        desk.decide("paul")


@pytest.mark.parametrize("lost", ["the database", "the commit"])
def test_whoever_submitted_the_run_before_does_not_decide(desk, monkeypatch, lost):
    """Paul's submission is signed, and the database does not hold it when Olaf submits again."""
    with monkeypatch.context() as patch, suppress(Killed):
        if lost == "the commit":
            killed(patch, ledger_entries, "enter_submission")
        desk.submit("paul")
    if lost == "the database":
        desk.workspace.layout.review.unlink()
    desk.submit("olaf")
    with pytest.raises(ReviewError, match="'paul' submitted the run"):
        desk.decide("paul")
