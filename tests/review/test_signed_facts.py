"""Facts that a file alone could hide: who resumed or cancelled a run, earlier requests, and the comparison of lists."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from core.cli import console
from core.errors import RequestError, ReviewError, RunError
from core.report.case_record import entries_of_request
from core.review import execution
from core.review.batches import dissolve, open_batch
from core.runs import cancel, submit, worker
from core.runs.handle import RunHandle, open_run
from core.runs.ledger import CANCELLED, OVERLAP, RESUMED, open_ledger
from core.runs.requests import check_opened, request_mark, rewrite, write_marked
from core.runs.submit import _dedup_key, as_submitted, create_run
from core.types import CaseState, Overlap, RunSpec, RunState
from core.utils.serialization import to_json, write_json
from dashboard.components.history import entry_sentence
from tests.review.test_signed_people import opened


def test_who_resumed_a_run_is_told_by_the_ledger_alone(desk):
    run = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=9, steps=3, launched_by="olaf")
    run.store.fail_queued(run.id, "test")
    submit.resume(run, "otto")
    run.request_cancel()
    run.layout.events.unlink(missing_ok=True)
    assert open_ledger(desk.workspace).facts(RESUMED, run.id) == [(run.id, "otto")]


def test_cancelled_run_does_not_go_on_where_the_store_forgets_it(desk):
    run = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=9, steps=3)
    cancel.cancel(run, "olaf")
    for file in desk.workspace.layout.store_files():
        file.unlink(missing_ok=True)
    run = RunHandle(run.path)
    run.store.add(run.id, "again", externally_queued=False)
    assert worker.work(run) is RunState.CANCELLED
    assert not run.layout.adapter.exists() and not open_ledger(desk.workspace).run_subjects(run.id)


def test_who_cancels_a_run_by_ctrl_c_is_told_by_the_ledger(desk, monkeypatch):
    run = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=9, steps=3)
    monkeypatch.setattr(console.time, "sleep", pressed)
    with pytest.raises(KeyboardInterrupt):
        console.follow_run(run, True, "olaf")
    assert run.status.state is RunState.CANCELLED
    assert open_ledger(desk.workspace).facts(CANCELLED, run.id) == [(run.id, "olaf")]


def pressed(_seconds: float) -> None:
    raise KeyboardInterrupt


def test_run_that_is_cancelled_at_its_end_is_not_signed(desk, monkeypatch):
    """Somebody changes the store before the worker hears of the cancellation."""
    run = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=9, steps=3)
    stages = worker.run_stages

    def until_cancelled(*arguments):
        stages(*arguments)
        cancel.cancel(run, "olaf")

    monkeypatch.setattr(RunHandle, "request_cancel", lambda _run: None)
    monkeypatch.setattr(worker, "run_stages", until_cancelled)
    assert worker.work(run) is RunState.CANCELLED
    assert not run.layout.adapter.exists() and not open_ledger(desk.workspace).run_subjects(run.id)


def test_earlier_version_of_a_request_does_not_come_back(desk):
    request = opened(desk)
    file = desk.workspace.layout.request(request.id)
    before = file.read_bytes()
    write_marked(desk.workspace, replace(request, opened_by="olaf"))
    file.write_bytes(before)
    with pytest.raises(RequestError, match="is not signed as it stands"):
        create_run(desk.workspace, request.id, "uniform", "cpu")


def test_dissolved_batch_does_not_come_back(desk):
    batch = open_batch(desk.workspace, [opened(desk).id, desk.request], opened_by="rita")
    file = desk.workspace.layout.request(batch.id)
    before = file.read_bytes()
    dissolve(desk.workspace, batch.id)
    file.write_bytes(before)
    with pytest.raises(RequestError, match="is not signed as it stands"):
        create_run(desk.workspace, batch.id, "uniform", "cpu")


def test_request_of_an_earlier_version_counts_by_its_mark_alone(desk):
    """Such a request was marked before marks were entered into the ledger."""
    older = replace(opened(desk), id="req-older")
    write_json(desk.workspace.layout.request(older.id), replace(older, mark=request_mark(desk.workspace)(older)))
    check_opened(desk.workspace, desk.workspace.request(older.id))


@pytest.mark.parametrize("entered", [False, True], ids=["before the entry", "after the entry"])
def test_rewriting_that_was_killed_is_done_again(desk, entered):
    """A deletion enters the mark of the smaller request before it writes it."""
    request = opened(desk)
    smaller = replace(request, reason="")
    if entered:
        write_marked(desk.workspace, smaller)
        write_json(desk.workspace.layout.request(request.id), request)  # what stood there before
    rewrite(desk.workspace, desk.workspace.request(request.id), smaller, desk.request)
    check_opened(desk.workspace, desk.workspace.request(request.id))


def test_deletion_does_not_sign_an_earlier_version(desk):
    request = opened(desk)
    write_marked(desk.workspace, replace(request, opened_by="olaf"))
    rewrite(desk.workspace, request, replace(request, reason=""), desk.request)
    with pytest.raises(RequestError, match="is not signed as it stands"):
        check_opened(desk.workspace, desk.workspace.request(request.id))


OVERLAPS = (Overlap("u000", 0.9, 0.8, 0.1), Overlap("u001", 0.7, 0.8, 0.2))


@pytest.mark.parametrize("change", ["rewritten", "removed", "put there"])
def test_comparison_of_lists_that_was_not_computed_is_not_submitted(desk, change):
    run = open_run(desk.workspace, desk.run)
    if change != "put there":
        open_ledger(desk.workspace).record_fact(OVERLAP, run.id, run.write_overlap(OVERLAPS))
    if change == "removed":
        run.layout.overlap.unlink()
    else:
        run.write_overlap(OVERLAPS[:1])
    with pytest.raises(ReviewError, match="is not what was computed and signed: compare all lists again"):
        desk.submit()


def test_comparison_that_was_computed_is_submitted_and_approved(desk):
    run = open_run(desk.workspace, desk.run)
    open_ledger(desk.workspace).record_fact(OVERLAP, run.id, run.write_overlap(OVERLAPS))
    desk.approve()
    execution.execute_decisions(desk.workspace)
    assert desk.case.state is CaseState.CLOSED


def test_record_tells_who_resumed_and_who_stopped_a_run(desk):
    run = create_run(desk.workspace, desk.request, "uniform", "cpu", seed=9, steps=3)
    run.store.fail_queued(run.id, "test")
    submit.resume(run, "otto")
    cancel.cancel(run, "olaf")
    found = entries_of_request(to_json(open_ledger(desk.workspace).statements()), desk.request, [run.id])
    sentences = [entry_sentence(one) for one in found]
    assert sentences[-2:] == [f"otto resumed run `{run.id}`.", f"olaf stopped run `{run.id}`."]


def test_launch_of_a_job_resumes_no_other_run(desk):
    """One value in the store says that the run of another job does this one."""
    job = RunSpec("", desk.request, "finetune", "cpu", 0, 2, "", None, "local", "", "paul")
    same = _dedup_key(as_submitted(desk.workspace, job))
    with closing(sqlite3.connect(desk.workspace.layout.store)) as database, database:
        database.execute("UPDATE runs SET wish = ?, state = 'queued', worker = NULL", (same,))
    with pytest.raises(RunError, match=f"Run {desk.run!r} does another job than"):
        create_run(desk.workspace, desk.request, "finetune", "cpu", steps=2, launched_by="paul")
    assert open_ledger(desk.workspace).facts(RESUMED, desk.run) == []
    assert [one.name for one in desk.workspace.layout.run_folders()] == [desk.run]
