"""Edited groups: default thresholds change nothing, moves keep their reason, bad edits are refused early."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from core.circuit.bootstrap import bootstrap_means, strongest_modules
from core.circuit.extraction import load
from core.errors import RunError
from core.grouping.assign import assign_group
from core.grouping.regroup import regroup_run
from core.models.lora_layout import layout
from core.pipeline.context import load_adapter
from core.runs.handle import RunHandle, runs
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import Group, GroupEdit, GroupMove, RunState
from core.types.circuit import DEFAULT_RULE
from core.workspace import Workspace

DEMO = Path(__file__).parents[2] / "assets/demo"
RUN = RunHandle(DEMO / "runs/run-demo")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(DEMO, tmp_path / "demo"))


def test_edit_with_default_thresholds_keeps_groups_of_the_run():
    result = regroup_run(RUN.layout, GroupEdit(RUN.id))
    assert result.groups == RUN.groups and result.circuits == RUN.circuits


def test_thresholds_assign_each_module_by_the_rule():
    forget, retain = (set(circuit.members) for circuit in RUN.circuits)
    groups = regroup_run(RUN.layout, GroupEdit(RUN.id, 0.2, 0.55)).groups
    for row in groups:
        assert row.group is assign_group(row.module in forget, row.module in retain, row.ratio, row.noise, 0.2, 0.55)
    assert (
        assign_group(True, True, 0.6, 0.0, 0.2, 0.55) is Group.FORGET
        and assign_group(True, True, 0.3, 0.0, 0.2, 0.55) is Group.SHARED
    )


def test_move_keeps_its_reason_and_bootstrap_agreement():
    module = next(row.module for row in RUN.groups if row.group is Group.SHARED)
    edit = GroupEdit(RUN.id, moves=(GroupMove(module, Group.FORGET, "a person knows"),))
    result = regroup_run(RUN.layout, edit)
    circuits, groups = result.circuits, result.groups
    moved = next(row for row in groups if row.module == module)
    assert (moved.group, moved.reason) == (Group.FORGET, "a person knows")
    others = [row for row in groups if row.module != module]
    assert others == [row for row in RUN.groups if row.module != module]
    column, scores = circuits[0].modules.index(module), load(RUN.path / "circuit.safetensors")
    means = [bootstrap_means(one.nodes, RUN.spec.seed + side) for side, one in enumerate(scores)]
    inside = [
        strongest_modules(mean, len(circuit.members))[:, column] for mean, circuit in zip(means, circuits, strict=True)
    ]
    shares = [(mean.abs() / mean.abs().sum(1, keepdim=True))[:, column] for mean in means]
    ratios = shares[0] / (shares[0] + shares[1])
    agree = [
        assign_group(bool(in_f), bool(in_r), float(ratio), moved.noise) is Group.FORGET
        for in_f, in_r, ratio in zip(*inside, ratios, strict=True)
    ]
    assert moved.membership_probability == pytest.approx(sum(agree) / len(agree))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"low": 0.6}, "leave no middle"),
        ({"high": 1.0}, "leave no middle"),
        ({"moves": (GroupMove("a9.h9", Group.FORGET, "x"),)}, "is not in this model"),
        ({"moves": (GroupMove("m0", Group.FORGET, "x"), GroupMove("m0", Group.RETAIN, "y"))}, "moved twice"),
        ({"moves": (GroupMove("m0", Group.FORGET, "  "),)}, "without a reason"),
        ({"source": "run-nowhere"}, "is not in this workspace"),
    ],
)
def test_bad_edit_is_refused_before_a_run_is_created(workspace: Workspace, change: dict, message: str):
    known = {run.id for run in runs(workspace)}
    with pytest.raises(RunError, match=message):
        create_run(workspace, "req-one", "cure", "cpu", edit=replace(GroupEdit(RUN.id), **change))
    assert {run.id for run in runs(workspace)} == known


def test_edit_with_wrong_method_request_or_circuit_is_refused(workspace: Workspace):
    with pytest.raises(RunError, match="does not use circuits"):
        create_run(workspace, "req-one", "uniform", "cpu", edit=GroupEdit(RUN.id))
    other = open_request(workspace, users=workspace.user_split.training_users[:1])
    with pytest.raises(RunError, match="is of request"):
        create_run(workspace, other.id, "cure", "cpu", edit=GroupEdit(RUN.id))
    (workspace.root / "runs" / RUN.id / "circuit.safetensors").unlink()
    with pytest.raises(RunError, match="has no circuit"):
        create_run(workspace, "req-one", "cure", "cpu", edit=GroupEdit(RUN.id))


@pytest.mark.slow
def test_run_with_edit_changes_only_allowed_cells(workspace: Workspace):
    shutil.rmtree(workspace.layout.references("req-one"))  # asking them takes long
    module = next(row.module for row in RUN.groups if row.group is Group.SHARED)
    edit = GroupEdit(RUN.id, 0.3, 0.7, (GroupMove(module, Group.OUTSIDE, "not this one"),))
    run = create_run(workspace, "req-one", "cure", "cpu", steps=3, edit=edit)
    assert work(run) is RunState.DONE, run.status.message
    assert run.spec.edit == edit
    assert next(row for row in run.groups if row.module == module).reason == "not this one"
    for name in ("circuit.safetensors", "toward.json"):
        assert (run.path / name).read_bytes() == (RUN.path / name).read_bytes()
    assert run.circuits == RUN.circuits
    cells = {cell.owners: cell for cell in run.outcome.cells}
    outside = {row.module for row in run.groups if row.group is Group.OUTSIDE}
    assert module in outside
    assert all((cell.relative_change == 0) == bool(outside & set(owners)) for owners, cell in cells.items())
    before, after = (
        load_file(path / "adapter_model.safetensors") for path in (workspace.root / "adapter", run.path / "adapter")
    )
    plan = layout(load_adapter(workspace, str(workspace.root / "adapter"), "cpu").model)
    for block in plan.blocks:
        name = block.parameter.replace(".default.", ".")
        old, new = (side[name].narrow(block.dim, block.start, block.stop - block.start) for side in (before, after))
        assert old.equal(new) == bool(outside & set(block.owners))


def test_default_edit_has_default_thresholds_and_no_moves():
    assert (
        DEFAULT_RULE.low == pytest.approx(0.35) and DEFAULT_RULE.high == pytest.approx(0.65) and not DEFAULT_RULE.moves
    )
