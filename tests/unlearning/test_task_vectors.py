"""Unlearning by task vectors: rules of the groups, limits of the search, and counting of steps."""

import random
from dataclasses import replace

import pytest
import torch

from core.evaluation.predictions import predict
from core.models.families import anatomy
from core.models.lora_layout import cell_groups, layout
from core.pipeline.context import load_adapter, make_context
from core.types import Group
from core.unlearning import early_stopping
from core.unlearning.early_stopping import mean_loss, training_advantage
from core.unlearning.finetuning import finetune
from core.unlearning.methods import METHODS
from core.unlearning.task_vectors import MOVE_MULTIPLES, combine_task_vectors
from core.unlearning.teachers import OVERFIT
from core.unlearning.unlearn import unlearn_adapter
from tests.unlearning.test_unlearn import alternating_groups, load_prompts

MERGE = replace(METHODS["cure_merge"], steps=4, tolerance=10.0)


def random_task_vectors(model):
    plan, rng = layout(model), torch.Generator().manual_seed(0)
    return plan, *(torch.randn(plan.weights().shape, generator=rng) for _ in range(2))


def test_each_group_moves_by_its_rule(workspace):
    model, _ = load_prompts(workspace)
    plan, forget_vector, retain_vector = random_task_vectors(model)
    groups = alternating_groups(model)
    kinds = cell_groups(plan.cells, groups)
    move, measures = combine_task_vectors(forget_vector, retain_vector, plan, kinds, MERGE)
    forget, retain = MERGE.weights
    rules = {
        Group.FORGET: lambda f, r: forget * f,
        Group.RETAIN: lambda f, r: retain * r,
        Group.SHARED: lambda f, r: forget * (f - min(0.0, (f * r).sum()) / (r * r).sum() * r) + retain * r,
        Group.OUTSIDE: lambda f, r: 0 * f,
    }
    for cell, kind in enumerate(kinds):
        rows = plan.cell_of == cell
        torch.testing.assert_close(
            move[rows], rules[kind](forget_vector[rows], retain_vector[rows]), rtol=1e-4, atol=1e-6
        )
    assert 0 < measures["conflict"] <= 1


def test_shared_move_keeps_the_retain_vector(workspace):
    """<move, retain vector> >= w_r |retain vector|^2 in every cell, as for gradients."""
    model, _ = load_prompts(workspace)
    plan, forget_vector, retain_vector = random_task_vectors(model)
    shared = (Group.SHARED,) * len(plan.cells)
    for vector in (forget_vector, -retain_vector):  # the second vector opposes the retain vector everywhere
        move, _ = combine_task_vectors(vector, retain_vector, plan, shared, MERGE)
        gained, kept = plan.inner(move, retain_vector), plan.inner(retain_vector, retain_vector)
        assert (gained >= MERGE.weights[1] * kept * (1 - 1e-5)).all()


def test_zero_retain_weight_negates_the_forget_vector_less_half_of_the_control(workspace):
    """Compares with both over-fittings by hand and a move by the same multiple in the opposite direction."""
    model, prompts = load_prompts(workspace)
    plan, before = layout(model), layout(model).weights()
    negation = replace(MERGE, weights=(1.0, 0.0), surgery="sum")
    multiples = []
    unlearn_adapter(
        model, prompts, all_shared(model), negation, 3, lambda step: multiples.append(step.losses.get("reach"))
    )
    found = plan.weights()
    plan.write(before)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in plan.parameters)
    wanted, control = max(32, len(prompts.forget)), list(prompts.retain)
    control = random.Random(3).sample(control, wanted) if len(control) > wanted else control
    vectors = []
    for overfitted in (prompts.forget, control):
        epochs = -(-MERGE.steps // -(-len(overfitted) // OVERFIT.batch_size))
        finetune(model, overfitted, replace(OVERFIT, epochs=epochs, seed=3))
        vectors.append(plan.weights() - before)
        plan.write(before)
    torch.testing.assert_close(found, before - multiples[-1] * (vectors[0] - vectors[1] / 2), rtol=0, atol=1e-6)


def test_move_that_harms_retained_users_is_undone(workspace):
    model, prompts = load_prompts(workspace)
    before = layout(model).weights()
    outcome = unlearn_adapter(model, prompts, all_shared(model), replace(MERGE, tolerance=-1.0))
    assert "retained users" in outcome.reason and torch.equal(layout(model).weights(), before)
    assert all(cell.relative_change == 0 for cell in outcome.cells)


@pytest.mark.parametrize("last", [2, 6])
def test_stop_during_training_leaves_the_original(workspace, last):
    model, prompts = load_prompts(workspace)
    before = layout(model).weights()
    outcome = unlearn_adapter(model, prompts, all_shared(model), MERGE, watch=lambda step: step.number == last)
    assert last <= outcome.steps <= last + 2 and torch.equal(layout(model).weights(), before)


def test_steps_are_counted_across_trainings_and_search(workspace):
    model, prompts = load_prompts(workspace)
    steps = []
    outcome = unlearn_adapter(model, prompts, all_shared(model), MERGE, watch=lambda step: steps.append(step) or False)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    multiples_tried = [step.losses["reach"] for step in steps if "reach" in step.losses]
    grid = [one for one in multiples_tried if one in MOVE_MULTIPLES]
    assert tuple(grid) == MOVE_MULTIPLES[: len(grid)] and len(multiples_tried) - len(grid) <= 1
    assert len(steps) == outcome.steps + len(multiples_tried)
    assert all(step.total == outcome.steps + len(MOVE_MULTIPLES) + 1 for step in steps)


def test_search_ends_where_the_advantage_is_forgotten(workspace, monkeypatch):
    """The rise of the loss is recorded first, then an advantage between the rises of two multiples is asked for."""
    rises = {reach: -losses["left"] for reach, losses in searched(workspace, monkeypatch, 0.0, stops=False).items()}
    asked = (rises[1.0] + rises[1.5]) / 2
    found = searched(workspace, monkeypatch, asked)
    *_, before, beyond, chosen = found
    assert (before, beyond) == (1.0, 1.5) and before < chosen < beyond
    assert abs(found[chosen]["left"]) < (rises[1.5] - rises[1.0]) / 10
    model, prompts = load_prompts(workspace)
    assert found[chosen]["forget_nll"] == pytest.approx(
        mean_loss(model, prompts.forget) + asked - found[chosen]["left"], abs=1e-5
    )


def searched(workspace, monkeypatch, advantage, stops=True):
    """Losses by multiple of a search for this advantage; without stops, of all multiples."""
    model, prompts = load_prompts(workspace)
    with monkeypatch.context() as patched:
        patched.setattr(early_stopping, "training_advantage", lambda *_: advantage / early_stopping.SHARE)
        if not stops:
            patched.setattr(early_stopping.Stopper, "reason", property(lambda _: "", lambda *_: None), raising=False)
        steps = []
        method = replace(MERGE, steps=8, weights=(1.0, 0.0))
        unlearn_adapter(model, prompts, all_shared(model), method, watch=lambda step: steps.append(step) or False)
    return {step.losses["reach"]: step.losses for step in steps if "reach" in step.losses}


def test_advantage_of_training_is_what_the_adapter_helps_training_users_more(workspace):
    """Compares with the evaluation's losses, row by row."""
    model, prompts = load_prompts(workspace)
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    losses = {}
    for name in ("retain", "holdout"):
        part = getattr(context.split, name)
        after = predict(recommender, part, context.prompt_setup).losses.mean()
        with recommender.model.disable_adapter():
            losses[name] = predict(recommender, part, context.prompt_setup).losses.mean() - after
    found = training_advantage(model, prompts.retain, prompts.holdout)
    assert found == pytest.approx(losses["retain"] - losses["holdout"], abs=0.02)


def all_shared(model):
    return dict.fromkeys(anatomy(model).modules, Group.SHARED)
