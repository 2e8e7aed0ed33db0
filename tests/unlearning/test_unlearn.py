"""Unlearning on real small models: what must not move does not move, what must forget forgets."""

from dataclasses import replace

import pytest
import torch

from core.context import load_adapter, make_context
from core.models.blocks import cell_groups, layout
from core.models.families import anatomy
from core.types import Group
from core.unlearning.methods import METHODS
from core.unlearning.unlearn import Material, mean_loss, unlearn


def setup(workspace):
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    split = context.split
    return recommender.model, Material(
        *(context.encode(p) for p in (split.forget, split.retain, split.validation, split.holdout)),
        choices=recommender.choices,
    )


def groups_in_turn(model) -> dict[str, Group]:
    return {name: list(Group)[i % 4] for i, name in enumerate(anatomy(model).modules)}


def test_base_and_outside_are_bit_identical(workspace):
    model, material = setup(workspace)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    groups = groups_in_turn(model)
    outcome = unlearn(model, material, groups, replace(METHODS["cure"], steps=6, tolerance=10.0))
    after = model.state_dict()
    assert outcome.steps > 0 and set(after) == set(before)
    plan = layout(model)
    kinds = cell_groups(plan.cells, groups)
    moved = 0
    for name, old in before.items():
        if name not in plan.parameters:
            assert torch.equal(
                old.view(torch.uint8) if old.dim() else old, after[name].view(torch.uint8) if old.dim() else after[name]
            ), name
            continue
        outside = torch.tensor([kind is Group.OUTSIDE for kind in kinds])[plan.index[name]].nonzero()[:, 0]
        old_rows, new_rows = (value.index_select(plan.dims[name], outside) for value in (old, after[name]))
        assert torch.equal(old_rows.view(torch.int32), new_rows.view(torch.int32)), name
        moved += (old != after[name]).sum().item()
    assert moved > 0


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.retrain])
def test_forgetting_raises_the_forget_loss(workspace, method):
    model, material = setup(workspace)
    before = mean_loss(model, material.forget)
    shared = dict.fromkeys(anatomy(model).modules, Group.SHARED)
    unlearn(model, material, shared, replace(METHODS[method], steps=15, tolerance=10.0))
    assert mean_loss(model, material.forget) > before


def test_a_watcher_can_stop_it(workspace):
    model, material = setup(workspace)
    shared = dict.fromkeys(anatomy(model).modules, Group.SHARED)
    outcome = unlearn(model, material, shared, replace(METHODS["npo"], steps=15), watch=lambda step: step.number == 2)
    assert outcome.steps == 2


def test_it_stops_on_validation_loss(workspace):
    model, material = setup(workspace)
    shared = dict.fromkeys(anatomy(model).modules, Group.SHARED)
    wild = replace(METHODS["gradient_ascent"], learning_rate=0.5, steps=50)
    outcome = unlearn(model, material, shared, wild)
    assert outcome.steps < 50 and outcome.reason


def test_the_same_seed_gives_the_same_adapter(workspace):
    results = []
    for _ in range(2):
        model, material = setup(workspace)
        unlearn(model, material, groups_in_turn(model), replace(METHODS["cure"], steps=3), seed=5)
        results.append({name: value.clone() for name, value in model.state_dict().items() if "lora" in name})
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])
