"""Events of a run: their order for each kind of run, and a pipeline that writes no files itself."""

import hashlib
from itertools import pairwise

import pytest

from core.circuit import bootstrap, extraction
from core.grouping.regroup import regroup_run
from core.pipeline.events import (
    AdapterSaved,
    CircuitsFound,
    DataRead,
    DirectEffectsFound,
    Evaluated,
    GroupsAssigned,
    MemoryFound,
    ModelLoaded,
    NullObserver,
    ReportBuilt,
    RetrainingStarted,
    StageProgress,
    StageStarted,
    StepTaken,
    Unlearned,
)
from core.pipeline.kept_answers import NOTHING_KEPT
from core.pipeline.stages import run
from core.runs.folder_observer import FolderObserver
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import GroupEdit, RunSpec, RunState
from core.unlearning.training_types import NO_CHECKPOINTS
from core.workspace.run_layout import AdapterLayout

LOADING = ["stage loading", ModelLoaded, DataRead, "stage original"]
CIRCUIT = ["stage contrast prompts", "stage circuit", CircuitsFound, DirectEffectsFound]
GROUPS = ["stage groups", GroupsAssigned]
END = ["stage evaluation", ModelLoaded, ModelLoaded, Evaluated, "stage report", ReportBuilt]
UNLEARNING = ["stage unlearning", StepTaken, Unlearned]
ORDERS = {
    "cure": [*LOADING, *CIRCUIT, *GROUPS, *UNLEARNING, *END],
    "cure_memory": [*LOADING, "stage groups", MemoryFound, *UNLEARNING, *END],
    "uniform": [*LOADING, *UNLEARNING, *END],
    "retrain": [*LOADING, "stage unlearning", ModelLoaded, RetrainingStarted, StepTaken, Unlearned, *END],
}
EDITED = [*LOADING, "stage groups", CircuitsFound, DirectEffectsFound, GroupsAssigned, *UNLEARNING, *END]


class Recorder(NullObserver):
    """Record every event."""

    def __init__(self):
        self.events = []

    def on_event(self, event):
        self.events.append(event)


def order(events):
    """Return stage names and event types in order, without progress events; repeated steps count once."""
    names = [f"stage {one.name}" if isinstance(one, StageStarted) else type(one) for one in events]
    names = [name for name in names if name is not StageProgress]
    return names[:1] + [name for before, name in pairwise(names) if not before is name is StepTaken]


def snapshot(folder):
    return {path: hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*") if path.is_file()}


def recorded(workspace, method, edit=None):
    recorder, request = Recorder(), workspace.requests()[0]
    run(
        workspace,
        RunSpec("run-1", request.id, method, "cpu", 0, 3, edit=edit),
        request,
        recorder,
        NO_CHECKPOINTS,
        NOTHING_KEPT,
    )
    return recorder.events


@pytest.mark.parametrize("method", ORDERS)
def test_events_come_in_order_and_no_file_is_written(workspace, method, monkeypatch):
    monkeypatch.chdir(workspace.root)
    before = snapshot(workspace.root)
    events = recorded(workspace, method)
    assert order(events) == ORDERS[method]
    assert snapshot(workspace.root) == before
    assert ("by memory contrast" in events[-1].html) is (method == "cure_memory")


def test_run_with_edited_groups_reuses_earlier_circuits(workspace):
    earlier = create_run(workspace, workspace.requests()[0].id, "cure", "cpu", steps=3)
    assert work(earlier) is RunState.DONE
    before = snapshot(workspace.root)
    events = recorded(workspace, "cure", GroupEdit(earlier.id))
    assert order(events) == EDITED and snapshot(workspace.root) == before
    found = {type(event): event for event in events}
    assert found[CircuitsFound].circuits == earlier.circuits
    assert {row.module: row for row in found[DirectEffectsFound].effects} == earlier.direct_effects
    assert found[GroupsAssigned].groups == earlier.groups


def test_bootstrap_runs_once_and_preview_equals_the_run(workspace, monkeypatch):
    seeds, resampled = [], bootstrap.bootstrap_means

    def counted(nodes, seed, *rest):
        seeds.append(seed)
        return resampled(nodes, seed, *rest)

    monkeypatch.setattr(bootstrap, "bootstrap_means", counted)
    run = create_run(workspace, workspace.requests()[0].id, "cure", "cpu", seed=5, steps=3)
    assert work(run) is RunState.DONE
    assert seeds == [5, 6]
    preview = regroup_run(run.layout, GroupEdit(run.id))
    assert preview.groups == run.groups and preview.circuits == run.circuits
    assert seeds == [5, 6, 5, 6]
    scores = extraction.load(run.path / "circuit.safetensors")
    for circuit, side, seed in zip(run.circuits, scores, (5, 6), strict=True):
        sample = bootstrap.draw_sample(side.nodes, len(circuit.members), seed)
        assert circuit.membership_probability == sample.membership_probability


def test_worker_records_adapter_digests_after_it_is_saved(workspace, monkeypatch):
    seen, on_event = [], FolderObserver.on_event

    def observed(observer, event):
        if isinstance(event, AdapterSaved):
            adapter = observer.run.path / "adapter"
            seen.append(AdapterLayout(adapter).digests())
            assert seen[0] == event.digests
            assert observer.run.outcome is None
        on_event(observer, event)

    monkeypatch.setattr(FolderObserver, "on_event", observed)
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", steps=2)
    assert work(run) is RunState.DONE and len(seen) == 1
    (line,) = [event for event in run.events() if event["kind"] == "adapter"]
    assert line["sha256"] == seen[0]["weights"]
