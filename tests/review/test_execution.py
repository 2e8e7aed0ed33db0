"""Execution of approved requests: after any crash, a case is closed without traces or pending without changes."""

import errno
import json
import shutil
from dataclasses import replace

import pytest

from core.cli.diagnostics import examine
from core.cli.workspace_checks import check_workspace
from core.errors import LedgerError, ModelError, ReviewError, WorkspaceError
from core.ledger.chain import entries, verify
from core.ledger.keys import read_public
from core.models.recommender import load
from core.report.case_record import entries_of_request, render_case_record
from core.review import execution
from core.review import vault as vaults
from core.review.cases import Cases
from core.review.decisions import comment, decide, submit
from core.review.evidence_digest import check_ready
from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import find_leaks
from core.review.vault import Vault
from core.runs.handle import RunHandle, open_run
from core.runs.ledger import open_ledger
from core.runs.references import train_references
from core.runs.requests import open_request
from core.runs.verify import _identity
from core.types import CaseState, Task, Verdict
from core.utils.hashing import sha256_of_file
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace
from core.workspace.run_layout import WEIGHTS
from tests.review.conftest import enter_run, enter_verification

VOLATILE = ("store.sqlite", "review.sqlite", "review.lock", "work.lock", "ledger.jsonl")


class Killed(BaseException):
    """Simulates SIGKILL: no error handler catches it."""


def contents(root):
    """Map each file, except append-only ones, to its digest, its permissions and its folder's permissions."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(VOLATILE)]
    return {
        str(path.relative_to(root)): (sha256_of_file(path), path.stat().st_mode, path.parent.stat().st_mode)
        for path in files
    }


def forgotten_data(desk):
    request = desk.workspace.request(desk.request)
    rows = desk.workspace.interactions.covered(request)
    return forgotten_data_of(request, rows, desk.workspace.items), request, rows


def settle(desk):
    return execution.execute_decisions(Workspace(desk.workspace.root))


def assert_executed(desk, forgotten, candidate):
    workspace = Workspace(desk.workspace.root)
    assert Cases(workspace).of(desk.request).state is CaseState.CLOSED
    assert not find_leaks(workspace.root, forgotten).problems
    assert (
        sha256_of_file(workspace.root / workspace.settings.adapter / WEIGHTS)
        == candidate
        == workspace.closed()[0].adapter
    )
    assert workspace.closed()[0].test_auc_fall is not None  # read from what is sealed, however often it was killed
    assert not (workspace.root / "adapter").exists() and not list((workspace.root / "runs").glob("run-*"))
    assert not list((workspace.root / "sealed").iterdir())
    assert verify(workspace.layout.ledger, read_public(workspace.layout.ledger_key)).flaws == ()
    kinds = [one.kind for one in entries(workspace.layout.ledger, read_public(workspace.layout.ledger_key))]
    assert [kinds.count(one) for one in ("submission", "decision", "destruction")] == [1, 2, 1]
    assert desk.invoke("verify-destruction").exit_code == 0
    assert [one for one in check_workspace(workspace) if not one.ok] == []


@pytest.fixture
def approved(desk):
    """The approved case, a matcher of forgotten data, the candidate's digest, and all files."""
    forgotten, _, _ = forgotten_data(desk)
    candidate = sha256_of_file(desk.workspace.root / "runs" / desk.run / "adapter" / WEIGHTS)
    desk.submit()
    user = desk.workspace.request(desk.request).users[0]
    comment(desk.workspace, desk.request, "petra", f"Is {user} a child?")
    desk.decide("petra", reason="They asked twice.")
    desk.decide("owen")
    return desk, forgotten, candidate, contents(desk.workspace.root)


def test_approved_request_is_executed(approved):
    desk, forgotten, candidate, _ = approved
    assert find_leaks(desk.workspace.root, forgotten).shows  # the scan finds the traces that are present
    assert settle(desk).state is CaseState.CLOSED
    assert_executed(desk, forgotten, candidate)
    with pytest.raises(ModelError):  # the old adapter is gone
        load(
            str(desk.workspace.root / "base"), str(desk.workspace.root / "adapter"), Task.CLICK, (" Yes", " No"), "cpu"
        )
    assert settle(desk) is None


def test_execution_keeps_data_of_other_users(approved):
    desk, _, _, _ = approved
    before, request = desk.workspace, desk.workspace.request(desk.request)
    assert before.user_split.training_users
    rows = list(before.interactions)
    kept = [one for one in rows if one.user not in request.users]
    settle(desk)
    after = Workspace(before.root)
    assert list(after.interactions) == kept and len(kept) < len(rows)
    assert set(before.user_split.training_users) - set(after.user_split.training_users) == set(request.users)
    assert (after.user_split.base_users, after.user_split.held_out_users) == (
        before.user_split.base_users,
        before.user_split.held_out_users,
    )
    assert after.requests() == () and after.items == before.items


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(len(execution.STEPS)))
def test_execution_continues_after_crash_at_any_step(approved, monkeypatch, number, when):
    desk, forgotten, candidate, _ = approved
    steps = list(execution.STEPS)

    def kill(one, step=steps[number]):
        if when == "after":
            step(one)
        raise Killed

    monkeypatch.setattr(execution, "STEPS", (*steps[:number], kill, *steps[number + 1 :]))
    with pytest.raises(Killed):
        settle(desk)
    monkeypatch.setattr(execution, "STEPS", tuple(steps))
    assert settle(desk).state is CaseState.CLOSED
    assert_executed(desk, forgotten, candidate)


def crash_at_operation(monkeypatch, at):
    """Kill the process at the `at`-th write, move or removal of files; return the counter of these operations."""
    count = [0]

    def wrap(owner, name):
        real = getattr(owner, name)

        def counted(*args, **options):
            count[0] += 1
            if count[0] == at:
                raise Killed
            return real(*args, **options)

        monkeypatch.setattr(owner, name, counted)

    for name in ("write_json", "write_interactions", "write_bytes", "move", "remove_folder", "remove_file"):
        wrap(execution, name)
    for name in ("record_step", "close"):
        wrap(Cases, name)
    return count


def test_execution_continues_after_crash_at_any_file_operation(approved, monkeypatch, tmp_path):
    desk, forgotten, candidate, _ = approved
    root, keys = desk.workspace.root, tmp_path / "keys"
    shutil.copytree(root, tmp_path / "spare")
    shutil.copytree(keys, tmp_path / "spare-keys")
    at, last = 0, False
    while not last:
        at += 1
        with monkeypatch.context() as patch:
            count = crash_at_operation(patch, at)
            try:
                settle(desk)
                last = True
            except Killed:
                pass
        settle(desk)
        assert_executed(desk, forgotten, candidate)
        for folder, spare in ((root, "spare"), (keys, "spare-keys")):
            shutil.rmtree(folder)
            shutil.copytree(tmp_path / spare, folder)
    assert count[0] == at - 1 > 12


def fail_step(one):
    raise ReviewError("It cannot be done.")


@pytest.mark.parametrize("number", range(execution.STEPS.index(execution.sign_destruction) + 1))
def test_failed_step_is_rolled_back_completely(approved, monkeypatch, number):
    desk, _, _, before = approved
    steps = list(execution.STEPS)
    monkeypatch.setattr(execution, "STEPS", (*steps[:number], fail_step, *steps[number + 1 :]))
    with pytest.raises(ReviewError, match="nothing was destroyed: It cannot be done"):
        settle(desk)
    assert contents(desk.workspace.root) == before
    assert (desk.case.state, desk.case.message, desk.case.decisions) == (CaseState.PENDING, "It cannot be done.", ())
    assert [one.text for one in desk.case.comments]  # the comments are kept


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("name", ["check", "sign_destruction"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_execution_recovers_from_crash_during_rollback(approved, monkeypatch, name, when, again):
    """A step that failed once may succeed later: then execution starts from its first step."""
    desk, forgotten, candidate, before = approved
    real, number = execution.roll_back, next(at for at, step in enumerate(execution.STEPS) if step.__name__ == name)

    def kill_in_rollback(one):
        if when == "after":
            real(one)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:number], fail_step, *execution.STEPS[number + 1 :]))
        with patch.context() as inner:
            inner.setattr(execution, "roll_back", kill_in_rollback)
            with pytest.raises(Killed):
                settle(desk)
        if again:
            with pytest.raises(ReviewError, match="nothing was destroyed"):
                settle(desk)
    if again:
        assert contents(desk.workspace.root) == before and desk.case.state is CaseState.PENDING
    else:
        settle(desk)
        assert_executed(desk, forgotten, candidate)


def test_crash_after_rollback_leaves_no_sealed_copy(approved, monkeypatch):
    desk, _, _, before = approved
    with monkeypatch.context() as patch:

        def fail_and_die(one):
            patch.setattr(Vault, "destroy", lambda self: (_ for _ in ()).throw(Killed))
            fail_step(one)

        patch.setattr(execution, "STEPS", (execution.seal, fail_and_die, *execution.STEPS[2:]))
        with pytest.raises(Killed):
            settle(desk)
    assert desk.case.state is CaseState.PENDING and list((desk.workspace.root / "sealed").iterdir())
    assert settle(desk) is None and contents(desk.workspace.root) == before


def test_unexpected_error_is_rolled_back(approved, monkeypatch):
    desk, _, _, before = approved
    monkeypatch.setattr(execution, "STEPS", (*execution.STEPS[:3], lambda one: {}[1], *execution.STEPS[4:]))
    with pytest.raises(ReviewError, match="nothing was destroyed"):
        settle(desk)
    assert contents(desk.workspace.root) == before and desk.case.state is CaseState.PENDING


def test_execution_continues_after_cut_off_ledger_entry(approved, monkeypatch):
    """The process is killed while it signs the destruction: the cut-off line is not an entry."""
    desk, forgotten, candidate, _ = approved

    def write_half_entry(*_):
        with desk.workspace.layout.ledger.open("ab") as file:
            file.write(b'{"payload":"abc')
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(execution.ledger_entries, "enter_destruction", write_half_entry)
        with pytest.raises(Killed):
            settle(desk)
    wrong = {one.name: one for one in examine(desk.workspace.root) if not one.ok}
    assert "cut off" in wrong["ledger"].detail and "review settle" in wrong[f"request {desk.request}"].fix
    settle(desk)
    assert all(one.ok for one in examine(desk.workspace.root))
    assert_executed(desk, forgotten, candidate)


@pytest.mark.parametrize("kind", ["absolute", "beside", "named", "link"])
def test_adapter_outside_the_workspace_blocks_execution(desk, tmp_path, kind):
    root, elsewhere = desk.workspace.root, tmp_path / "elsewhere"
    target = root / "lora" if kind == "named" else elsewhere
    shutil.move(root / "adapter", target)
    name = {"absolute": str(elsewhere), "beside": "../elsewhere", "named": "lora", "link": "adapter"}[kind]
    if kind == "link":
        (root / "adapter").symlink_to(elsewhere)
    write_json(root / "workspace.json", replace(desk.workspace.settings, adapter=name))
    desk.workspace = Workspace(root)
    desk.approve()
    with pytest.raises(ReviewError, match="other folders cannot be destroyed"):
        settle(desk)
    assert (target / WEIGHTS).is_file() and desk.case.state is CaseState.PENDING


def test_failed_removal_is_rolled_back(approved, monkeypatch):
    desk, _, _, before = approved
    real = execution.remove_folder
    monkeypatch.setattr(execution, "remove_folder", lambda path: path.name == "references" or real(path))
    with pytest.raises(ReviewError, match="references could not be removed"):
        settle(desk)
    assert contents(desk.workspace.root) == before


def test_use_and_removal_of_models_exclude_each_other(approved, monkeypatch):
    """A reference in training would restore data that is destroyed at the same time."""
    desk, forgotten, candidate, _ = approved
    workspace = desk.workspace
    other = open_request(workspace, users=(workspace.request(desk.request).users[0],), opened_by="rita")
    refusals = []

    def watch(number, step):
        if not refusals:
            with pytest.raises(WorkspaceError, match="using this workspace's models") as refusal:
                settle(desk)
            refusals.append(refusal)
        return True

    train_references(workspace, other.id, 1, "cpu", watch)
    assert refusals and desk.case.state is CaseState.APPROVED and desk.case.decisions  # the case waits

    def start_other_work(one):
        for work in (lambda: train_references(workspace, other.id, 1, "cpu", watch), lambda: verify_again(desk)):
            with pytest.raises(WorkspaceError, match="being carried out"):
                work()

    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (execution.STEPS[0], start_other_work, *execution.STEPS[1:]))
        settle(desk)
    assert_executed(desk, forgotten, candidate)


def verify_again(desk):
    from core.runs.verify import verify_run as examine

    examine(RunHandle(desk.workspace.root / "runs" / desk.run), "cpu")


def test_pending_case_is_void_after_removal_of_its_run(desk):
    workspace, members = desk.workspace, desk.workspace.user_split.training_users
    remaining_user = next(user for user in members if user not in workspace.request(desk.request).users)
    other = open_request(workspace, users=(remaining_user,), opened_by="rita")
    run = copy_run(desk, "run-other", other.id)
    submit(workspace, run.id, "olaf")
    comment(workspace, other.id, "petra", f"Is {remaining_user} a child?")
    desk.approve()
    settle(desk)
    case = Cases(workspace).of(other.id)
    assert (case.state, case.comments) == (CaseState.VOID, ())
    Cases(workspace).submit(other.id, "run-new", "olaf", "digest")  # a new run may be submitted


def copy_run(desk, name, request):
    """Copy the run under another name, with its entries in the ledger."""
    source = open_run(desk.workspace, desk.run)
    run = RunHandle(shutil.copytree(source.path, source.path.with_name(name)))
    run.write_spec(replace(source.spec, id=name, request=request))
    run.store.add(name, name, externally_queued=False)
    with run.store.changing() as database:
        database.execute("UPDATE runs SET state = 'done' WHERE id = ?", (name,))
    run.write_verification(replace(source.verification, run=name))
    enter_run(run, source.id)
    enter_verification(run, run.verification)
    return run


def test_decisions_are_in_the_ledger_when_they_are_made(desk):
    kinds = lambda: [one.kind for one in open_ledger(desk.workspace).statements()]  # noqa: E731
    desk.submit()
    assert kinds()[-1] == "submission"
    for number, person in enumerate(("petra", "owen"), 1):
        desk.decide(person)
        assert kinds()[-number:] == ["decision"] * number
    settle(desk)
    assert kinds()[-3:] == ["decision", "decision", "destruction"]


def test_copy_of_the_workspace_destroys_only_its_own_key(approved, monkeypatch, tmp_path):
    desk, forgotten, candidate, _ = approved
    copy = shutil.copytree(desk.workspace.root, tmp_path / "copy")
    Cases(Workspace(copy)).change(desk.case.number, lambda case: replace(case, state=CaseState.PENDING))
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:3], kill, *execution.STEPS[4:]))
        with pytest.raises(Killed):
            settle(desk)
    execution.execute_decisions(Workspace(copy))
    settle(desk)
    assert_executed(desk, forgotten, candidate)


def test_planted_adapter_config_is_not_served(approved):
    desk, _, _, _ = approved
    root = desk.workspace.root
    planted = shutil.copytree(root / "runs" / desk.run / "adapter", root / f"adapter-{desk.run}")
    config = json.loads((planted / "adapter_config.json").read_text())
    (planted / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 0}))
    settle(desk)
    assert json.loads((planted / "adapter_config.json").read_text()) == config


def test_full_disk_is_rolled_back(approved, monkeypatch):
    desk, _, _, before = approved
    for name in ("seal", "publish"):
        with monkeypatch.context() as patch:
            raise_disk_full = lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))  # noqa: E731
            if name == "seal":
                patch.setattr(vaults, "_index", raise_disk_full)
            else:
                patch.setattr(execution, "write_json", raise_disk_full)
            with pytest.raises(ReviewError, match="nothing was destroyed"):
                settle(desk)
        assert contents(desk.workspace.root) == before
        desk.decide("petra")
        desk.decide("owen")


def test_file_with_forgotten_user_blocks_execution(approved):
    desk, _, _, _ = approved
    user = desk.workspace.request(desk.request).users[0]
    note = desk.workspace.root / "notes.csv"
    note.write_text(f"name,why\n{user},moved\n")
    with pytest.raises(ReviewError, match=r"still in notes\.csv"):
        settle(desk)
    assert desk.case.state is CaseState.PENDING
    note.unlink()
    assert "notes.csv" in desk.case.message
    desk.decide("petra")
    assert desk.case.message == ""
    desk.decide("owen")
    settle(desk)
    assert Workspace(desk.workspace.root).closed()
    with pytest.raises(ReviewError, match="takes no more comments"):
        comment(desk.workspace, desk.request, "petra", f"{user} is gone")


def test_replaced_candidate_is_not_served(approved, monkeypatch):
    desk, _, _, before = approved
    real = execution.publish

    def publish_original(one):
        real(one)
        (one.root / one.adapter / WEIGHTS).write_bytes((one.root / "adapter" / WEIGHTS).read_bytes())

    monkeypatch.setattr(execution, "STEPS", (execution.seal, publish_original, *execution.STEPS[2:]))
    with pytest.raises(ReviewError, match="not the one that was approved"):
        settle(desk)
    assert contents(desk.workspace.root) == before


@pytest.mark.parametrize("name", ["adapter/adapter_model.safetensors", "verification.json"])
def test_change_after_approval_blocks_execution(approved, name):
    desk, _, _, _ = approved
    path = desk.workspace.root / "runs" / desk.run / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ReviewError, match="changed since it was approved"):
        settle(desk)
    assert desk.case.state is CaseState.PENDING and desk.workspace.request(desk.request)


def test_run_with_unchanged_adapter_is_not_reviewed(desk):
    """A method that stops at step zero saves the original adapter, so nothing would be destroyed."""
    run, old = RunHandle(desk.workspace.root / "runs" / desk.run), desk.workspace.root / "adapter"
    shutil.copyfile(old / WEIGHTS, run.path / "adapter" / WEIGHTS)
    run.add_event({"kind": "adapter", "sha256": sha256_of_file(old / WEIGHTS)})
    with pytest.raises(ReviewError, match="not the one that it made"):  # the ledger is trusted more than the events
        desk.submit()
    desk.workspace.layout.ledger.unlink()
    desk.workspace.layout.ledger_key.unlink()
    with pytest.raises(ReviewError, match="left the adapter unchanged, so nothing would be forgotten"):
        check_ready(run, open_ledger(desk.workspace))
    identity = _identity(run, open_ledger(desk.workspace))
    assert identity.verdict is Verdict.FAIL and identity.reason == "unchanged"


def test_execution_continues_after_error_behind_signed_entry(approved, monkeypatch):
    """An error after the signature: execution continues, because a signed entry cannot be withdrawn."""
    desk, forgotten, candidate, _ = approved
    real = execution.ledger_entries.enter_destruction

    def enter_and_fail(*arguments):
        real(*arguments)
        raise WorkspaceError("The disk is broken.")

    with monkeypatch.context() as patch:
        patch.setattr(execution.ledger_entries, "enter_destruction", enter_and_fail)
        with pytest.raises(WorkspaceError, match="disk is broken"):
            settle(desk)
    assert settle(desk).state is CaseState.CLOSED
    assert_executed(desk, forgotten, candidate)


def test_decision_during_execution_of_another_case_is_refused(desk, monkeypatch):
    """While another request is executed, the run under decision may already be removed."""
    workspace, members = desk.workspace, desk.workspace.user_split.training_users
    remaining_user = next(user for user in members if user not in workspace.request(desk.request).users)
    other = open_request(workspace, users=(remaining_user,), opened_by="rita")
    case = submit(workspace, copy_run(desk, "run-other", other.id).id, "olaf")
    desk.approve()
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:2], kill, *execution.STEPS[3:]))
        with pytest.raises(Killed):
            settle(desk)
    with pytest.raises(ReviewError, match="is being carried out: decide when that is done"):
        decide(workspace, other.id, "petra", True, case.evidence, "Why not?")
    assert settle(desk).state is CaseState.CLOSED and settle(desk) is None


def test_queued_run_blocks_execution(approved):
    from core.runs.submit import create_run

    desk, _, _, _ = approved
    create_run(desk.workspace, desk.request, "finetune", "cpu")
    with pytest.raises(ReviewError, match="is queued and uses the adapter .* or cancel it with `python -m core cancel"):
        settle(desk)


def test_rejection_destroys_only_the_candidate(desk):
    desk.submit()
    before = contents(desk.workspace.root)
    desk.decide("petra", approve=False)
    assert settle(desk) is None
    removed = {f"runs/{desk.run}/adapter/{name}" for name in ("adapter_config.json", WEIGHTS)}
    assert contents(desk.workspace.root) == {name: value for name, value in before.items() if name not in removed}
    ledger = entries(desk.workspace.layout.ledger, read_public(desk.workspace.layout.ledger_key))
    assert ledger[-1].content["decision"]["approve"] is False
    assert [one for one in check_workspace(Workspace(desk.workspace.root)) if not one.ok] == []


def test_earlier_rejected_case_keeps_files_of_a_later_case(desk, monkeypatch):
    """The cleanup of a rejected case must keep the files that a later case has sealed."""
    forgotten, _, _ = forgotten_data(desk)
    other = copy_run(desk, "run-other", desk.request).path
    desk.submit()
    desk.decide("petra", approve=False)
    settle(desk)
    with pytest.raises(ReviewError, match="was rejected and destroyed"):
        desk.submit()
    desk.run = "run-other"
    candidate = sha256_of_file(other / "adapter" / WEIGHTS)
    desk.approve()
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:3], kill, *execution.STEPS[4:]))
        with pytest.raises(Killed):
            settle(desk)
    settle(desk)
    workspace = Workspace(desk.workspace.root)
    assert workspace.closed()[0].adapter == candidate and not find_leaks(workspace.root, forgotten).problems


def kill(one):
    raise Killed


def test_forgotten_users_are_removed_from_other_requests(desk):
    workspace, members = desk.workspace, desk.workspace.user_split.training_users
    removed = workspace.request(desk.request).users
    remaining_user = next(user for user in members if user not in removed)
    partly_covered = open_request(workspace, users=(removed[0], remaining_user), opened_by="rita")
    empty_request = open_request(workspace, users=removed[:1], opened_by="rita")
    desk.approve()
    settle(desk)
    after = Workspace(workspace.root)
    assert [one.id for one in after.requests()] == [partly_covered.id] and after.request(partly_covered.id).users == (
        remaining_user,
    )
    assert not (workspace.root / "requests" / f"{empty_request.id}.json").exists()


def test_destruction_entry_lists_removals_and_no_forgotten_user(approved):
    desk, _, _, _ = approved
    users = desk.workspace.request(desk.request).users
    settle(desk)
    workspace = Workspace(desk.workspace.root)
    entry = entries(workspace.layout.ledger, read_public(workspace.layout.ledger_key))[-1]
    assert entry.kind == "destruction" and len(entry.content["people"]) == len(users)
    assert "backups and snapshots of the disk" in entry.content["not_reached"] and entry.content["four_eyes"] is True
    assert not any(user in json.dumps(entry.content) for user in users)


def test_audit_finds_reappearing_user_by_pseudonym(approved):
    desk, _, _, _ = approved
    user, rows = desk.workspace.request(desk.request).users[0], forgotten_data(desk)[2]
    settle(desk)
    (desk.workspace.root / "runs/leftover.json").write_text(json.dumps({"lists": [{"user": user}]}))
    result = desk.invoke("verify-destruction")
    assert result.exit_code == 1 and "runs/leftover.json still shows something" in " ".join(result.output.split())
    (desk.workspace.root / "runs/leftover.json").write_text(json.dumps([rows[0].user, rows[0].item]))
    assert desk.invoke("verify-destruction", "-r", desk.request).exit_code == 1


def test_copy_of_old_weights_is_found_under_any_name(approved):
    desk, _, _, _ = approved
    old, copy = desk.workspace.root / "adapter" / WEIGHTS, desk.workspace.root / "data/old.bin"
    shutil.copy(old, copy)
    with pytest.raises(ReviewError, match=r"copy of the weights to destroy was found in data/old\.bin"):
        settle(desk)
    kept = copy.rename(desk.workspace.root.parent / "kept")
    desk.decide("petra")
    desk.decide("owen")
    settle(desk)
    shutil.move(kept, copy)
    result = desk.invoke("verify-destruction")
    assert result.exit_code == 1 and "data/old.bin still shows something" in " ".join(result.output.split())


def test_audit_reports_changed_served_weights(approved):
    desk, _, _, _ = approved
    settle(desk)
    workspace = Workspace(desk.workspace.root)
    weights = workspace.root / workspace.settings.adapter / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    result = desk.invoke("verify-destruction")
    assert result.exit_code == 1 and "not the one that was approved last" in " ".join(result.output.split())
    assert "served adapter" in [one.name for one in examine(workspace.root) if not one.ok]


def test_case_record_needs_only_the_ledger(approved, tmp_path):
    desk, forgotten, candidate, _ = approved
    settle(desk)
    for folder in ("runs", "data", "closed"):
        shutil.rmtree(desk.workspace.root / folder)
    assert desk.invoke("ledger", "record", "-r", desk.request, "--out", str(tmp_path / "record.html")).exit_code == 0
    page = (tmp_path / "record.html").read_text()
    for text in (
        "and the adapter that had learned from it were destroyed",
        "a PASS needs five",
        "They asked twice.",
        "petra",
        "owen",
        "rita",
        candidate[:16],
        "V12",
    ):
        assert text in page
    assert not forgotten.shows(page) and "://" not in page and "<script" not in page
    with pytest.raises(LedgerError, match="has no entry on request"):
        raise desk.invoke("ledger", "record", "-r", "req-none", "--out", str(tmp_path / "none.html")).exception


def test_dangling_link_does_not_block_execution(approved):
    desk, _, _, _ = approved
    (desk.workspace.root / ".#notes").symlink_to("nowhere")
    assert settle(desk).state is CaseState.CLOSED


def test_audit_reports_changed_served_adapter_config(approved):
    desk, _, _, _ = approved
    settle(desk)
    workspace = Workspace(desk.workspace.root)
    config = workspace.root / workspace.settings.adapter / "adapter_config.json"
    write_json(config, json.loads(config.read_text()) | {"lora_alpha": 1})
    assert "not the one that was approved last" in " ".join(desk.invoke("verify-destruction").output.split())


def test_run_that_is_older_than_the_ledger_is_not_signed_from_its_files(desk):
    (desk.workspace.root / "ledger.pub").unlink()
    (desk.workspace.root / "ledger.jsonl").unlink()
    assert desk.invoke("ledger", "init").exit_code == 0
    with pytest.raises(ReviewError, match="was not signed by its worker: it is older than the ledger, or its files"):
        desk.submit()
    assert [one.kind for one in open_ledger(desk.workspace).statements()] == ["ledger", "request"]


def test_case_record_describes_only_the_executed_run(approved):
    desk, _, _, _ = approved
    settle(desk)
    workspace = Workspace(desk.workspace.root)
    found = to_json(entries(workspace.layout.ledger, read_public(workspace.layout.ledger_key)))
    other = json.loads(json.dumps(next(one for one in found if one["kind"] == "verification")))
    other["content"] |= {"run": "run-other", "verdict": "pass"}
    page = render_case_record(desk.request, [*entries_of_request(found, desk.request), other])
    assert f"Of run {desk.run}." in page and "run-other" not in page.split("How to check")[0]


def test_case_record_of_rejected_run_says_not_in_service(desk, tmp_path):
    desk.submit()
    desk.decide("petra", approve=False, reason="<b>Look</b> again.")
    settle(desk)
    desk.invoke("ledger", "record", "-r", desk.request, "--out", str(tmp_path / "record.html"))
    page = (tmp_path / "record.html").read_text()
    assert "did not go into service" in page and "&lt;b&gt;Look&lt;/b&gt; again." in page


def test_execution_removes_single_interactions_and_keeps_user(desk):
    workspace = desk.workspace
    user = next(
        user for user in workspace.user_split.training_users if user not in workspace.request(desk.request).users
    )
    before = list(workspace.interactions)
    rows = [one for one in before if one.user == user][:3]
    request = open_request(workspace, interactions=[(one.user, one.item) for one in rows], opened_by="rita")
    found = forgotten_data_of(request, rows, workspace.items)
    assert "data/interactions.parquet" in find_leaks(workspace.root, found).shows
    desk.run, desk.request = copy_run(desk, "run-rows", request.id).id, request.id
    desk.approve()
    assert settle(desk).state is CaseState.CLOSED
    after = Workspace(workspace.root)
    assert list(after.interactions) == [one for one in before if one not in rows]
    assert user in after.user_split.training_users and not find_leaks(workspace.root, found).problems
    assert desk.invoke("verify-destruction").exit_code == 0


def test_review_commands_submit_decide_and_settle(desk):
    result = desk.invoke("review", "submit", "--run", desk.run, "--as", "olaf", "--json")
    evidence = json.loads(result.stdout)["evidence"]
    options = ("review", "decide", "-r", desk.request, "--approve", "--evidence", evidence, "--reason", "It will do.")
    assert "pending" in desk.invoke(*options, "--as", "petra").stdout
    assert "closed" in desk.invoke(*options, "--as", "owen").stdout
    assert "no interrupted work" in desk.invoke("review", "settle").stdout
    assert isinstance(desk.invoke("review", "show", "-r", "nobody").exception, ReviewError | WorkspaceError)
