"""Nobody who can only write files in the workspace has something false signed, approved or put into service."""

import shutil
from dataclasses import replace

import pandas as pd
import pytest
from safetensors.torch import load_file, save_file

from core.cli.workspace_checks import check_workspace
from core.errors import LedgerError, ReviewError, RunError, WorkspaceError
from core.pipeline import stages
from core.pipeline import train_reference as training
from core.pipeline.training_inputs import training_inputs
from core.review import execution
from core.review.cases import Cases
from core.review.decisions import decide
from core.review.vault import Vault
from core.review.withdrawal import withdraw
from core.runs import folder_observer, verify, worker
from core.runs import ledger_entries as entries
from core.runs.closed import confirmed_closed
from core.runs.handle import RunHandle
from core.runs.ledger import RESUMED, open_ledger
from core.runs.references import missing_references, train_references
from core.runs.requests import open_request, with_rows_mark, write_marked
from core.runs.submit import create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import CaseState, Decision, Role, RunState, Verdict
from core.utils.clock import utc_now
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from core.workspace.run_layout import WEIGHTS, AdapterLayout
from tests.review.conftest import enter_verification


@pytest.fixture
def run(desk):
    return RunHandle(desk.workspace.layout.run(desk.run).path)


def kinds(desk):
    return [one.kind for one in open_ledger(desk.workspace).statements()]


def nothing_happened(desk, before):
    """The original is in service, its request and references are there, and the ledger has no destruction."""
    workspace = Workspace(desk.workspace.root)
    assert sha256_of_file(AdapterLayout(workspace.adapter).weights) == before
    assert workspace.reference_folders(desk.request) and not workspace.closed() and "destruction" not in kinds(desk)


@pytest.fixture
def original(desk):
    return sha256_of_file(AdapterLayout(desk.workspace.adapter).weights)


def written_by_hand(desk, run):
    """A run that never ran: the original adapter in another form, and files that say PASS."""
    made = RunHandle(shutil.copytree(run.path, run.path.with_name("run-made")))
    weights = load_file(desk.workspace.adapter / WEIGHTS)
    rescaled = {name: value * (2 if "lora_A" in name else 0.5) for name, value in weights.items()}
    save_file(rescaled, made.layout.weights)
    made.write_spec(replace(run.spec, id="run-made"))
    made.write_verification(replace(run.verification, run="run-made", verdict=Verdict.PASS))
    made.add_event({"kind": "adapter", "sha256": sha256_of_file(made.layout.weights)})
    made.store.add(made.id, made.id, externally_queued=False)
    with made.store.changing() as database:
        database.execute("UPDATE runs SET state = 'done' WHERE id = ?", (made.id,))
    return made


def test_run_that_never_ran_is_not_submitted_and_not_signed(desk, run):
    desk.run, before = written_by_hand(desk, run).id, kinds(desk)
    with pytest.raises(ReviewError, match="'run-made' was not signed by its worker"):
        desk.submit()
    assert kinds(desk) == before


def test_case_of_a_run_that_never_ran_is_not_approved(desk, run):
    """The case is written into the database, past the checks of a submission."""
    made = written_by_hand(desk, run)
    desk.submit()
    Cases(desk.workspace).change(desk.case.number, lambda case: replace(case, run=made.id))
    with pytest.raises(ReviewError):
        desk.decide("petra")
    assert "decision" not in kinds(desk)


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE])
def test_signed_verdict_is_not_overruled_by_a_file(desk, run, verdict):
    desk.judge(verdict)
    signed = run.layout.verification.read_bytes()
    run.write_verification(replace(run.verification, verdict=Verdict.PASS))
    with pytest.raises(ReviewError, match="is not what was signed into the ledger"):
        desk.submit()
    run.layout.verification.write_bytes(signed)
    desk.submit()
    with pytest.raises(ReviewError, match="failed its verification" if verdict is Verdict.FAIL else "give the reason"):
        desk.decide("petra", reason="")


@pytest.mark.parametrize("name", [WEIGHTS, "adapter_config.json"])
def test_adapter_that_is_exchanged_before_it_is_sealed_does_not_go_into_service(desk, run, original, monkeypatch, name):
    desk.approve()
    seal = Vault.seal

    def exchanged(vault, root, files):
        shutil.copyfile(desk.workspace.adapter / name, run.layout.adapter / name)
        if name != WEIGHTS:
            (run.layout.adapter / name).write_text((run.layout.adapter / name).read_text() + "\n")
        seal(vault, root, files)

    monkeypatch.setattr(Vault, "seal", exchanged)
    with pytest.raises(ReviewError, match="nothing was destroyed: The run was changed since it was approved"):
        execution.execute_decisions(desk.workspace)
    nothing_happened(desk, original)
    assert desk.case.state is CaseState.PENDING and desk.case.decisions == ()


def test_evidence_of_an_exchanged_adapter_does_not_help(desk, run, original):
    """The files are exchanged before the submission takes their digest, and the database agrees with them."""
    shutil.copyfile(desk.workspace.adapter / WEIGHTS, run.layout.weights)
    with pytest.raises(ReviewError):
        desk.submit()
    nothing_happened(desk, original)


def forged(case, people=(("petra", Role.PRIVACY_OFFICER), ("owen", Role.PRODUCT_OWNER))):
    """The case as if these people had approved it."""
    decisions = tuple(
        Decision(name, role, True, case.evidence, "The rest is proven.", utc_now("microseconds"))
        for name, role in people
    )
    return replace(case, state=CaseState.APPROVED, decisions=decisions)


def test_decisions_that_are_written_by_hand_are_neither_carried_out_nor_signed(desk, original):
    desk.submit()
    Cases(desk.workspace).change(desk.case.number, forged)
    with pytest.raises(ReviewError, match="No signed decisions approve .* so nothing was destroyed: it is pending"):
        execution.execute_decisions(desk.workspace)
    nothing_happened(desk, original)
    assert "decision" not in kinds(desk) and desk.case.decisions == ()


def test_second_decision_that_is_written_by_hand_does_not_help_the_first(desk, original):
    desk.submit()
    case = desk.decide("petra")
    owen = forged(case).decisions[1:]
    Cases(desk.workspace).change(
        case.number, lambda one: replace(one, state=CaseState.APPROVED, decisions=(*one.decisions, *owen))
    )
    with pytest.raises(ReviewError, match="so nothing was destroyed: it is pending"):
        execution.execute_decisions(desk.workspace)
    nothing_happened(desk, original)


def test_decisions_that_were_withdrawn_are_not_played_again(desk, original):
    case = desk.approve()
    withdraw(desk.workspace, desk.request, "petra")
    Cases(desk.workspace).change(
        case.number, lambda one: replace(one, state=CaseState.APPROVED, decisions=case.decisions)
    )
    with pytest.raises(ReviewError, match="so nothing was destroyed: it is pending"):
        execution.execute_decisions(desk.workspace)
    nothing_happened(desk, original)


def test_rejection_that_is_written_by_hand_destroys_nothing(desk, run):
    desk.submit()
    refused = (Decision("petra", Role.PRIVACY_OFFICER, False, desk.case.evidence, "No.", utc_now("microseconds")),)
    Cases(desk.workspace).change(
        desk.case.number, lambda case: replace(case, state=CaseState.REJECTED, decisions=refused)
    )
    execution.execute_decisions(desk.workspace)
    assert run.layout.weights.is_file()


def test_submission_under_another_name_is_not_approved(desk):
    """Petra's own submission is written to Olaf, so that she could decide on it."""
    desk.submit("paul")
    Cases(desk.workspace).change(desk.case.number, lambda case: replace(case, operator="olaf"))
    with pytest.raises(ReviewError, match="submission of run .* was not signed when it was made, or was changed"):
        decide(desk.workspace, desk.request, "paul", True, desk.case.evidence, "The rest is proven.")


def planted(desk, seed, weights):
    """A reference that no training made."""
    folder = desk.workspace.layout.reference(desk.request, seed)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(desk.workspace.reference_folders(desk.request)[0], folder)
    save_file(weights, folder / WEIGHTS)
    return folder


def test_planted_reference_changes_no_number_and_is_trained_again(desk, run):
    before = verify_run(run, "cpu")
    folder = planted(desk, 103, {name: value + 1e-4 for name, value in load_file(run.layout.weights).items()})
    after = verify_run(run, "cpu")
    assert after.verdict is before.verdict and after.checks == before.checks
    subjects = open_ledger(desk.workspace).verified_subjects(run.id)
    assert {name for name in subjects if name.startswith("reference")} == {"reference seed-101", "reference seed-102"}
    assert missing_references(desk.workspace, desk.request, 3) == [2]
    train_references(desk.workspace, desk.request, 3, "cpu", lambda number, step: False)
    digest = sha256_of_file(folder / WEIGHTS)
    assert open_ledger(desk.workspace).reference_digests(desk.request)["seed-103"]["weights"] == digest


def test_reference_that_was_exchanged_is_not_used(desk, run):
    planted(desk, 102, load_file(run.layout.weights))
    verify_run(run, "cpu")
    subjects = open_ledger(desk.workspace).verified_subjects(run.id)
    assert {name for name in subjects if name.startswith("reference")} == {"reference seed-101"}


def other_user(desk):
    request = desk.workspace.request(desk.request)
    return next(user for user in desk.workspace.user_split.training_users if user not in request.users)


def test_request_that_was_changed_after_its_run_is_not_submitted(desk, original):
    """The run forgot one person; the file now names another, whose data would be destroyed."""
    other = replace(desk.workspace.request(desk.request), users=(other_user(desk),))
    write_marked(desk.workspace, *with_rows_mark(desk.workspace, [other]))
    with pytest.raises(
        ReviewError, match=r"is not the one that run .* forgot \(the people, the number of rows, the rows differ"
    ):
        desk.submit()
    nothing_happened(desk, original)


def test_run_is_not_used_for_another_request(desk, run, original):
    other = open_request(desk.workspace, users=(other_user(desk),), opened_by="rita")
    run.write_spec(replace(run.spec, request=other.id))
    with pytest.raises(ReviewError, match=r"was changed since it was signed \(specification\)"):
        desk.submit()
    nothing_happened(desk, original)


def test_rows_that_were_given_to_somebody_else_are_noticed_before_the_deletion(desk, original):
    desk.approve()
    subject, other = desk.workspace.request(desk.request).users[0], other_user(desk)
    rows = pd.read_parquet(desk.workspace.layout.interactions)
    rows["user"] = rows["user"].astype(str).replace(subject, other)
    rows.to_parquet(desk.workspace.layout.interactions)
    with pytest.raises(ReviewError, match="nothing was destroyed: Data or settings changed since run"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    nothing_happened(desk, original)


@pytest.mark.parametrize("name", ["evaluation", "report", "reviewer_report", "report_numbers", "outcome", "spec"])
def test_results_that_were_rewritten_before_the_submission_are_not_submitted(desk, run, name):
    path = getattr(run.layout, name)
    path.write_text(path.read_text() + " ")
    with pytest.raises(ReviewError, match="was changed since it was signed"):
        desk.submit()


def test_signed_refusal_cannot_be_dropped(desk, original):
    """Petra approves and then refuses; her refusal is taken out of the database, and Owen asked."""
    desk.submit()
    case = desk.decide("petra")
    desk.decide("petra", approve=False)
    Cases(desk.workspace).change(case.number, lambda _: case)
    with pytest.raises(ReviewError, match="is rejected by decisions that were signed before yours"):
        desk.decide("owen")
    assert desk.case.state is CaseState.REJECTED
    owen = forged(case).decisions[1]
    Cases(desk.workspace).change(
        case.number, lambda one: replace(one, state=CaseState.APPROVED, decisions=(*case.decisions, owen))
    )
    with pytest.raises(ReviewError, match="nothing was destroyed"):
        execution.execute_decisions(desk.workspace)
    nothing_happened(desk, original)


def test_approvals_that_were_taken_back_are_not_played_again(desk, original, monkeypatch):
    """A deletion fails and everything is rolled back; the old decisions are written into the case again."""
    case = desk.approve()

    def fails(_execution):
        raise ReviewError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:2], fails, *execution.STEPS[3:]))
        with pytest.raises(ReviewError, match="nothing was destroyed: The disk is full"):
            execution.execute_decisions(desk.workspace)
    Cases(desk.workspace).change(
        case.number, lambda one: replace(one, state=CaseState.APPROVED, decisions=case.decisions)
    )
    with pytest.raises(ReviewError, match="so nothing was destroyed: it is pending"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    nothing_happened(desk, original)


def test_rejected_run_that_was_put_back_is_not_submitted(desk, run, tmp_path):
    copy = shutil.copytree(run.path, tmp_path / "copy")
    desk.submit()
    desk.decide("petra", approve=False)
    execution.execute_decisions(desk.workspace)
    shutil.rmtree(run.path)
    shutil.copytree(copy, run.path)
    desk.workspace.layout.review.unlink()
    with pytest.raises(ReviewError, match="was rejected and its adapter destroyed"):
        desk.submit()


def test_sealed_copies_do_not_stand_for_decisions(desk, original, monkeypatch):
    """A kill after a failure: the approvals are taken back, and the copies still lie beside an approved case."""
    case, root = desk.approve(), desk.workspace.root

    def failed(_execution):
        raise ReviewError("It cannot be done.")

    def killed(*_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(execution, "STEPS", (execution.STEPS[0], failed, *execution.STEPS[2:]))
        patch.setattr(Cases, "reopen", killed)
        execution.execute_decisions(desk.workspace)
    assert any((root / "sealed").iterdir()) and desk.case.state is CaseState.APPROVED
    Cases(desk.workspace).change(case.number, lambda one: replace(one, decisions=()))
    with pytest.raises(ReviewError, match="so nothing was destroyed: it is pending"):
        execution.execute_decisions(Workspace(root))
    nothing_happened(desk, original)


def test_one_approval_is_not_enough_after_the_people_were_removed(desk, original):
    desk.submit()
    desk.set_people({})
    assert desk.decide("petra").state is CaseState.APPROVED
    with pytest.raises(ReviewError, match="so nothing was destroyed: it is pending"):
        execution.execute_decisions(desk.workspace)
    nothing_happened(desk, original)


def test_other_files_in_the_adapter_do_not_go_into_service(desk, run):
    (run.layout.adapter / "extra.py").write_text("print('hello')")
    desk.approve()
    execution.execute_decisions(desk.workspace)
    served = Workspace(desk.workspace.root).adapter
    assert sorted(path.name for path in served.iterdir()) == ["adapter_config.json", WEIGHTS]


@pytest.mark.parametrize("step", [1, 4, 5, 6])
def test_case_that_only_a_file_calls_carried_out_is_carried_out(desk, run, step):
    case, rows = desk.approve(), desk.workspace.layout.interactions.read_bytes()
    Cases(desk.workspace).change(case.number, lambda one: replace(one, step=step))
    execution.execute_decisions(desk.workspace)
    assert desk.case.state is CaseState.CLOSED and "destruction" in kinds(desk)
    assert desk.workspace.layout.interactions.read_bytes() != rows and not run.path.exists()


def test_nothing_is_signed_behind_a_line_that_was_not_signed(desk):
    with desk.workspace.layout.ledger.open("ab") as file:
        file.write(b"junk\n")
    before = desk.workspace.layout.ledger.read_bytes()
    with pytest.raises(LedgerError, match="is damaged"):
        open_ledger(desk.workspace).record_reference(
            desk.request, {"weights": "0", "config": "0"}, "seed-101", "inputs", "olaf"
        )
    assert desk.workspace.layout.ledger.read_bytes() == before


def test_adapter_that_is_exchanged_before_the_entry_is_not_the_one_that_is_signed(desk, monkeypatch):
    """The original takes the place of the worker's adapter while the run is evaluated."""
    launched = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=5, steps=3, launched_by="olaf")
    summarise = stages._build_report

    def exchanged(*given):
        shutil.copyfile(desk.workspace.adapter / WEIGHTS, launched.layout.weights)
        return summarise(*given)

    monkeypatch.setattr(stages, "_build_report", exchanged)
    assert work(launched) is RunState.DONE
    signed = open_ledger(desk.workspace).run_subjects(launched.id)["adapter after"]
    assert signed != sha256_of_file(launched.layout.weights)
    verify_run(launched, "cpu")
    desk.run = launched.id
    with pytest.raises(ReviewError, match="not the one that it made"):
        desk.submit()


def exchanging(save):
    """`save_adapter`, and somebody who writes other weights before anything is signed."""

    def saved(model, folder, *more):
        digests = save(model, folder, *more)
        weights = load_file(folder / WEIGHTS)
        save_file({name: 1.5 * value for name, value in weights.items()}, folder / WEIGHTS)
        return digests

    return saved


def test_reference_that_is_exchanged_when_it_is_saved_is_not_signed(desk, monkeypatch):
    monkeypatch.setattr(training, "save_adapter", exchanging(training.save_adapter))
    train_references(desk.workspace, desk.request, 3, "cpu", lambda number, step: False)
    assert missing_references(desk.workspace, desk.request, 3) == [2]


def test_adapter_that_is_exchanged_when_it_is_saved_is_not_signed(desk, monkeypatch):
    launched = launch_retraining(desk)
    monkeypatch.setattr(folder_observer, "save_adapter", exchanging(folder_observer.save_adapter))
    assert work(launched) is RunState.DONE
    signed = open_ledger(desk.workspace).run_subjects(launched.id)
    assert signed["adapter after"] != sha256_of_file(launched.layout.weights)


def references_check(verification):
    return next(check for check in verification.checks if check.code == "references_distinct")


def test_references_that_were_trained_on_the_forgotten_rows_prove_nothing(desk, run):
    """While references are trained, the request names somebody else, so they learn what the run should have forgotten."""
    file = desk.workspace.layout.request(desk.request)
    honest = file.read_bytes()
    shutil.rmtree(desk.workspace.layout.references(desk.request))
    write_json(file, replace(desk.workspace.request(desk.request), users=(other_user(desk),)))
    train_references(Workspace(desk.workspace.root), desk.request, 2, "cpu", lambda number, step: False)
    file.write_bytes(honest)
    found = verify_run(run, "cpu")
    assert references_check(found).verdict is Verdict.INCONCLUSIVE and found.verdict is Verdict.INCONCLUSIVE


def launch_retraining(desk):
    return create_run(desk.workspace, desk.request, "retrain", "cpu", launched_by="olaf")


def narrowed(desk):
    """Put one row of each person into the request's file; return its honest content."""
    file, request = desk.workspace.layout.request(desk.request), desk.workspace.request(desk.request)
    honest, first = file.read_bytes(), {}
    for row in desk.workspace.interactions:
        first.setdefault(row.user, row.item)
    write_json(file, replace(request, users=(), interactions=tuple((one, first[one]) for one in request.users)))
    return honest


def test_run_of_a_request_that_is_not_what_was_opened_does_not_begin(desk):
    launched = launch_retraining(desk)
    narrowed(desk)
    assert work(RunHandle(launched.path)) is RunState.FAILED and not launched.layout.adapter.exists()
    assert "is not signed as it stands" in launched.status.message


def test_retraining_that_learned_the_forgotten_rows_is_not_exact(desk, monkeypatch):
    """Its worker took a narrower request than the one that is verified."""
    launched, stages_of_run = launch_retraining(desk), worker.run_stages
    file, honest = desk.workspace.layout.request(desk.request), narrowed(desk)
    narrow = desk.workspace.request(desk.request)
    file.write_bytes(honest)

    def narrower(workspace, spec, _request, *given):
        stages_of_run(workspace, spec, narrow, *given)

    monkeypatch.setattr(worker, "run_stages", narrower)
    assert work(RunHandle(launched.path)) is RunState.DONE
    assert verify_run(RunHandle(launched.path), "cpu").verdict is not Verdict.EXACT


def test_honest_retraining_is_exact(desk):
    launched = launch_retraining(desk)
    assert work(launched) is RunState.DONE and verify_run(launched, "cpu").verdict is Verdict.EXACT


def test_run_that_calls_itself_a_retraining_when_it_is_signed_is_not_exact(desk, monkeypatch):
    """The specification names another method while the entry is made."""
    launched, content = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=9, steps=3), entries._content

    def renamed(*given):
        write_json(launched.layout.spec, replace(launched.spec, method="retrain"))
        return content(*given)

    monkeypatch.setattr(entries, "_content", renamed)
    assert work(launched) is RunState.DONE
    assert verify_run(RunHandle(launched.path), "cpu").verdict is not Verdict.EXACT


def test_retraining_continues_no_training_on_other_rows(desk, monkeypatch):
    """It is stopped when it has learned other rows, and resumed on the right ones."""
    launched, inputs = launch_retraining(desk), stages.training_inputs

    def stopped(*_given):
        raise RunError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr(stages, "training_inputs", lambda context: inputs(context)[::-1])  # as of other rows
        patch.setattr(stages, "round_adapter", stopped)
        assert work(launched) is RunState.FAILED
    (before,) = launched.layout.checkpoint.glob("01-*")
    made = before.stat().st_mtime_ns
    launched.store.resume(launched.id)
    monkeypatch.setattr(stages, "round_adapter", stopped)
    assert work(launched) is RunState.FAILED
    assert before.stat().st_mtime_ns > made


def test_reference_with_another_configuration_is_not_used(desk, run):
    """The weights are those that were trained; the scale of the adapter is another one, so it answers otherwise."""
    config = AdapterLayout(desk.workspace.reference_folders(desk.request)[1]).config
    write_json(config, read_json(config) | {"lora_alpha": 1})
    folder = desk.workspace.layout.name(config.parent)
    assert folder in {one.name for one in check_workspace(desk.workspace) if not one.ok}
    verify_run(run, "cpu")
    subjects = open_ledger(desk.workspace).verified_subjects(run.id)
    assert {name for name in subjects if name.startswith("reference")} == {"reference seed-101"}


@pytest.mark.parametrize("adapter", ["unlearned", "original"])
def test_adapter_that_is_exchanged_while_it_is_verified_cannot_be_submitted(desk, run, original, monkeypatch, adapter):
    """A reference takes the adapter's place for the moment in which it is loaded, and the adapter is put back."""
    folder = run.layout.adapter if adapter == "unlearned" else desk.workspace.adapter
    other, file = (
        AdapterLayout(desk.workspace.reference_folders(desk.request)[0]).weights,
        AdapterLayout(folder).weights,
    )
    honest, loaded = file.read_bytes(), verify.load_adapter

    def exchanged(workspace, path, device):
        if path != str(folder):
            return loaded(workspace, path, device)
        shutil.copyfile(other, file)
        try:
            return loaded(workspace, path, device)
        finally:
            file.write_bytes(honest)

    monkeypatch.setattr(verify, "load_adapter", exchanged)
    verify_run(run, "cpu")
    with pytest.raises(ReviewError, match="was changed since it was signed"):
        desk.submit()
    nothing_happened(desk, original)


def test_data_that_change_during_a_verification_are_noticed(desk, run, monkeypatch):
    collected = verify.collect_answers

    def changed(*given, **named):
        with desk.workspace.layout.user_split.open("a") as file:
            file.write(" ")
        return collected(*given, **named)

    monkeypatch.setattr(verify, "collect_answers", changed)
    with pytest.raises(RunError, match="changed meanwhile"):
        verify_run(run, "cpu")


def test_data_that_changed_since_the_verification_are_noticed(desk, original):
    with desk.workspace.layout.user_split.open("a") as file:
        file.write(" ")
    with pytest.raises(ReviewError, match="Data or settings changed since run .* was verified: verify it again"):
        desk.submit()
    nothing_happened(desk, original)


@pytest.mark.parametrize("change", [{"launched_by": "petra"}, {"steps": 1}, {"mark": ""}])
def test_run_whose_specification_was_changed_while_it_waited_does_not_start(desk, change):
    launched = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=6, steps=3, launched_by="olaf")
    launched.write_spec(replace(launched.spec, **change))
    waiting = RunHandle(launched.path)
    assert work(waiting) is RunState.FAILED
    assert "is not what was launched" in waiting.status.message
    assert "run" not in kinds(desk)[-1:] and open_ledger(desk.workspace).run_entry(launched.id) is None


@pytest.mark.parametrize("change", ["gone", "changed", "planted"])
def test_records_of_deletions_are_those_of_the_ledger(desk, change):
    """Fewer or milder deletions would leave more of the drift budget."""
    desk.approve()
    execution.execute_decisions(desk.workspace)
    workspace = Workspace(desk.workspace.root)
    closed, ledger = workspace.closed()[0], open_ledger(workspace)
    assert confirmed_closed(workspace, ledger) == (closed,)
    file = workspace.layout.closed(closed.id)
    if change == "gone":
        file.unlink()
    elif change == "changed":
        write_json(file, replace(closed, test_auc_fall=-0.5))
    else:
        write_json(workspace.layout.closed("req-planted"), replace(closed, id="req-planted", test_auc_fall=-0.5))
    with pytest.raises(WorkspaceError, match="is not what the ledger holds of this deletion"):
        confirmed_closed(workspace, ledger)


@pytest.mark.parametrize("part", ["verified the run", "resumed the run", "had its references trained"])
def test_whoever_had_work_done_does_not_decide(desk, run, part):
    ledger = open_ledger(desk.workspace)
    if part == "had its references trained":
        digests = AdapterLayout(desk.workspace.reference_folders(desk.request)[0]).digests()
        ledger.record_reference(desk.request, digests, "seed-109", "inputs", "petra")
    if part == "resumed the run":
        ledger.record_fact(RESUMED, run.id, "petra")
    enter_verification(run, run.verification, "petra" if part == "verified the run" else "olaf")
    desk.submit()
    with pytest.raises(ReviewError, match=f"Person 'petra' {part}: somebody else has to decide"):
        desk.decide("petra")


@pytest.mark.parametrize("command", [["verify", "--run"], ["resume", "--run"], ["reference", "--request"]])
def test_whoever_opened_the_request_has_no_work_done_on_it(desk, command):
    write_marked(desk.workspace, replace(desk.workspace.request(desk.request), opened_by="Olaf"))
    done = desk.invoke(*command, desk.request if "--request" in command else desk.run, "--as", "olaf")
    assert done.exit_code != 0 and "opened the request" in str(done.exception)


def test_references_that_are_trained_again_are_judged_by_their_last_training(desk, run):
    """The data changed meanwhile, so the first training learned from other rows than today's."""
    ledger = open_ledger(desk.workspace)
    for folder in desk.workspace.reference_folders(desk.request):
        digests = AdapterLayout(folder).digests()
        ledger.record_reference(desk.request, digests, folder.name, "other rows", "olaf")
    assert references_check(verify_run(run, "cpu")).verdict is Verdict.INCONCLUSIVE
    for folder in desk.workspace.reference_folders(desk.request):
        inputs = training_inputs(verify.context_of(run))
        ledger.record_reference(desk.request, AdapterLayout(folder).digests(), folder.name, inputs, "olaf")
    assert references_check(verify_run(run, "cpu")).verdict is Verdict.PASS
