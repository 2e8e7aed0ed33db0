"""Unlearning on real small models: frozen weights, forget loss, stopping, seeds and memory options."""

from dataclasses import replace

import pytest
import torch

from core.models.families import anatomy
from core.models.lora_layout import cell_groups, layout
from core.pipeline.context import load_adapter, make_context
from core.types import Group
from core.unlearning.early_stopping import mean_loss
from core.unlearning.gradient_unlearning import UnlearningStep, _gradient, only_trainable
from core.unlearning.methods import METHODS
from core.unlearning.paired_losses import PairLosses
from core.unlearning.training_types import UnlearningPrompts
from core.unlearning.unlearn import unlearn_adapter


def load_prompts(workspace):
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    split = context.split
    return recommender.model, UnlearningPrompts(
        *(context.encode(p) for p in (split.forget, split.retain, split.validation, split.holdout)),
        choices=recommender.choices,
    )


def bits(value: torch.Tensor) -> torch.Tensor:
    return value.view(torch.uint8) if value.dim() else value


def alternating_groups(model) -> dict[str, Group]:
    return {name: list(Group)[i % 4] for i, name in enumerate(anatomy(model).modules)}


@pytest.mark.parametrize("method", ["cure", "cure_merge"])
def test_base_and_outside_modules_stay_bit_identical(workspace, method):
    model, prompts = load_prompts(workspace)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    groups = alternating_groups(model)
    outcome = unlearn_adapter(model, prompts, groups, replace(METHODS[method], steps=6, tolerance=10.0))
    after = model.state_dict()
    assert outcome.steps > 0 and set(after) == set(before)
    plan = layout(model)
    kinds = cell_groups(plan.cells, groups)
    for name, old in before.items():
        if name not in plan.parameters:
            assert torch.equal(bits(old), bits(after[name])), name
    frozen = torch.tensor([kind is Group.OUTSIDE for kind in kinds])[plan.cell_of]
    old_rows, new_rows = (plan.flat([state[name] for name in plan.parameters]) for state in (before, after))
    assert torch.equal(bits(old_rows[frozen]), bits(new_rows[frozen]))
    assert (old_rows != new_rows).any(1)[~frozen].all()


def test_frozen_weights_have_no_second_moment(workspace):
    model, prompts = load_prompts(workspace)
    groups, plan = alternating_groups(model), layout(model)
    kinds = cell_groups(plan.cells, groups)
    with only_trainable(model, plan, False):
        step = UnlearningStep(
            PairLosses(model, plan, prompts, groups, METHODS["cure"], 0), plan, kinds, METHODS["cure"]
        )
        step(0)
    frozen = torch.tensor([kind is Group.OUTSIDE for kind in kinds])[plan.cell_of]
    assert (
        frozen.any()
        and not step.preconditioner.moment[frozen].any()
        and step.preconditioner.moment[~frozen].any(1).all()
    )


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.retrain])
def test_unlearning_raises_the_forget_loss(workspace, method):
    model, prompts = load_prompts(workspace)
    before = mean_loss(model, prompts.forget)
    shared = dict.fromkeys(anatomy(model).modules, Group.SHARED)
    unlearn_adapter(model, prompts, shared, replace(METHODS[method], steps=15, tolerance=10.0))
    assert mean_loss(model, prompts.forget) > before


def test_watch_callback_stops_unlearning(workspace):
    model, prompts = load_prompts(workspace)
    shared = dict.fromkeys(anatomy(model).modules, Group.SHARED)
    outcome = unlearn_adapter(
        model, prompts, shared, replace(METHODS["npo"], steps=15), watch=lambda step: step.number == 2
    )
    assert outcome.steps == 2


def test_unlearning_stops_on_validation_loss(workspace):
    model, prompts = load_prompts(workspace)
    shared = dict.fromkeys(anatomy(model).modules, Group.SHARED)
    fast_ascent = replace(METHODS["gradient_ascent"], learning_rate=0.5, steps=50)
    outcome = unlearn_adapter(model, prompts, shared, fast_ascent)
    assert outcome.steps < 50 and outcome.reason


def test_same_seed_gives_same_adapter(workspace):
    results = []
    for _ in range(2):
        model, prompts = load_prompts(workspace)
        unlearn_adapter(model, prompts, alternating_groups(model), replace(METHODS["cure"], steps=3), seed=5)
        results.append({name: value.clone() for name, value in model.state_dict().items() if "lora" in name})
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def gradients_of_a_step(model, prompts, **changes):
    """Flat forget and retain gradients of one step, for NPO (weighted per target) and CURE."""
    plan, found = layout(model), []
    for name in ("npo", "cure"):
        method = replace(METHODS[name], batch_size=5, **changes)
        losses = PairLosses(model, plan, prompts, {}, method, 0)
        with only_trainable(model, plan, method.checkpointing):
            found += [_gradient(losses.forget_parts(), plan)[1], _gradient(losses.retain_parts(), plan)[1]]
    return torch.stack(found)


def test_micro_batches_and_checkpointing_keep_gradients(workspace):
    model, prompts = load_prompts(workspace)
    whole = gradients_of_a_step(model, prompts)
    for changes in ({"micro_batch": 2}, {"checkpointing": True}, {"micro_batch": 1, "checkpointing": True}):
        torch.testing.assert_close(gradients_of_a_step(model, prompts, **changes), whole, rtol=1e-4, atol=1e-6)
    assert whole.abs().sum() > 0 and not model.training and not any(p.requires_grad for p in model.parameters())


def test_gradient_checkpointing_saves_fewer_activations(workspace):
    model, prompts = load_prompts(workspace)
    saved_sizes = {}
    for checkpointing in (False, True):
        plan, sizes = layout(model), []
        losses = PairLosses(model, plan, prompts, {}, METHODS["cure"], 0)
        with (
            only_trainable(model, plan, checkpointing),
            torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t),  # noqa: B023
        ):
            list(losses.retain_parts())
        saved_sizes[checkpointing] = sum(sizes)
    assert saved_sizes[True] < saved_sizes[False] / 2


def test_adapter_on_bfloat16_base_trains_in_float32(workspace):
    """Small steps would vanish in the eight bits of bfloat16."""
    model, prompts = load_prompts(workspace)
    for name, parameter in model.named_parameters():
        if "lora_" not in name:
            parameter.data = parameter.data.bfloat16()
    plan, start = layout(model), layout(model).weights()
    unlearn_adapter(
        model,
        prompts,
        dict.fromkeys(anatomy(model).modules, Group.SHARED),
        replace(METHODS["cure"], steps=2, learning_rate=1e-6),
    )
    assert all(parameter.dtype == torch.float32 for parameter in plan.parameters.values())
    moved = plan.weights() - start
    assert (moved != 0).float().mean() > 0.5 and moved.abs().max() < 1e-4
