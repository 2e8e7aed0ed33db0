"""Batches: one run and one verdict for several requests, and a record of its own for each."""

import json
import re
import shutil
import time
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import RequestError, ReviewError
from core.ledger.chain import entries, verify
from core.ledger.keys import read_public
from core.report.case_record import entries_of_request
from core.review import batch_entries, execution
from core.review.audit import audit
from core.review.batches import check_free, open_batch
from core.review.cases import Cases
from core.review.decisions import decide, submit
from core.review.permissions import openers
from core.review.withdrawal import withdraw
from core.runs.references import train_references
from core.runs.submit import create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import CaseState, RunState
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace

MEMBERS = 8


@pytest.fixture(scope="module")
def eight(verified, tmp_path_factory):
    """A workspace with eight requests of one user each, one of them for chosen rows, and a verified run of all."""
    folder = shutil.copytree(verified, tmp_path_factory.mktemp("eight"), dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        workspace = Workspace(folder / "workspace")
        users = workspace.user_split.training_users[2 : 2 + MEMBERS]
        rows = [(one.user, one.item) for one in workspace.interactions if one.user == users[-1]][:6]
        members = [workspace.open_request(users=(user,), opened_by="rita") for user in users[:-1]]
        members.append(workspace.open_request(interactions=rows, opened_by="rita"))
        batch = open_batch(workspace, [one.id for one in members], "batch-2026-11", opened_by="rita")
        train_references(workspace, batch.id, 2, "cpu", lambda number, step: False)
        run = create_run(workspace, batch.id, "uniform", "cpu", steps=3, launched_by="olaf")
        assert work(run) is RunState.DONE, run.status
        verify_run(run, "cpu")
    return folder, batch, {one.id: one for one in members}, run.id


@pytest.fixture
def batched(eight, tmp_path, monkeypatch):
    folder, batch, members, run = eight
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    return Workspace(tmp_path / "workspace"), batch, members, run


def decided(workspace, batch, run, approve=True):
    case = submit(workspace, run, "olaf")
    decide(workspace, batch.id, "petra", approve, case.evidence, "One run for all.")
    if approve:
        decide(workspace, batch.id, "owen", approve, case.evidence, "One run for all.")


def ledger_of(workspace):
    return to_json(entries(workspace.layout.ledger, read_public(workspace.layout.ledger_key)))


def test_batch_gives_each_request_a_record_that_names_nobody_else(batched, tmp_path):
    workspace, batch, members, run = batched
    items = {one.id: one.title for one in workspace.items.values()}
    decided(workspace, batch, run)
    assert execution.execute_decisions(workspace).state is CaseState.CLOSED
    after = Workspace(workspace.root)
    closed = {one.id: one for one in after.closed()}
    assert set(closed) == {batch.id, *members} and not {batch.id, *members} & {one.id for one in after.requests()}
    assert {one.run for one in closed.values()} == {run} and closed[batch.id].users == MEMBERS
    assert sum(closed[name].rows for name in members) == closed[batch.id].rows
    assert {(one.batch, one.together) for one in closed.values()} == {(batch.id, MEMBERS)}
    assert verify(after.layout.ledger, read_public(after.layout.ledger_key)).flaws == ()
    found = ledger_of(after)
    pseudonyms = {name: _pseudonyms(entries_of_request(found, name)) for name in members}
    for name in members:
        own = entries_of_request(found, name)
        kinds = ["run", "verification", "submission", "decision", "decision", "destruction"]
        assert [one["kind"] for one in own] == kinds
        assert {one["content"]["batch"]["requests"] for one in own} == {MEMBERS}
        assert own[0]["content"]["request"]["subjects"] and len(own[0]["content"]["request"]["subjects"]) == 1
        assert len(own[-1]["content"]["rows"]) == closed[name].rows
        assert audit(after, name).clean and audit(after, name).requests == (name,)
        others = set(members) - {name}
        assert not any(pseudonyms[name] & pseudonyms[other] for other in others)
        page = _record(after, name, tmp_path)
        users = {user for one in members.values() for user in one.subjects}
        assert not (set(re.findall(r"[\w-]+", json.dumps(own) + page)) & (others | users | set(items)))
        assert f"8 requests were carried out together as batch {batch.id}" in " ".join(page.split())
        assert "the data of 1 user" in page.split("What was done")[0]
    assert [one["kind"] for one in entries_of_request(found, batch.id)].count("destruction") == 1
    assert audit(after).clean


def _pseudonyms(found):
    return {
        word
        for one in found
        for word in (
            *one["content"].get("people", ()),
            *one["content"].get("rows", ()),
            *(one["content"]["request"].get("subjects", ()) if isinstance(one["content"]["request"], dict) else ()),
        )
    }


def test_withdrawn_approvals_of_a_batch_stand_in_each_record(batched, tmp_path):
    workspace, batch, members, run = batched
    decided(workspace, batch, run)
    case = withdraw(workspace, batch.id, "petra")
    time.sleep(1.1)  # two decisions of a person within a second count as one
    for person in ("petra", "owen"):
        decide(workspace, batch.id, person, True, case.evidence, "One run for all.")
    assert execution.execute_decisions(workspace).state is CaseState.CLOSED
    decisions = ["decision", "decision"]
    kinds = ["run", "verification", "submission", *decisions, "withdrawal", *decisions, "destruction"]
    for name in members:
        assert [one["kind"] for one in entries_of_request(ledger_of(workspace), name)] == kinds
    assert "petra withdrew all approvals" in " ".join(_record(workspace, min(members), tmp_path).split())


def _record(workspace, name, folder):
    to = folder / f"{name}.html"
    result = CliRunner().invoke(app, ["ledger", "record", "-w", str(workspace.root), "-r", name, "--out", str(to)])
    assert result.exit_code == 0, result.output
    return to.read_text()


@pytest.mark.parametrize("after", [1, 5, 9])
def test_interrupted_signing_enters_each_entry_once(batched, monkeypatch, after):
    """A batch is signed in many entries: killed in between, it continues and repeats none."""
    workspace, batch, members, run = batched
    decided(workspace, batch, run)
    real, count = batch_entries.Ledger.append, [0]

    def kill(self, kind, subjects, content):
        if "batch" in content:
            count[0] += 1
            if count[0] > after:
                raise KeyboardInterrupt
        real(self, kind, subjects, content)

    with monkeypatch.context() as patch:
        patch.setattr(batch_entries.Ledger, "append", kill)
        with pytest.raises(KeyboardInterrupt):
            execution.execute_decisions(workspace)
    assert execution.execute_decisions(workspace).state is CaseState.CLOSED
    for name in members:
        assert len(entries_of_request(ledger_of(workspace), name)) == 6


def test_rejected_batch_leaves_its_members_open(batched):
    workspace, batch, members, run = batched
    for name in members:
        with pytest.raises(ReviewError, match="is in batch 'batch-2026-11'"):
            check_free(workspace, name)
    decided(workspace, batch, run, approve=False)
    execution.execute_decisions(workspace)
    assert {one.id for one in workspace.requests()} >= set(members) and workspace.closed() == ()
    for name in members:
        check_free(workspace, name)
    other = open_batch(workspace, list(members)[:2])
    with pytest.raises(ReviewError, match=f"is in batch '{other.id}' already"):
        open_batch(workspace, list(members)[1:4])
    assert Cases(workspace).of(other.id) is None


def test_failed_execution_of_a_batch_restores_all_requests(batched, monkeypatch):
    workspace, batch, _, run = batched
    before = workspace.requests()
    decided(workspace, batch, run)
    monkeypatch.setattr(execution, "STEPS", (*execution.STEPS[:3], lambda one: {}[1], *execution.STEPS[4:]))
    with pytest.raises(ReviewError, match="nothing was destroyed"):
        execution.execute_decisions(workspace)
    assert workspace.requests() == before and workspace.closed() == ()


def test_changed_member_voids_the_decision(batched):
    workspace, batch, members, run = batched
    case = submit(workspace, run, "olaf")
    path = workspace.layout.request(next(iter(members)))
    path.write_text(path.read_text().replace('"reason": ""', '"reason": "later"'))
    with pytest.raises(ReviewError, match="evidence is not what you decided on"):
        decide(workspace, batch.id, "petra", True, case.evidence, "Why.")


def test_who_opened_a_member_does_not_decide_on_its_batch(workspace):
    users = workspace.user_split.training_users
    first, second = (
        workspace.open_request(users=(user,), opened_by=by) for user, by in zip(users[:2], "ab", strict=True)
    )
    batch = open_batch(workspace, (first.id, second.id), opened_by="c")
    assert openers(workspace, batch.id) == {"a", "b", "c"}


def test_batch_counts_overlaps_once_and_takes_the_first_due_date(workspace):
    user, other = workspace.user_split.training_users[:2]
    rows = [(one.user, one.item) for one in workspace.interactions if one.user in (user, other)]
    first = workspace.open_request(interactions=rows)
    second = workspace.open_request(users=(user,))
    third = workspace.open_request(users=(user,))
    write_json(workspace.layout.request(third.id), replace(third, created="2026-01-01T00:00:00+00:00"))
    batch = open_batch(workspace, (second.id, first.id, third.id))
    assert batch.users == (user,) and set(batch.interactions) == {pair for pair in rows if pair[0] == other}
    assert batch.due == "2026-01-31T00:00:00+00:00" < first.due
    assert Workspace(workspace.root).request(batch.id) == batch


def test_batches_that_cannot_be_made_say_why(workspace):
    users = workspace.user_split.training_users
    first, second = (workspace.open_request(users=(user,)).id for user in users[:2])
    refused = {
        "at least two": ([first, first], ""),
        "is not in this workspace": ([first, "req-no"], ""),
        "not a plain word": ([first, second], "../x"),
        "is taken": ([first, second], first),
        "names a request or a user": ([first, second], f"batch-{users[0]}"),
        "covers all": ([first, workspace.open_request(users=users[1:]).id], ""),
    }
    before = workspace.requests()
    for message, (members, name) in refused.items():
        with pytest.raises(RequestError, match=message):
            open_batch(workspace, members, name)
    assert workspace.requests() == before
    batch = open_batch(workspace, (first, second))
    with pytest.raises(RequestError, match="is a batch itself"):
        open_batch(workspace, (batch.id, first))


def test_command_makes_a_batch_and_refuses_options_of_single_requests(workspace):
    users = workspace.user_split.training_users
    names = ",".join(workspace.open_request(users=(user,)).id for user in users[:2])

    def request(*words):
        return CliRunner().invoke(app, ["request", "-w", str(workspace.root), *words])

    assert "leave out --users" in str(request("--batch", names, "--users", users[2]).exception)
    assert "name its requests with --batch" in str(request("--id", "batch-x", "--users", users[2]).exception)
    made = request("--batch", names, "--id", "batch-2026-11")
    assert made.exit_code == 0 and "Request batch-2026-11 is open" in made.output
    assert ",".join(workspace.request("batch-2026-11").members) == names
    refused = CliRunner().invoke(app, ["run", "-w", str(workspace.root), "-r", names.split(",")[0], "--device", "cpu"])
    assert "is in batch 'batch-2026-11'" in str(refused.exception)


def test_batch_loses_a_member_that_another_request_carried_out(desk):
    """Another request erased all that a member covers: the batch goes on with the others."""
    workspace = desk.workspace
    gone, stays = workspace.request(desk.request).users[0], workspace.user_split.training_users[5]
    members = [workspace.open_request(users=(user,)).id for user in (gone, stays)]
    batch = open_batch(workspace, members)
    desk.approve()
    assert execution.execute_decisions(workspace).state is CaseState.CLOSED
    left = Workspace(workspace.root).request(batch.id)
    assert left.members == (members[1],) and left.users == (stays,)
