"""Carrying out: whatever breaks off, a case ends carried out or pending, and nothing forgotten is left of the first."""

import errno
import json
import shutil
from dataclasses import replace

import pytest

from core.cli.diagnostics import examine
from core.errors import ModelError, RecordError, ReviewError, WorkspaceError
from core.ledger.chain import entries, verify
from core.ledger.keys import read_public
from core.models.recommender import load
from core.report.case_record import about, record
from core.review import execution
from core.review import vault as vaults
from core.review.cases import Cases
from core.review.decisions import comment, decide, submit
from core.review.evidence_digest import check_ready
from core.review.leak_scan import known, rows_of, traces
from core.review.vault import Vault
from core.runs.handle import RunHandle
from core.runs.ledger import open_ledger
from core.runs.references import train_references
from core.runs.verify import _identity
from core.types import CaseState, Task, Verdict
from core.utils.hashing import sha256_of_file
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace
from core.workspace.run_layout import WEIGHTS

VOLATILE = ("store.sqlite", "review.sqlite", "review.lock", "work.lock", "ledger.jsonl")


class Killed(BaseException):
    """As SIGKILL: nothing that the code does about errors helps."""


def contents(root):
    """Every file by name but those that only ever grow, with its permissions and its folder's."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(VOLATILE)]
    return {
        str(path.relative_to(root)): (sha256_of_file(path), path.stat().st_mode, path.parent.stat().st_mode)
        for path in files
    }


def titles_and_people(desk):
    request = desk.workspace.request(desk.request)
    rows = rows_of(desk.workspace.interactions, request)
    return known(request, rows, desk.workspace.items), request, rows


def settled(desk):
    return execution.settle(Workspace(desk.workspace.root))


def assert_carried_out(desk, forgotten, candidate):
    place = Workspace(desk.workspace.root)
    assert Cases(place).of(desk.request).state is CaseState.CLOSED
    assert traces(place.root, forgotten) == []
    assert sha256_of_file(place.root / place.settings.adapter / WEIGHTS) == candidate == place.closed()[0].adapter
    assert not (place.root / "adapter").exists() and not list((place.root / "runs").glob("run-*"))
    assert not list((place.root / "sealed").iterdir())
    assert verify(place.layout.ledger, read_public(place.layout.ledger_key)).flaws == ()
    kinds = [one.kind for one in entries(place.layout.ledger, read_public(place.layout.ledger_key))]
    assert [kinds.count(one) for one in ("submission", "decision", "destruction")] == [1, 2, 1]
    assert desk.invoke("verify-destruction").exit_code == 0


@pytest.fixture
def approved(desk):
    """And what there was before: how to tell the forgotten, the candidate's digest, every file."""
    forgotten, _, _ = titles_and_people(desk)
    candidate = sha256_of_file(desk.workspace.root / "runs" / desk.run / "adapter" / WEIGHTS)
    desk.submit()
    person = desk.workspace.request(desk.request).users[0]
    comment(desk.workspace, desk.request, "petra", f"Is {person} a child?")
    desk.decide("petra", reason="They asked twice.")
    desk.decide("owen")
    return desk, forgotten, candidate, contents(desk.workspace.root)


def test_an_approved_request_is_carried_out(approved):
    desk, forgotten, candidate, _ = approved
    assert traces(desk.workspace.root, forgotten)  # the checker sees them as long as they are there
    assert settled(desk).state is CaseState.CLOSED
    assert_carried_out(desk, forgotten, candidate)
    with pytest.raises(ModelError):  # the old adapter
        load(
            str(desk.workspace.root / "base"), str(desk.workspace.root / "adapter"), Task.CLICK, (" Yes", " No"), "cpu"
        )
    assert settled(desk) is None


def test_the_data_keeps_everybody_else(approved):
    desk, _, _, _ = approved
    before, request = desk.workspace, desk.workspace.request(desk.request)
    assert before.user_split.members
    kept = [one for one in before.interactions if one.user not in request.users]
    settled(desk)
    after = Workspace(before.root)
    assert list(after.interactions) == kept and len(kept) < len(before.interactions)
    assert set(before.user_split.members) - set(after.user_split.members) == set(request.users)
    assert (after.user_split.crowd, after.user_split.holdout) == (before.user_split.crowd, before.user_split.holdout)
    assert after.requests() == () and after.items == before.items


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(len(execution.STEPS)))
def test_a_crash_at_any_step_is_gone_on_with(approved, monkeypatch, number, when):
    desk, forgotten, candidate, _ = approved
    steps = list(execution.STEPS)

    def crash(one, step=steps[number]):
        if when == "after":
            step(one)
        raise Killed

    monkeypatch.setattr(execution, "STEPS", (*steps[:number], crash, *steps[number + 1 :]))
    with pytest.raises(Killed):
        settled(desk)
    monkeypatch.setattr(execution, "STEPS", tuple(steps))
    assert settled(desk).state is CaseState.CLOSED
    assert_carried_out(desk, forgotten, candidate)


def crashing(monkeypatch, at):
    """The `at`-th write, move or removal of files is the last thing that happens; how many there were."""
    count = [0]

    def wrap(owner, name):
        real = getattr(owner, name)

        def counted(*args, **options):
            count[0] += 1
            if count[0] == at:
                raise Killed
            return real(*args, **options)

        monkeypatch.setattr(owner, name, counted)

    for name in ("write_json", "write_json_lines"):
        wrap(execution, name)
    for owner, name in ((execution, "write_bytes"), (shutil, "rmtree"), (Cases, "step"), (Cases, "close")):
        wrap(owner, name)
    return count


def test_a_crash_between_any_two_changes_of_files_is_gone_on_with(approved, monkeypatch, tmp_path):
    desk, forgotten, candidate, _ = approved
    root, keys = desk.workspace.root, tmp_path / "keys"
    shutil.copytree(root, tmp_path / "spare")
    shutil.copytree(keys, tmp_path / "spare-keys")
    at, last = 0, False
    while not last:
        at += 1
        with monkeypatch.context() as patch:
            count = crashing(patch, at)
            try:
                settled(desk)
                last = True
            except Killed:
                pass
        settled(desk)
        assert_carried_out(desk, forgotten, candidate)
        for folder, spare in ((root, "spare"), (keys, "spare-keys")):
            shutil.rmtree(folder)
            shutil.copytree(tmp_path / spare, folder)
    assert count[0] == at - 1 > 12


def refuse(one):
    raise ReviewError("It cannot be done.")


@pytest.mark.parametrize("number", range(execution.STEPS.index(execution.enter) + 1))
def test_what_cannot_be_done_leaves_everything_as_it_was(approved, monkeypatch, number):
    desk, _, _, before = approved
    steps = list(execution.STEPS)
    monkeypatch.setattr(execution, "STEPS", (*steps[:number], refuse, *steps[number + 1 :]))
    with pytest.raises(ReviewError, match="nothing was destroyed: It cannot be done"):
        settled(desk)
    assert contents(desk.workspace.root) == before
    assert (desk.case.state, desk.case.message, desk.case.decisions) == (CaseState.PENDING, "It cannot be done.", ())
    assert [one.text for one in desk.case.comments]  # nothing is lost


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("name", ["check", "enter"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_while_everything_is_put_back_is_no_half_state(approved, monkeypatch, name, when, again):
    """What could not be done may be possible at the next turn: then it is carried out, from its first step."""
    desk, forgotten, candidate, before = approved
    real, number = execution.roll_back, next(at for at, step in enumerate(execution.STEPS) if step.__name__ == name)

    def killed(one):
        if when == "after":
            real(one)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:number], refuse, *execution.STEPS[number + 1 :]))
        with patch.context() as inner:
            inner.setattr(execution, "roll_back", killed)
            with pytest.raises(Killed):
                settled(desk)
        if again:
            with pytest.raises(ReviewError, match="nothing was destroyed"):
                settled(desk)
    if again:
        assert contents(desk.workspace.root) == before and desk.case.state is CaseState.PENDING
    else:
        settled(desk)
        assert_carried_out(desk, forgotten, candidate)


def test_a_crash_after_everything_was_put_back_leaves_no_sealed_copy(approved, monkeypatch):
    desk, _, _, before = approved
    with monkeypatch.context() as patch:

        def fatal(one):
            patch.setattr(Vault, "destroy", lambda self: (_ for _ in ()).throw(Killed))
            refuse(one)

        patch.setattr(execution, "STEPS", (execution.seal, fatal, *execution.STEPS[2:]))
        with pytest.raises(Killed):
            settled(desk)
    assert desk.case.state is CaseState.PENDING and list((desk.workspace.root / "sealed").iterdir())
    assert settled(desk) is None and contents(desk.workspace.root) == before


def test_an_error_that_nobody_thought_of_leaves_no_half_state(approved, monkeypatch):
    desk, _, _, before = approved
    monkeypatch.setattr(execution, "STEPS", (*execution.STEPS[:3], lambda one: {}[1], *execution.STEPS[4:]))
    with pytest.raises(ReviewError, match="nothing was destroyed"):
        settled(desk)
    assert contents(desk.workspace.root) == before and desk.case.state is CaseState.PENDING


def test_a_half_written_entry_of_the_ledger_stops_nothing(approved, monkeypatch):
    """Killed while it signs the destruction: the line that was cut off never was an entry."""
    desk, forgotten, candidate, _ = approved

    def torn(*_):
        with desk.workspace.layout.ledger.open("ab") as file:
            file.write(b'{"payload":"abc')
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(execution.ledger_entries, "enter_destruction", torn)
        with pytest.raises(Killed):
            settled(desk)
    wrong = {one.name: one for one in examine(desk.workspace) if not one.ok}
    assert "cut off" in wrong["ledger"].said and "review settle" in wrong[f"request {desk.request}"].mend
    settled(desk)
    assert all(one.ok for one in examine(Workspace(desk.workspace.root)))
    assert_carried_out(desk, forgotten, candidate)


@pytest.mark.parametrize("kind", ["absolute", "beside", "named", "link"])
def test_an_adapter_that_cannot_be_destroyed_is_not_said_to_be(desk, tmp_path, kind):
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
        settled(desk)
    assert (target / WEIGHTS).is_file() and desk.case.state is CaseState.PENDING


def test_what_cannot_be_taken_away_is_not_said_to_be(approved, monkeypatch):
    desk, _, _, before = approved
    real = shutil.rmtree

    def stubborn(path, *arguments, **options):
        if path.name != "references":
            real(path, *arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", stubborn)
    with pytest.raises(ReviewError, match="references could not be removed"):
        settled(desk)
    assert contents(desk.workspace.root) == before


def test_work_on_the_models_and_taking_them_away_exclude_one_another(approved, monkeypatch):
    """A reference that is being trained would bring back what is destroyed meanwhile."""
    desk, forgotten, candidate, _ = approved
    place = desk.workspace
    other = place.open_request(users=(place.request(desk.request).users[0],), opened_by="rita")
    said = []

    def watch(number, step):
        if not said:
            with pytest.raises(WorkspaceError, match="using this workspace's models") as refused:
                settled(desk)
            said.append(refused)
        return True

    train_references(place, other.id, 1, "cpu", watch)
    assert said and desk.case.state is CaseState.APPROVED and desk.case.decisions  # it waits

    def meanwhile(one):
        for work in (lambda: train_references(place, other.id, 1, "cpu", watch), lambda: verified_anew(desk)):
            with pytest.raises(WorkspaceError, match="being carried out"):
                work()

    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (execution.STEPS[0], meanwhile, *execution.STEPS[1:]))
        settled(desk)
    assert_carried_out(desk, forgotten, candidate)


def verified_anew(desk):
    from core.runs.verify import verify as examine

    examine(RunHandle(desk.workspace.root / "runs" / desk.run), "cpu")


def test_another_case_that_waits_is_void_once_its_run_is_gone(desk):
    place, members = desk.workspace, desk.workspace.user_split.members
    stays = next(user for user in members if user not in place.request(desk.request).users)
    other = place.open_request(users=(stays,), opened_by="rita")
    run = another_run(desk, "run-other", other.id)
    submit(place, run.id, "olaf")
    comment(place, other.id, "petra", f"Is {stays} a child?")
    desk.approve()
    settled(desk)
    case = Cases(place).of(other.id)
    assert (case.state, case.comments) == (CaseState.VOID, ())
    Cases(place).submit(other.id, "run-new", "olaf", "digest")  # and may be submitted anew


def another_run(desk, name, request):
    """A copy of the run under another name."""
    folder = RunHandle(shutil.copytree(desk.workspace.root / "runs" / desk.run, desk.workspace.root / "runs" / name))
    folder.write_spec(replace(folder.spec, id=name, request=request))
    folder.store.add(name, name, externally_queued=False)
    with folder.store.changing() as database:
        database.execute("UPDATE runs SET state = 'done' WHERE id = ?", (name,))
    return folder


def test_what_is_decided_meanwhile_is_entered_before_it_is_carried_out(desk, monkeypatch):
    desk.submit()
    desk.decide("petra")
    real = execution.ledger_entries.enter_decisions

    def slowly(place, cases):
        real(place, cases)
        if desk.case.state is CaseState.PENDING:
            desk.decide("owen")

    with monkeypatch.context() as patch:
        patch.setattr(execution.ledger_entries, "enter_decisions", slowly)
        assert settled(desk) is None
    settled(desk)
    kinds = [one.kind for one in entries(desk.workspace.layout.ledger, read_public(desk.workspace.layout.ledger_key))]
    assert kinds[-3:] == ["decision", "decision", "destruction"]


def test_a_copy_of_the_workspace_destroys_no_key_but_its_own(approved, monkeypatch, tmp_path):
    desk, forgotten, candidate, _ = approved
    copy = shutil.copytree(desk.workspace.root, tmp_path / "copy")
    Cases(Workspace(copy)).change(desk.case.number, lambda case: replace(case, state=CaseState.PENDING))
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:3], crash, *execution.STEPS[4:]))
        with pytest.raises(Killed):
            settled(desk)
    execution.settle(Workspace(copy))
    settled(desk)
    assert_carried_out(desk, forgotten, candidate)


def test_a_config_that_somebody_put_there_is_not_served(approved):
    desk, _, _, _ = approved
    root = desk.workspace.root
    planted = shutil.copytree(root / "runs" / desk.run / "adapter", root / f"adapter-{desk.run}")
    config = json.loads((planted / "adapter_config.json").read_text())
    (planted / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 0}))
    settled(desk)
    assert json.loads((planted / "adapter_config.json").read_text()) == config


def test_a_full_disk_leaves_no_half_copy(approved, monkeypatch):
    desk, _, _, before = approved
    for name in ("seal", "publish"):
        with monkeypatch.context() as patch:
            full = lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full"))  # noqa: E731
            if name == "seal":
                patch.setattr(vaults, "_index", full)
            else:
                patch.setattr(execution, "write_json", full)
            with pytest.raises(ReviewError, match="nothing was destroyed"):
                settled(desk)
        assert contents(desk.workspace.root) == before
        desk.decide("petra")
        desk.decide("owen")


def test_a_file_that_still_shows_somebody_stops_it(approved):
    desk, _, _, _ = approved
    person = desk.workspace.request(desk.request).users[0]
    note = desk.workspace.root / "notes.csv"
    note.write_text(f"name,why\n{person},moved\n")
    with pytest.raises(ReviewError, match=r"still in notes\.csv"):
        settled(desk)
    assert desk.case.state is CaseState.PENDING
    note.unlink()
    assert "notes.csv" in desk.case.message
    desk.decide("petra")
    assert desk.case.message == ""
    desk.decide("owen")
    settled(desk)
    assert Workspace(desk.workspace.root).closed()
    with pytest.raises(ReviewError, match="takes no more comments"):
        comment(desk.workspace, desk.request, "petra", f"{person} is gone")


def test_a_candidate_that_was_exchanged_on_the_way_is_not_served(approved, monkeypatch):
    desk, _, _, before = approved
    real = execution.publish

    def exchanged(one):
        real(one)
        (one.root / one.adapter / WEIGHTS).write_bytes((one.root / "adapter" / WEIGHTS).read_bytes())

    monkeypatch.setattr(execution, "STEPS", (execution.seal, exchanged, *execution.STEPS[2:]))
    with pytest.raises(ReviewError, match="not the one that was approved"):
        settled(desk)
    assert contents(desk.workspace.root) == before


@pytest.mark.parametrize("name", ["adapter/adapter_model.safetensors", "verification.json"])
def test_what_is_changed_after_the_last_word_is_not_carried_out(approved, name):
    desk, _, _, _ = approved
    path = desk.workspace.root / "runs" / desk.run / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ReviewError, match="changed since it was approved"):
        settled(desk)
    assert desk.case.state is CaseState.PENDING and desk.workspace.request(desk.request)


def test_a_run_that_left_the_adapter_as_it_was_is_nothing_to_decide_on(desk):
    """A method that reaches its bound at once writes the original back, and would be said to have destroyed it."""
    run, old = RunHandle(desk.workspace.root / "runs" / desk.run), desk.workspace.root / "adapter"
    shutil.copyfile(old / WEIGHTS, run.path / "adapter" / WEIGHTS)
    run.add_event({"kind": "adapter", "sha256": sha256_of_file(old / WEIGHTS)})
    with pytest.raises(ReviewError, match="not the one that it made"):  # the ledger says so, whatever the events say
        desk.submit()
    desk.workspace.layout.ledger.unlink()
    desk.workspace.layout.ledger_key.unlink()
    with pytest.raises(ReviewError, match="left the adapter unchanged, so nothing would be forgotten"):
        check_ready(run, open_ledger(desk.workspace))
    identity = _identity(run, open_ledger(desk.workspace))
    assert identity.verdict is Verdict.FAIL and identity.reason == "unchanged"


def test_what_the_ledger_says_was_destroyed_is_destroyed(approved, monkeypatch):
    """Signed, and then an error: it goes on, as nobody can take back what is signed."""
    desk, forgotten, candidate, _ = approved
    real = execution.ledger_entries.enter_destruction

    def late(*arguments):
        real(*arguments)
        raise WorkspaceError("The disk is broken.")

    with monkeypatch.context() as patch:
        patch.setattr(execution.ledger_entries, "enter_destruction", late)
        with pytest.raises(WorkspaceError, match="disk is broken"):
            settled(desk)
    assert settled(desk).state is CaseState.CLOSED
    assert_carried_out(desk, forgotten, candidate)


def test_a_ledger_that_cannot_be_read_leaves_everything_as_it_was(approved, monkeypatch):
    desk, _, _, before = approved
    ledger = desk.workspace.layout.ledger
    whole = ledger.read_bytes()

    def spoilt(one):
        ledger.write_bytes(whole + b"nonsense\n")
        execution.enter(one)

    number = execution.STEPS.index(execution.enter)
    monkeypatch.setattr(execution, "STEPS", (*execution.STEPS[:number], spoilt, *execution.STEPS[number + 1 :]))
    with pytest.raises(ReviewError, match="nothing was destroyed"):
        settled(desk)
    assert contents(desk.workspace.root) == before and desk.case.state is CaseState.PENDING


def test_nobody_decides_on_what_is_about_to_go(desk, monkeypatch):
    """A decision that comes while another request is carried out would be on a run that nobody can look at any more."""
    place, members = desk.workspace, desk.workspace.user_split.members
    stays = next(user for user in members if user not in place.request(desk.request).users)
    other = place.open_request(users=(stays,), opened_by="rita")
    case = submit(place, another_run(desk, "run-other", other.id).id, "olaf")
    desk.approve()
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:2], crash, *execution.STEPS[3:]))
        with pytest.raises(Killed):
            settled(desk)
    with pytest.raises(ReviewError, match="is being carried out: decide when that is done"):
        decide(place, other.id, "petra", True, case.evidence, "Why not?")
    assert settled(desk).state is CaseState.CLOSED and settled(desk) is None


def test_a_run_at_work_stops_it(approved):
    from core.runs.submit import create_run

    desk, _, _, _ = approved
    create_run(desk.workspace, desk.request, "finetune", "cpu")
    with pytest.raises(ReviewError, match="queued or running run uses the adapter"):
        settled(desk)


def test_a_rejected_candidate_is_destroyed_and_nothing_else(desk):
    desk.submit()
    before = contents(desk.workspace.root)
    desk.decide("petra", approve=False)
    assert settled(desk) is None
    gone = {f"runs/{desk.run}/adapter/{name}" for name in ("adapter_config.json", WEIGHTS)}
    assert contents(desk.workspace.root) == {name: value for name, value in before.items() if name not in gone}
    ledger = entries(desk.workspace.layout.ledger, read_public(desk.workspace.layout.ledger_key))
    assert ledger[-1].content["decision"]["approve"] is False


def test_an_earlier_case_of_the_same_request_takes_nothing_away(desk, monkeypatch):
    """A rejected case is tidied up at each turn; what a later one has sealed is not its own."""
    forgotten, _, _ = titles_and_people(desk)
    other = another_run(desk, "run-other", desk.request).path
    desk.submit()
    desk.decide("petra", approve=False)
    settled(desk)
    with pytest.raises(ReviewError, match="was rejected and destroyed"):
        desk.submit()
    desk.run = "run-other"
    candidate = sha256_of_file(other / "adapter" / WEIGHTS)
    desk.approve()
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:3], crash, *execution.STEPS[4:]))
        with pytest.raises(Killed):
            settled(desk)
    settled(desk)
    place = Workspace(desk.workspace.root)
    assert place.closed()[0].adapter == candidate and traces(place.root, forgotten) == []


def crash(one):
    raise Killed


def test_other_requests_are_less_what_went(desk):
    place, members = desk.workspace, desk.workspace.user_split.members
    gone = place.request(desk.request).users
    stays = next(user for user in members if user not in gone)
    both = place.open_request(users=(gone[0], stays), opened_by="rita")
    moot = place.open_request(users=gone[:1], opened_by="rita")
    desk.approve()
    settled(desk)
    after = Workspace(place.root)
    assert [one.id for one in after.requests()] == [both.id] and after.request(both.id).users == (stays,)
    assert not (place.root / "requests" / f"{moot.id}.json").exists()


def test_the_record_tells_what_was_destroyed_and_names_nobody_of_the_request(approved):
    desk, _, _, _ = approved
    users = desk.workspace.request(desk.request).users
    settled(desk)
    place = Workspace(desk.workspace.root)
    entry = entries(place.layout.ledger, read_public(place.layout.ledger_key))[-1]
    assert entry.kind == "destruction" and len(entry.content["people"]) == len(users)
    assert "backups and snapshots of the disk" in entry.content["not_reached"] and entry.content["four_eyes"] is True
    assert not any(user in json.dumps(entry.content) for user in users)


def test_what_comes_back_later_is_found_by_its_pseudonym(approved):
    desk, _, _, _ = approved
    user, rows = desk.workspace.request(desk.request).users[0], titles_and_people(desk)[2]
    settled(desk)
    (desk.workspace.root / "runs/leftover.json").write_text(json.dumps({"lists": [{"user": user}]}))
    told = desk.invoke("verify-destruction")
    assert told.exit_code == 1 and "runs/leftover.json still shows something" in " ".join(told.output.split())
    (desk.workspace.root / "runs/leftover.json").write_text(json.dumps([rows[0].user, rows[0].item]))
    assert desk.invoke("verify-destruction", "-r", desk.request).exit_code == 1


def test_a_copy_of_the_old_weights_is_found_under_any_name(approved):
    desk, _, _, _ = approved
    old, copy = desk.workspace.root / "adapter" / WEIGHTS, desk.workspace.root / "data/old.bin"
    shutil.copy(old, copy)
    with pytest.raises(ReviewError, match=r"copy of weights that are to go is data/old\.bin"):
        settled(desk)
    kept = copy.rename(desk.workspace.root.parent / "kept")
    desk.decide("petra")
    desk.decide("owen")
    settled(desk)
    shutil.move(kept, copy)
    told = desk.invoke("verify-destruction")
    assert told.exit_code == 1 and "data/old.bin still shows something" in " ".join(told.output.split())


def test_another_adapter_in_use_is_noticed_later(approved):
    desk, _, _, _ = approved
    settled(desk)
    place = Workspace(desk.workspace.root)
    weights = place.root / place.settings.adapter / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    told = desk.invoke("verify-destruction")
    assert told.exit_code == 1 and "not the one that was approved last" in " ".join(told.output.split())
    assert "served adapter" in [one.name for one in examine(place) if not one.ok]


def test_the_record_of_a_request_is_a_page_of_the_ledger_alone(approved, tmp_path):
    desk, forgotten, candidate, _ = approved
    settled(desk)
    for folder in ("runs", "data", "closed"):
        shutil.rmtree(desk.workspace.root / folder)
    assert desk.invoke("ledger", "record", "-r", desk.request, "--out", str(tmp_path / "record.html")).exit_code == 0
    page = (tmp_path / "record.html").read_text()
    for said in (
        "and the adapter that had learned from it were destroyed",
        "was approved although its verification was inconclusive",
        "They asked twice.",
        "petra",
        "owen",
        "rita",
        candidate[:16],
        "V12",
    ):
        assert said in page
    assert not forgotten.shows(page) and "://" not in page and "<script" not in page
    with pytest.raises(RecordError, match="has no entry on request"):
        raise desk.invoke("ledger", "record", "-r", "req-none", "--out", str(tmp_path / "none.html")).exception


def test_a_link_that_leads_nowhere_stops_nothing(approved):
    desk, _, _, _ = approved
    (desk.workspace.root / ".#notes").symlink_to("nowhere")
    assert settled(desk).state is CaseState.CLOSED


def test_another_scale_of_the_served_adapter_is_noticed_later(approved):
    desk, _, _, _ = approved
    settled(desk)
    place = Workspace(desk.workspace.root)
    config = place.root / place.settings.adapter / "adapter_config.json"
    write_json(config, json.loads(config.read_text()) | {"lora_alpha": 1})
    assert "not the one that was approved last" in " ".join(desk.invoke("verify-destruction").output.split())


def test_a_ledger_that_was_made_after_the_run_tells_of_it_all_the_same(desk, tmp_path):
    (desk.workspace.root / "ledger.pub").unlink()
    (desk.workspace.root / "ledger.jsonl").unlink()
    assert desk.invoke("ledger", "init").exit_code == 0
    desk.approve()
    settled(desk)
    desk.invoke("ledger", "record", "-r", desk.request, "--out", str(tmp_path / "record.html"))
    page = (tmp_path / "record.html").read_text()
    assert "What was asked" in page and "What was verified" in page and "launched by olaf" in page


def test_the_record_is_of_the_run_that_was_carried_out(approved):
    desk, _, _, _ = approved
    settled(desk)
    place = Workspace(desk.workspace.root)
    found = to_json(entries(place.layout.ledger, read_public(place.layout.ledger_key)))
    other = json.loads(json.dumps(next(one for one in found if one["kind"] == "verification")))
    other["content"] |= {"run": "run-other", "verdict": "pass"}
    page = record(desk.request, [*about(found, desk.request), other])
    assert f"Of run {desk.run}." in page and "run-other" not in page.split("How to check")[0]


def test_the_record_of_a_rejected_run_says_that_nothing_was_changed(desk, tmp_path):
    desk.submit()
    desk.decide("petra", approve=False, reason="<b>Look</b> again.")
    settled(desk)
    desk.invoke("ledger", "record", "-r", desk.request, "--out", str(tmp_path / "record.html"))
    page = (tmp_path / "record.html").read_text()
    assert "did not go into service" in page and "&lt;b&gt;Look&lt;/b&gt; again." in page


def test_single_rows_go_and_their_person_stays(desk):
    place = desk.workspace
    person = next(user for user in place.user_split.members if user not in place.request(desk.request).users)
    rows = [one for one in place.interactions if one.user == person][:3]
    request = place.open_request(interactions=[(one.user, one.item) for one in rows], opened_by="rita")
    found = known(request, rows, place.items)
    assert "data/interactions.jsonl" in traces(place.root, found)
    desk.run, desk.request = another_run(desk, "run-rows", request.id).id, request.id
    desk.approve()
    assert settled(desk).state is CaseState.CLOSED
    after = Workspace(place.root)
    assert list(after.interactions) == [one for one in place.interactions if one not in rows]
    assert person in after.user_split.members and traces(place.root, found) == []
    assert desk.invoke("verify-destruction").exit_code == 0


def test_the_desk_from_the_command_line(desk):
    told = desk.invoke("review", "submit", "--run", desk.run, "--as", "olaf", "--json")
    evidence = json.loads(told.stdout)["evidence"]
    options = ("review", "decide", "-r", desk.request, "--approve", "--evidence", evidence, "--reason", "It will do.")
    assert "pending" in desk.invoke(*options, "--as", "petra").stdout
    assert "closed" in desk.invoke(*options, "--as", "owen").stdout
    assert "no interrupted work" in desk.invoke("review", "settle").stdout
    assert isinstance(desk.invoke("review", "show", "-r", "nobody").exception, ReviewError | WorkspaceError)
