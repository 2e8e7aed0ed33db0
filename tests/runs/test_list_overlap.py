"""Overlap of recommendation lists before and after a run: values, neighbours, status and cancellation."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import RunError, WorkspaceError
from core.evaluation.evaluate import top_list
from core.pipeline.collect_answers import NEIGHBOURS, neighbours
from core.pipeline.context import load_adapter, make_context
from core.runs.handle import RunHandle
from core.runs.ledger import open_ledger
from core.runs.list_overlap import launch_overlaps, overlaps, write_overlaps
from core.runs.process_identity import this_worker
from core.types import RunState
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from dashboard.presenters import tables

DEMO = Path(__file__).parents[2] / "assets/demo"


@pytest.fixture
def run(tmp_path: Path) -> RunHandle:
    return RunHandle(shutil.copytree(DEMO, tmp_path / "demo") / "runs/run-demo")


def test_overlaps_of_the_demo_equal_those_of_its_models():
    run, workspace = RunHandle(DEMO / "runs/run-demo"), Workspace(DEMO)
    request = workspace.request(run.spec.request)
    found = run.overlaps
    assert {one.user for one in found} == set(workspace.user_split.training_users) - set(request.subjects)
    folders = (
        str(workspace.adapter),
        run.path / "adapter",
        workspace.reference_folders(request.id)[0],
    )
    models = [load_adapter(workspace, str(folder), "cpu") for folder in folders]
    context = make_context(workspace, request, models[0].tokenizer)
    for one in (found[0], min(found, key=lambda one: one.after)):
        history = context.histories[one.user]
        before, after, retrained = (
            {row.item for row in top_list(model, history, context.prompt_setup, workspace.items)} for model in models
        )
        assert (one.after, one.reference) == (len(before & after) / 10, len(before & retrained) / 10)


def test_similarity_of_the_page_equals_v10():
    run, workspace = RunHandle(DEMO / "runs/run-demo"), Workspace(DEMO)
    request = workspace.request(run.spec.request)
    recommender = load_adapter(workspace, None, "cpu")
    context = make_context(workspace, request, recommender.tokenizer)
    titles = {user: {event.item for event in events} for user, events in context.histories.items()}
    forgotten = set().union(*(titles[user] for user in request.subjects))
    for one in run.overlaps:
        assert one.near == len(titles[one.user] & forgotten) / len(titles[one.user] | forgotten)
    assert set(tables.neighbours(run.overlaps, NEIGHBOURS).iloc[:, 0]) == neighbours(context)


def test_run_without_adapter_is_refused_with_failed_status(run: RunHandle):
    shutil.rmtree(run.path / "adapter")
    with pytest.raises(RunError, match="has no adapter"):
        write_overlaps(run)
    status = run.overlap_status
    assert status.state is RunState.FAILED and "has no adapter" in status.message


def test_comparison_writes_its_log_through_no_link(run: RunHandle, tmp_path: Path):
    run.layout.log.unlink(missing_ok=True)
    run.layout.log.symlink_to(tmp_path / "outside")
    with pytest.raises(WorkspaceError):
        launch_overlaps(run, "")
    assert not (tmp_path / "outside").exists()


def test_comparison_with_dead_worker_is_lost(run: RunHandle):
    status = read_json(run.path / "overlap-status.json")
    dead = replace(this_worker(), pid=2**22 + 1)
    write_json(run.layout.overlap_status, status | {"state": "running", "worker": dead})
    assert run.overlap_status.state is RunState.LOST


def test_progress_callback_can_stop_the_comparison(run: RunHandle):
    seen = []

    def stop(share: float) -> None:
        seen.append(share)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        overlaps(run, run.workspace.request(run.spec.request), open_ledger(run.workspace), "cpu", stop)
    assert 0 < seen[0] < seen[1] < 1
