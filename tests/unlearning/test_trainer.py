"""The training loop broken off, short of memory, and without a number."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from core.errors import RunError
from core.models.families import anatomy
from core.pipeline.context import load_adapter, make_context
from core.runs.checkpoints import Checkpoints
from core.types import Group
from core.unlearning import finetuning as fitting
from core.unlearning import gradient_unlearning
from core.unlearning.finetuning import FinetuneSettings, finetune
from core.unlearning.methods import METHODS
from core.unlearning.paired_losses import UnlearningPrompts
from core.unlearning.trainer import Schedule, train
from core.unlearning.unlearn import unlearn


class Broken(Exception):
    """The process is gone."""


def loaded(workspace):
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    split = context.split
    sets = (context.encode(prompts) for prompts in (split.forget, split.retain, split.validation, split.holdout))
    return recommender.model, UnlearningPrompts(*sets, choices=recommender.choices)


def unlearned(workspace, method, keeper=None, break_at=0):
    """The adapter after a run that is broken off at a step, or not, and the losses that were told."""
    model, material = loaded(workspace)
    groups = {name: (Group.SHARED, Group.FORGET, Group.RETAIN)[i % 3] for i, name in enumerate(anatomy(model).modules)}
    told = {}

    def watch(step):
        told[step.number] = step.losses
        if step.number == break_at:
            raise Broken
        return False

    try:
        outcome = unlearn(model, material, groups, method, 3, watch, *([keeper] if keeper else []))
    except Broken:
        return None, told
    weights = {name: value for name, value in model.state_dict().items() if "lora_" in name}
    return (weights, outcome), told


@pytest.mark.parametrize("name", ["cure", "graddiff", "e2urec", "npo", "cure_merge", "undial"])
@pytest.mark.parametrize("every", [0.0, 1e9], ids=["each step", "only whole trainings"])
def test_broken_off_and_gone_on_with_equals_a_straight_run_bit_for_bit(workspace, tmp_path, name, every):
    """100 steps straight, and 50, gone, the other 50 in a model loaded anew."""
    steps, tolerance = (20 if name == "cure_merge" else 100), 10.0
    method = replace(METHODS[name], steps=steps, tolerance=tolerance)
    (straight, outcome), losses = unlearned(workspace, method)
    middle = max(1, len(losses) // 2)
    folder = tmp_path / "checkpoint"
    nothing, early = unlearned(workspace, method, Checkpoints(folder, every), middle)
    assert nothing is None and max(early) == middle
    (resumed, again), late = unlearned(workspace, method, Checkpoints(folder, every))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert again == outcome and early | late == losses
    if not every:  # what each training's last checkpoint left is told once more, nothing before it is done again
        assert sum(number < middle for number in late) <= (2 if name == "cure_merge" else 1)


@pytest.mark.parametrize("last", [19, 20, 21, 40])
def test_the_draws_go_on_where_those_that_were_looked_ahead_end(workspace, tmp_path, last):
    """What the original says is asked for 20 steps at once: a checkpoint may lie just before, at, or just after the last."""
    method = replace(METHODS["graddiff"], steps=44, tolerance=10.0)
    (straight, _), losses = unlearned(workspace, method)
    unlearned(
        workspace, method, Checkpoints(tmp_path, 0.0), last + 1
    )  # whoever breaks off at a step keeps the one before
    (resumed, _), late = unlearned(workspace, method, Checkpoints(tmp_path, 0.0))
    assert min(late) == last and all(losses[number] == told for number, told in late.items())
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


@pytest.mark.parametrize("when", [20, 21, 22])
def test_a_step_that_is_taken_again_for_lack_of_memory_sees_the_same_prompts(workspace, monkeypatch, when):
    from core.unlearning.gradient_unlearning import UnlearningStep

    method = replace(METHODS["graddiff"], steps=24, tolerance=10.0, micro_batch=1)
    _, straight = unlearned(workspace, method)
    monkeypatch.setattr(UnlearningStep, "halve_micro_batch", lambda self: True)
    call, left = UnlearningStep.__call__, [1]

    def cramped(self, step):
        told = call(self, step)
        if step + 1 == when and left and left.pop():
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return told

    monkeypatch.setattr(UnlearningStep, "__call__", cramped)
    _, again = unlearned(workspace, method)
    assert straight[when]["retain_loss"] == again[when]["retain_loss"] and not left


def test_the_end_of_a_training_is_found_again_where_the_stopper_said_it(workspace, tmp_path):
    """A run that its own rule ended, killed after that: the resumed one ends there for the same reason."""
    method = replace(METHODS["cure"], steps=60, tolerance=-1.0)
    (straight, outcome), _ = unlearned(workspace, method)
    assert outcome.steps < 60 and "validation" in outcome.reason
    first = unlearned(workspace, method, Checkpoints(tmp_path / "c", 1e9))
    again = unlearned(workspace, method, Checkpoints(tmp_path / "c", 1e9))
    assert first[0][1] == again[0][1] == outcome and max(again[1]) == outcome.steps
    assert all(torch.equal(straight[name], again[0][0][name]) for name in straight)


def test_a_training_from_nothing_goes_on_bit_for_bit(workspace, tmp_path):
    """Plain fine-tuning, as references and `retrain` have it: AdamW's moments and the order of the prompts too."""

    def trained(keeper=None, break_at=0):
        model, material = loaded(workspace)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("lora_" in name)

        def watch(step):
            if step.number == break_at:
                raise Broken
            return False

        settings = FinetuneSettings(epochs=3, learning_rate=1e-3, weight_decay=0.1, seed=5)
        try:
            finetune(model, material.retain, settings, watch, *([keeper] if keeper else []))
        except Broken:
            return None
        return [parameter.detach().clone() for parameter in model.parameters() if parameter.requires_grad]

    straight = trained()
    assert trained(Checkpoints(tmp_path, 0.0), 7) is None
    resumed = trained(Checkpoints(tmp_path, 0.0))
    assert all(torch.equal(one, other) for one, other in zip(straight, resumed, strict=True))


def full(monkeypatch, module, most):
    """A card that holds at most so many prompts at a time."""
    collate, sizes = module.collate, []

    def small(prompts, device):
        sizes.append(len(prompts))
        if len(prompts) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return collate(prompts, device)

    monkeypatch.setattr(module, "collate", small)
    return sizes


@pytest.mark.parametrize("name", ["cure", "npo", "finetune"])
def test_too_little_memory_halves_the_micro_batch_and_keeps_the_batch(workspace, monkeypatch, name):
    from core.unlearning import paired_losses

    method = replace(METHODS[name], steps=12, tolerance=10.0, batch_size=4)
    (whole, _), told = unlearned(workspace, method)
    sizes = full(monkeypatch, paired_losses, 1)
    (parts, _), again = unlearned(workspace, method)
    assert max(sizes) == 4 and sizes.count(4) == 1 and 1 in sizes  # tried once, and never again
    for number, known in told.items():
        for key, value in known.items():
            assert math.isclose(value, again[number][key], rel_tol=1e-3, abs_tol=1e-4), (number, key)
    assert all(torch.allclose(whole[key], parts[key], atol=2e-3) for key in whole)


def test_what_does_not_fit_while_a_step_is_begun_anew_is_met_too(workspace, monkeypatch):
    """The original is asked again what it says of kept prompts, in batches of its own."""
    from core.unlearning import paired_losses

    restore, left = paired_losses.PairLosses.restore, [1]

    def cramped(self, state):
        restore(self, state)
        if left and left.pop():
            raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(paired_losses.PairLosses, "restore", cramped)
    sizes = full(monkeypatch, paired_losses, 2)
    unlearned(workspace, replace(METHODS["graddiff"], steps=3, batch_size=4))
    assert not left and sizes[0] == 4 and set(sizes[1:]) == {1}


def test_plain_training_halves_too(workspace, monkeypatch):
    model, material = loaded(workspace)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    sizes = full(monkeypatch, fitting, 2)
    assert finetune(model, material.retain[:8], FinetuneSettings(epochs=1, learning_rate=1e-3)) == 1
    assert sizes[:2] == [8, 4] and set(sizes[2:]) == {2}


def test_a_card_without_room_for_one_prompt_is_said(workspace, monkeypatch):
    from core.unlearning import paired_losses

    full(monkeypatch, paired_losses, 0)
    with pytest.raises(RunError, match="too little memory for a single prompt"):
        unlearned(workspace, replace(METHODS["graddiff"], steps=3))


class Quadratic:
    """|x|^2 / 2, with steps at which its loss is no number."""

    def __init__(self, at, bad):
        self.at, self.bad, self.calls = at, bad, 0

    def __call__(self, step):
        self.calls += 1
        if self.bad(step, self.calls):
            raise FloatingPointError
        self.at.grad = self.at.detach().clone()
        return {"loss": float(self.at.detach() @ self.at.detach()) / 2}

    def state(self):
        return {}

    def restore(self, state):
        pass

    def halve_micro_batch(self):
        return False


def descended(bad, tmp_path=None):
    at, told = nn.Parameter(torch.ones(3)), []
    work = Quadratic(at, bad)
    optimiser = torch.optim.SGD([at], lr=0.1)
    keeper = [Checkpoints(tmp_path, 0.0)] if tmp_path else []
    train([at], optimiser, work, Schedule(20, clip=None), lambda step: bool(told.append(step)), *keeper)
    return at.detach(), told


def test_three_steps_without_a_number_are_skipped():
    found, told = descended(lambda step, call: step in (3, 4, 9))
    assert torch.allclose(found, torch.full((3,), 0.9**17))
    assert [step.number for step in told if "skipped" in step.losses] == [4, 5, 10]


def test_a_fourth_goes_back_to_the_last_checkpoint_once(tmp_path):
    """A fault that passes: the loop has forgotten it after going back."""
    found, told = descended(lambda step, call: step >= 5 and call <= 9, tmp_path)
    assert torch.allclose(found, torch.full((3,), 0.9**17)) and told[-1].number == 20


@pytest.mark.parametrize("kept", [True, False])
def test_one_that_stays_is_said(tmp_path, kept):
    with pytest.raises(RunError, match="NaN"):
        descended(lambda step, call: step >= 5, tmp_path if kept else None)


def test_a_loss_that_is_no_number_never_reaches_the_weights(workspace, monkeypatch):
    """NaN at one step of a real run: the metric, the weights and the figures stay finite."""
    gradient, calls = gradient_unlearning._gradient, []

    def broken(losses, plan):
        value, found = gradient(losses, plan)
        calls.append(value)
        if len(calls) == 5:
            raise FloatingPointError
        return value, found

    monkeypatch.setattr(gradient_unlearning, "_gradient", broken)
    (weights, _), told = unlearned(workspace, replace(METHODS["cure"], steps=6, tolerance=10.0))
    assert [number for number, losses in told.items() if "skipped" in losses] == [3]
    assert all(value.isfinite().all() for value in weights.values())


def test_gradients_that_are_no_number_are_refused_where_they_are_computed(workspace):
    from core.models.lora_layout import layout

    model, _ = loaded(workspace)
    plan = layout(model)
    parameters = list(plan.parameters.values())
    for parameter in parameters:
        parameter.requires_grad_(True)
    loss = sum((parameter * math.nan).sum() for parameter in parameters)
    with pytest.raises(FloatingPointError):
        gradient_unlearning._gradient(iter([loss]), plan)
