"""Entries tell what their process read, made and asked, whatever lies in the files when they are signed."""

import os
import shutil
from contextlib import suppress
from dataclasses import replace

import pytest

from core.errors import CureLensError, LedgerError, ReviewError, RunError
from core.pipeline import stages
from core.runs import requests, verify, worker
from core.runs.handle import RunHandle, open_run
from core.runs.ledger import open_ledger
from core.runs.list_overlap import write_overlaps
from core.runs.signed_files import read_signed
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import GroupEdit, RunState
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from tests.review.test_signing import narrowed


def launched(desk, **options):
    """A run that waits."""
    settings = {"method": "uniform", "device": "cpu", "seed": 5, "steps": 3, "launched_by": "paul"}
    return create_run(desk.workspace, desk.request, **{**settings, **options})


def behind_the_stages(monkeypatch, act):
    """Somebody acts after the last stage of a run, before its entry is made."""
    honest = worker.run_stages

    def both(*given):
        honest(*given)
        act()

    monkeypatch.setattr(worker, "run_stages", both)


def entry_of(run):
    return open_ledger(run.workspace).run_entry(run.id)


@pytest.fixture
def run(desk):
    """The verified run of the desk."""
    return open_run(desk.workspace, desk.run)


def with_old_time(file, **changes):
    """Change a file, and set its time back."""
    before = file.stat()
    write_json(file, read_json(file) | changes)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


# ------------------------------------------------------------ the entry of a run


def test_results_that_are_exchanged_before_the_entry_are_not_signed(desk, monkeypatch):
    run = launched(desk)

    def forge():
        run.layout.report.write_text("<p>All is forgotten.</p>")
        write_json(run.layout.groups, [])  # this method makes none
        found = read_json(run.layout.evaluation)
        found["unlearned"]["test_auc"]["value"] = 0.999
        write_json(run.layout.evaluation, found)

    behind_the_stages(monkeypatch, forge)
    assert work(run) is RunState.DONE, run.status
    signed = entry_of(run)
    assert signed.subjects["evaluation"] != sha256_of_file(run.layout.evaluation)
    assert signed.subjects["report page"] != sha256_of_file(run.layout.report)
    assert signed.subjects["groups"] != sha256_of_file(run.layout.groups)
    assert signed.content["measures"]["unlearned"]["test_auc"]["value"] != 0.999


def test_honest_run_is_signed_as_its_files_lie_there(desk):
    run = launched(desk, method="cure", steps=1)
    assert work(run) is RunState.DONE, run.status
    signed, now = entry_of(run).subjects, open_ledger(desk.workspace).subjects_now(run)
    assert now.items() <= signed.items() and signed.keys() - now.keys() == {"training inputs"}


def test_launcher_whom_the_entry_names_is_the_one_who_launched(desk, monkeypatch):
    """Paul may decide on it otherwise."""
    run = launched(desk)
    behind_the_stages(monkeypatch, lambda: write_json(run.layout.spec, replace(run.spec, launched_by="olaf")))
    work(run)
    assert entry_of(run).content["by"] == "paul"


def test_specification_with_its_old_time_is_read_again(desk, monkeypatch):
    """Whoever writes a file sets its time."""
    run = launched(desk)
    behind_the_stages(monkeypatch, lambda: with_old_time(run.layout.spec, by="olaf", seed=77))
    work(run)
    assert entry_of(run).subjects["specification"] != sha256_of_file(run.layout.spec)
    assert (run.spec.launched_by, run.spec.seed) == ("olaf", 77)


def test_entry_is_about_the_rows_that_the_run_forgot(desk, monkeypatch):
    """The request is narrowed behind the worker's check, and put back when the adapter has learned."""
    run, file = launched(desk), desk.workspace.layout.request(desk.request)
    checked, built, honest, forgot = worker.check_opened, stages._build_report, [], []

    def checked_before(*given):
        checked(*given)
        honest.append(narrowed(desk))

    def restored(job, *given):
        forgot.append(sum(len(one.targets) for one in job.context.split.forget))
        file.write_bytes(honest[0])
        return built(job, *given)

    monkeypatch.setattr(worker, "check_opened", checked_before)
    monkeypatch.setattr(stages, "_build_report", restored)
    assert work(RunHandle(run.path)) is RunState.DONE
    rows, whole = entry_of(run).content["request"]["forgotten"], entry_of(open_run(desk.workspace, desk.run)).content
    assert rows == forgot[0] == whole["request"]["forgotten"]


def test_request_is_compared_also_where_the_public_key_is_gone_for_a_moment(desk, monkeypatch):
    """Without one, no request carries a mark."""
    run, key, opened = launched(desk), desk.workspace.layout.ledger_key, requests.open_ledger

    def hidden(workspace):
        key.rename(key.with_name("hidden"))
        try:
            return opened(workspace)
        finally:
            key.with_name("hidden").rename(key)

    monkeypatch.setattr(requests, "open_ledger", hidden)
    assert work(run) is RunState.FAILED and entry_of(run) is None
    with pytest.raises(LedgerError):
        requests.unmarked_requests(desk.workspace)


# ------------------------------------------------------------ circuits of another run


@pytest.mark.parametrize("change", ["nothing", "forget", "direct_effects", "scores", "spec"])
def test_edited_run_takes_only_circuits_that_were_signed(desk, change):
    source = launched(desk, method="cure", steps=1)
    assert work(source) is RunState.DONE, source.status
    edited = launched(desk, method="cure", steps=1, edit=GroupEdit(source.id))
    if change != "nothing":
        file = getattr(source.layout, change)
        file.write_bytes(file.read_bytes() + b"\n")
    state = work(edited)
    if change == "nothing":
        assert state is RunState.DONE, edited.status
    else:
        assert state is RunState.FAILED
        assert "is not what the worker of its run signed" in edited.status.message
        with pytest.raises(RunError, match="is not what the worker of its run signed"):  # before the next one waits
            launched(desk, method="cure", steps=2, edit=GroupEdit(source.id))


def test_files_of_a_run_without_an_entry_are_not_taken(run):
    planted = RunHandle(shutil.copytree(run.path, run.path.with_name("run-planted")))
    ledger = open_ledger(run.workspace)
    assert read_signed(run.layout.spec, ledger)
    with pytest.raises(RunError, match="is not what the worker of its run signed"):
        read_signed(planted.layout.spec, ledger)


# ------------------------------------------------------------ the comparison of lists, and verifications


@pytest.mark.parametrize("left_out", [0, 2])
def test_lists_are_compared_on_the_data_of_the_run(desk, left_out):
    """People whose lists became worse are left out of the split while the lists are compared."""
    file, split = desk.workspace.layout.user_split, desk.workspace.user_split
    honest, own = file.read_bytes(), desk.workspace.request(desk.request).users
    if left_out:
        others = [one for one in split.training_users if one not in own]
        write_json(file, replace(split, training_users=(*own, *others[:left_out])))
    write_overlaps(open_run(Workspace(desk.workspace.root), desk.run), "cpu")
    file.write_bytes(honest)
    if not left_out:
        assert desk.submit()
        return
    with pytest.raises(ReviewError, match="since all lists of run .* were compared"):
        desk.submit()


def test_lists_are_not_compared_where_the_data_change_meanwhile(desk, run, monkeypatch):
    from core.runs import list_overlap

    similar, file = list_overlap.title_similarity, desk.workspace.layout.user_split

    def changed(*given):
        file.write_bytes(file.read_bytes() + b" ")
        return similar(*given)

    monkeypatch.setattr(list_overlap, "title_similarity", changed)
    with pytest.raises(RunError, match="changed meanwhile"):
        write_overlaps(run, "cpu")
    assert not run.layout.overlap.exists()


def test_references_that_are_signed_are_those_that_were_compared(desk, run, monkeypatch, tmp_path):
    """One is taken away behind the check of the references, and put back before the entry is made."""
    folder, evidence, used = desk.workspace.reference_folders(desk.request)[0], verify._evidence, []

    def without(*given):
        folder.rename(tmp_path / "away")
        try:
            found = evidence(*given)
        finally:
            (tmp_path / "away").rename(folder)
        used.append(len(found[0].references))
        return found

    monkeypatch.setattr(verify, "_evidence", without)
    before = len(open_ledger(desk.workspace).statements())
    with suppress(CureLensError):
        verify.verify_run(run, "cpu")
    made = [one for one in open_ledger(desk.workspace).statements()[before:] if one.kind == "verification"]
    assert all(sum(name.startswith("reference ") for name in one.subjects) == used[0] for one in made)


def test_fall_of_a_forged_evaluation_is_not_submitted(desk, run, monkeypatch):
    """It lies there while a verification reads it for the drift budget."""
    file, read = run.layout.evaluation, verify._evaluation
    honest, forged = file.read_bytes(), read_json(file)
    forged["unlearned"]["test_auc"]["value"] = 0.999

    def exchanged(*given):
        write_json(file, forged)
        found = read(*given)
        file.write_bytes(honest)
        return found

    monkeypatch.setattr(verify, "_evaluation", exchanged)
    verify.verify_run(run, "cpu")
    with pytest.raises(ReviewError, match=r"was changed since it was signed \(evaluation\)"):
        desk.submit()
