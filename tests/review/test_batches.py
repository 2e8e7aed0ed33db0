"""Batches: one run and one verdict for several requests, and a record of its own for each."""

import json
import re
import shutil

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import LedgerError, RequestError, ReviewError, WorkspaceError
from core.ledger.chain import entries, verify
from core.ledger.keys import read_public
from core.report.case_record import entries_of_request
from core.review import batch_entries, execution
from core.review.audit import audit
from core.review.batches import check_free, dissolve, open_batch
from core.review.cases import Cases
from core.review.decisions import decide, submit
from core.review.vault import Vault
from core.review.withdrawal import withdraw
from core.runs.handle import open_run
from core.runs.ledger import open_ledger
from core.runs.references import train_references
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.runs.verify import attempt_of, verify_run
from core.runs.worker import work
from core.types import CaseState, RunState
from core.utils.serialization import to_json
from core.workspace import Workspace
from core.workspace.locks import exclusive_model_lock, shared_model_lock

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
        members = [open_request(workspace, users=(user,), opened_by="rita") for user in users[:-1]]
        members.append(open_request(workspace, interactions=rows, opened_by="rita"))
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


@pytest.mark.parametrize("lost", ["before all is signed", "after"])
def test_batch_whose_copies_are_lost_is_closed_once_all_is_signed(batched, monkeypatch, tmp_path, lost):
    workspace, batch, members, run = batched
    decided(workspace, batch, run)
    real, number = execution.ledger_entries.enter_destruction, execution.STEPS.index(execution.destroy)
    signed = []

    def kill(*given):
        if len(signed) > (1 if lost == "before all is signed" else MEMBERS):
            raise KeyboardInterrupt
        signed.append(real(*given))

    with monkeypatch.context() as patch:
        patch.setattr(execution.ledger_entries, "enter_destruction", kill)
        patch.setattr(execution, "STEPS", (*execution.STEPS[:number], kill))
        with pytest.raises(KeyboardInterrupt):
            execution.execute_decisions(workspace)
    case = Cases(workspace).of(batch.id)
    path = workspace.layout.vault(batch.id, case.number)
    away = path.rename(tmp_path / "away")
    if lost == "before all is signed":
        with pytest.raises(LedgerError):
            execution.execute_decisions(workspace)
        assert Vault(path, workspace.layout.ledger_key).has_key
        away.rename(path)
    assert execution.execute_decisions(workspace).state is CaseState.CLOSED
    assert not Vault(path, workspace.layout.ledger_key).has_key
    assert all(len(entries_of_request(ledger_of(workspace), name)) == 6 for name in members)


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


def test_rejected_batch_is_dissolved_and_leaves_its_entries(batched, tmp_path):
    workspace, batch, members, run = batched
    case = submit(workspace, run, "olaf")
    with pytest.raises(ReviewError, match=f"under review with run {run!r}"):
        dissolve(workspace, batch.id)
    decide(workspace, batch.id, "petra", False, case.evidence, "Not convincing.")
    execution.execute_decisions(workspace)
    with shared_model_lock(workspace), pytest.raises(WorkspaceError, match="let it end"):
        dissolve(workspace, batch.id)
    assert set(dissolve(workspace, batch.id)) == {*members}
    assert {one.id for one in workspace.requests()} >= {*members} and not workspace.layout.run(run).path.exists()
    kinds = ["run", "verification", "submission", "decision"]
    assert [one["kind"] for one in entries_of_request(ledger_of(workspace), batch.id)] == kinds
    assert execution.execute_decisions(workspace) is None and "rejected run" in _record(workspace, batch.id, tmp_path)
    with pytest.raises(RequestError, match="is taken"):
        open_batch(workspace, list(members)[:2], batch.id)


def test_batch_that_is_made_again_counts_the_runs_before_it(batched):
    workspace, batch, members, run = batched
    ledger = open_ledger(workspace)
    assert attempt_of(open_run(workspace, run), ledger) == 1
    dissolve(workspace, batch.id)
    for name, part, attempt in (("again", list(members), 2), ("others", list(members)[:2], 1)):
        other = open_batch(workspace, part, name, opened_by="rita")
        second = create_run(workspace, other.id, "uniform", "cpu", steps=1, launched_by="olaf")
        assert work(second) is RunState.DONE, second.status
        assert attempt_of(second, ledger) == attempt
        dissolve(workspace, name)


def test_run_cannot_be_submitted_while_its_batch_is_being_dissolved(batched):
    workspace, batch, _, run = batched
    with exclusive_model_lock(workspace), pytest.raises(WorkspaceError, match="try again when it is done"):
        submit(workspace, run, "olaf")
    assert Cases(workspace).of(batch.id) is None


def test_batch_whose_run_nobody_can_submit_is_dissolved(batched):
    """An unverified run cannot be submitted, so that it can never be rejected either."""
    workspace, batch, members, run = batched
    (workspace.layout.run(run).path / "verification.json").unlink()
    with pytest.raises(ReviewError, match="verif"):
        submit(workspace, run, "olaf")
    assert set(dissolve(workspace, batch.id)) == {*members} and not workspace.layout.run(run).path.exists()


def test_batch_loses_a_member_that_another_request_carried_out(desk):
    """Another request erased all that a member covers: the batch goes on with the others."""
    workspace = desk.workspace
    gone, stays = workspace.request(desk.request).users[0], workspace.user_split.training_users[5]
    members = [open_request(workspace, users=(user,)).id for user in (gone, stays)]
    batch = open_batch(workspace, members)
    desk.approve()
    assert execution.execute_decisions(workspace).state is CaseState.CLOSED
    left = Workspace(workspace.root).request(batch.id)
    assert left.members == (members[1],) and left.users == (stays,)
