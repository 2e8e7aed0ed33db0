"""Memory contrast: equal to its definition, groups by noise, and an unchanged model afterwards."""

import pytest
import torch
from scipy.stats import spearmanr

from core.models.lora_layout import layout
from core.types import Group, MemoryContrast
from core.unlearning import memory_contrast
from core.unlearning.early_stopping import mean_loss
from core.unlearning.memory_contrast import (
    attributed_rises,
    cell_rises,
    memory_contrasts,
    prompt_losses,
    switched_off,
    switched_rises,
)
from core.unlearning.teachers import TEACHERS
from tests.unlearning.test_unlearn import load_prompts


def test_contrast_equals_difference_of_four_mean_losses(workspace):
    model, prompts = load_prompts(workspace)
    plan = layout(model)
    found = memory_contrasts(model, prompts.forget, prompts.holdout)
    assert {one.module for one in found} == {owner for owners in plan.cells for owner in owners}
    before = mean_loss(model, prompts.forget), mean_loss(model, prompts.holdout)
    for one in found[:3]:
        with switched_off(plan, [one.module]):
            rises = mean_loss(model, prompts.forget) - before[0], mean_loss(model, prompts.holdout) - before[1]
        assert abs(one.contrast - (rises[0] - rises[1])) < 1e-5
        assert one.contrast_noise > 0


def test_attributed_rises_sum_to_that_of_the_whole_adapter(workspace, monkeypatch):
    """Completeness of integrated gradients, over all cells: those with several owners belong to no head alone."""
    model, prompts = load_prompts(workspace)
    plan, forget = layout(model), prompts.forget
    with switched_off(plan, plan.modules):
        whole = prompt_losses(model, forget)
    whole -= prompt_losses(model, forget)
    before = plan.weights()
    monkeypatch.setattr(memory_contrast, "STRENGTHS", 20)  # this tiny model's loss bends sharply
    assert cell_rises(model, plan, forget).sum(1).numpy() == pytest.approx(whole, rel=0.05, abs=0.02)
    assert torch.equal(plan.weights(), before)
    found, exact = (measure(model, plan, forget) for measure in (attributed_rises, switched_rises))
    assert spearmanr(*([rises[name].sum() for name in plan.modules] for rises in (exact, found))).statistic > 0.5
    monkeypatch.setattr(memory_contrast, "EXACT_MODULES", 0)
    contrasts = memory_contrasts(model, forget, prompts.holdout)
    tokens = sum(prompt.answer_tokens for prompt in forget)
    assert [one.forget for one in contrasts] == pytest.approx([found[one.module].sum() / tokens for one in contrasts])


def test_switching_off_all_modules_equals_base_and_is_undone(workspace):
    model, prompts = load_prompts(workspace)
    plan = layout(model)
    before = {name: parameter.detach().clone() for name, parameter in plan.parameters.items()}
    modules = [owner for owners in plan.cells for owner in owners]
    with model.disable_adapter():
        base = prompt_losses(model, prompts.forget)
    with switched_off(plan, modules):
        off = prompt_losses(model, prompts.forget)
    assert abs(off - base).max() < 1e-4
    assert all(torch.equal(parameter, before[name]) for name, parameter in plan.parameters.items())


def test_group_depends_on_effects_beyond_the_noise():
    groups = [
        MemoryContrast("m0", *values).group for values in ((3, 0, 1, 1), (5, 2, 1, 1), (2, 2, 1, 1), (0.5, 0, 1, 1))
    ]
    assert groups == [Group.FORGET, Group.SHARED, Group.RETAIN, Group.OUTSIDE]


def test_teacher_without_forget_modules_equals_the_base(workspace):
    model, prompts = load_prompts(workspace)
    modules = [owner for owners in layout(model).cells for owner in owners]
    all_retain = TEACHERS["memory_off"](model, prompts.forget, 0, dict.fromkeys(modules, Group.RETAIN))
    all_forget = TEACHERS["memory_off"](model, prompts.forget, 0, dict.fromkeys(modules, Group.FORGET))
    base = TEACHERS["base"](model, prompts.forget, 0, {})
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(all_forget, base, strict=True))
    assert any(not torch.allclose(a, b, atol=1e-2) for a, b in zip(all_retain, base, strict=True))
