"""Attacks of somebody who writes files while honest people work: each ends in a refusal, or changes nothing."""

import base64
import json
import shutil
from dataclasses import replace

import pytest

from core.errors import CureLensError, LedgerError, RequestError, ReviewError
from core.ledger import keys
from core.review import execution, permissions
from core.review.batches import open_batch
from core.review.cases import Cases
from core.runs import references
from core.runs.handle import RunHandle
from core.runs.ledger import open_ledger
from core.runs.references import train_references
from core.runs.requests import check_opened, open_request, unmarked_requests
from core.runs.verify import verify_run
from core.types import CaseState, ClosedRequest, Verdict
from core.utils.clock import utc_now
from core.utils.hashing import sha256_of_file
from core.utils.serialization import write_json
from core.workspace import Workspace
from tests.review.conftest import confirm


@pytest.fixture
def run(desk):
    return RunHandle(desk.workspace.layout.run(desk.run).path)


def others(desk):
    """The training users whom the request does not name."""
    own = desk.workspace.request(desk.request).users
    return [one for one in desk.workspace.user_split.training_users if one not in own]


def kinds(desk):
    return [one.kind for one in open_ledger(desk.workspace).statements()]


def passing(line: bytes) -> bytes:
    """A line of the ledger; of a verification, as if it had passed, with the old signature."""
    envelope = json.loads(line)
    statement = json.loads(base64.b64decode(envelope["payload"]))
    if not statement["predicateType"].startswith("urn:cure-lens:verification:"):
        return line
    statement["predicate"]["verdict"] = Verdict.PASS.value
    text = json.dumps(statement, separators=(",", ":"), sort_keys=True).encode()
    envelope["payload"] = base64.b64encode(text).decode()
    return json.dumps(envelope, separators=(",", ":"), sort_keys=True).encode()


def test_ledger_that_is_rewritten_during_a_training_takes_no_entry(desk, run, monkeypatch):
    desk.judge(Verdict.FAIL)
    train, ledger = references.train_reference, desk.workspace.layout.ledger

    def attacked(workspace, request, seed, *more):
        inputs = train(workspace, request, seed, *more)
        if seed == 104:  # the entry of seed 103 is the last one, and stays as it is
            ledger.write_bytes(b"".join(passing(one) + b"\n" for one in ledger.read_bytes().splitlines()))
        return inputs

    monkeypatch.setattr(references, "train_reference", attacked)
    with pytest.raises(LedgerError, match="is damaged: Entry"):
        train_references(desk.workspace, desk.request, 4, "cpu", lambda number, step: False)
    run.write_verification(replace(run.verification, verdict=Verdict.PASS))
    with pytest.raises(LedgerError, match="is damaged"):
        desk.submit()


def test_ledger_that_lay_there_before_init_is_not_begun(desk, tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "new"))
    desk.workspace.layout.ledger_key.unlink()
    made = desk.invoke("ledger", "init")
    assert made.exit_code != 0 and "nobody here signed it" in str(made.exception)
    assert not desk.workspace.keeps_ledger
    desk.workspace.layout.ledger.unlink()
    assert desk.invoke("ledger", "init").exit_code == 0  # as the sentence says


def test_keys_are_those_of_one_public_key(desk, tmp_path, monkeypatch):
    """Another ledger's public key lies there for a moment."""
    other, own, read = tmp_path / "second" / "ledger.pub", desk.workspace.layout.ledger_key, keys.read_public
    other.parent.mkdir()
    keys.make_keys(other)
    keys.keys_of(own)  # which is remembered from now on
    answers = [other]
    monkeypatch.setattr(keys, "read_public", lambda path: read(answers.pop() if answers else path))
    with pytest.raises(LedgerError, match="another key"):
        keys.keys_of(own)


def test_steps_that_only_a_file_calls_done_are_done_again(desk, run, monkeypatch):
    case, layout = desk.approve(), desk.workspace.layout
    rows = layout.interactions.read_bytes()

    def killed(_execution):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(execution, "STEPS", (execution.STEPS[0], killed, *execution.STEPS[2:]))
        execution.execute_decisions(desk.workspace)
    shutil.copytree(run.layout.adapter, layout.approved_adapter(run.id))
    digest = sha256_of_file(run.layout.weights)
    planted = ClosedRequest(desk.request, utc_now(), utc_now(), run.id, case.number, 2, 9, digest)
    write_json(layout.closed(desk.request), planted)
    Cases(desk.workspace).change(case.number, lambda one: replace(one, step=4))
    execution.execute_decisions(Workspace(desk.workspace.root))
    assert "destruction" in kinds(desk) and layout.interactions.read_bytes() != rows
    assert Workspace(desk.workspace.root).closed()[0].rows != 9 and not run.path.exists()


def test_approval_whose_withdrawal_is_not_signed_still_counts_and_says_so(desk, monkeypatch):
    desk.approve()
    ledger = desk.workspace.layout.ledger
    honest = ledger.read_bytes()

    def fails(_execution):
        ledger.write_bytes(honest + b"junk\n")
        raise ReviewError("Forgotten data is still in x: remove it.")

    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:2], fails, *execution.STEPS[3:]))
        with pytest.raises(ReviewError, match="still counts, as its withdrawal cannot be signed .*is still in x"):
            execution.execute_decisions(desk.workspace)
    assert desk.case.state is CaseState.APPROVED and not desk.workspace.closed()
    ledger.write_bytes(honest)
    execution.execute_decisions(Workspace(desk.workspace.root))
    assert desk.case.state is CaseState.CLOSED


@pytest.mark.parametrize("change", ["opened_by", "interactions", "deadline"])
def test_confirm_shows_all_that_it_would_sign(desk, change):
    request = desk.workspace.request(desk.request)
    file, user = desk.workspace.layout.request(request.id), request.users[0]
    item = next(row.item for row in desk.workspace.interactions if row.user == user)
    honest = replace(request, users=(), interactions=((user, item),), mark="")
    changed = {
        "opened_by": replace(honest, opened_by="anna"),
        "interactions": replace(honest, users=(user,), interactions=()),
        "deadline": replace(honest, deadline="2099-01-01T00:00:00+00:00"),
    }
    write_json(file, honest)
    shown = desk.invoke("ledger", "confirm").stdout
    write_json(file, changed[change])
    assert desk.invoke("ledger", "confirm").stdout.split("Not signed")[0] != shown.split("Not signed")[0]


@pytest.mark.parametrize("name", ["petra\u200b", "petra\u200d", "petra ", "petra\ufe0f", "pe\u034ftra", ""])
def test_twin_of_a_person_is_not_signed(desk, name):
    desk.set_people({**desk.workspace.settings.people, name: ("product_owner",)}, signed=False)
    with pytest.raises(ReviewError, match="invisible characters or needless blanks"):
        permissions.check_people(desk.workspace)


@pytest.mark.parametrize("name", ["Ana María", "नीति", "petra@firm.example", "李雷", "O’Neill-Świątek"])
def test_names_of_people_are_signed(desk, name):
    desk.set_people({**desk.workspace.settings.people, name: ("product_owner",)})
    permissions.check_settings(desk.workspace)


def test_batch_asks_for_what_its_members_ask_for(desk):
    """A member's file names one more person while the batch is opened, and is put back."""
    second = open_request(desk.workspace, users=others(desk)[:1], opened_by="rita")
    file = desk.workspace.layout.request(second.id)
    write_json(file, replace(second, users=tuple(others(desk)[:2])))
    with pytest.raises(RequestError, match="is not signed as it stands"):
        open_batch(desk.workspace, [desk.request, second.id], opened_by="rita")


def test_batch_that_was_opened_with_a_changed_member_starts_nothing(desk, monkeypatch):
    second = open_request(desk.workspace, users=others(desk)[:1], opened_by="rita")
    file = desk.workspace.layout.request(second.id)
    honest = file.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("core.review.batches.check_opened", lambda *_: None)
        write_json(file, replace(second, users=tuple(others(desk)[:2])))
        batch = open_batch(desk.workspace, [desk.request, second.id], opened_by="rita")
    file.write_bytes(honest)
    with pytest.raises(RequestError, match="is not what its requests ask for"):
        check_opened(desk.workspace, desk.workspace.request(batch.id))


@pytest.mark.parametrize("was_opened", [True, False])
def test_request_that_a_deletion_made_smaller_is_what_was_opened_only_if_it_was_before(desk, was_opened):
    left = others(desk)[0]
    second = open_request(desk.workspace, users=(desk.workspace.request(desk.request).users[0], left), opened_by="rita")
    if not was_opened:
        write_json(desk.workspace.layout.request(second.id), replace(second, opened_by="mallory"))
    desk.approve()
    execution.execute_decisions(desk.workspace)
    workspace = Workspace(desk.workspace.root)
    smaller = workspace.request(second.id)
    assert smaller.users == (left,)
    assert (unmarked_requests(workspace) == []) is was_opened


def test_batch_that_a_deletion_made_smaller_is_what_was_opened(desk):
    second, third = (open_request(desk.workspace, users=[one], opened_by="rita") for one in others(desk)[:2])
    shared = open_request(desk.workspace, users=desk.workspace.request(desk.request).users[:1], opened_by="rita")
    batch = open_batch(desk.workspace, [second.id, third.id, shared.id], opened_by="rita")
    desk.approve()
    execution.execute_decisions(desk.workspace)
    workspace = Workspace(desk.workspace.root)
    assert workspace.request(batch.id).members == (second.id, third.id)
    check_opened(workspace, workspace.request(batch.id))


@pytest.mark.parametrize("name", ["groups", "forget", "retain", "memory", "direct_effects"])
def test_every_result_of_a_run_that_a_page_shows_is_signed(desk, run, name):
    getattr(run.layout, name).write_text("[]")
    with pytest.raises(ReviewError, match="was changed since it was signed"):
        desk.submit()


def test_recipe_that_was_put_there_for_references_is_not_verified(desk, run):
    write_json(desk.workspace.layout.recipe, {"r": 1, "lora_alpha": 1, "target_modules": "all-linear"})
    with pytest.raises(ReviewError, match=r"not those that were signed \(changed: recipe\): check recipe\.json"):
        verify_run(RunHandle(run.path), "cpu")


def test_share_of_the_settings_is_that_of_the_launch(desk):
    write_json(desk.workspace.layout.settings, replace(desk.workspace.settings, forgotten_share=0.9))
    desk.workspace = Workspace(desk.workspace.root)
    confirm(desk.workspace)
    with pytest.raises(CureLensError, match="forgotten_share is not what it was"):
        desk.submit()
