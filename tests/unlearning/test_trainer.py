"""Training loop: resumption after a kill, lack of memory, and NaN losses."""

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
from core.unlearning import finetuning as finetuning_module
from core.unlearning import gradient_unlearning
from core.unlearning.finetuning import FinetuneSettings, finetune
from core.unlearning.methods import METHODS
from core.unlearning.trainer import Schedule, train
from core.unlearning.training_types import UnlearningPrompts
from core.unlearning.unlearn import unlearn_adapter


class Killed(Exception):
    """Simulates a killed process."""


def load_prompts(workspace):
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    split = context.split
    sets = (context.encode(prompts) for prompts in (split.forget, split.retain, split.validation, split.holdout))
    return recommender.model, UnlearningPrompts(*sets, choices=recommender.choices)


def run_unlearning(workspace, method, checkpointer=None, kill_at=0):
    """Unlearn, optionally interrupted at a step; return the weights with the outcome, and the losses by step."""
    model, prompts = load_prompts(workspace)
    groups = {name: (Group.SHARED, Group.FORGET, Group.RETAIN)[i % 3] for i, name in enumerate(anatomy(model).modules)}
    losses_by_step = {}

    def watch(step):
        losses_by_step[step.number] = step.losses
        if step.number == kill_at:
            raise Killed
        return False

    try:
        outcome = unlearn_adapter(model, prompts, groups, method, 3, watch, *([checkpointer] if checkpointer else []))
    except Killed:
        return None, losses_by_step
    weights = {name: value for name, value in model.state_dict().items() if "lora_" in name}
    return (weights, outcome), losses_by_step


@pytest.mark.parametrize("name", ["cure", "graddiff", "e2urec", "npo", "cure_merge", "undial"])
@pytest.mark.parametrize("every", [0.0, 1e9], ids=["checkpoint each step", "checkpoint each training"])
def test_resumed_run_equals_uninterrupted_run_bit_for_bit(workspace, tmp_path, name, every):
    """Compares 44 steps without interruption with 22 steps and 22 more in a freshly loaded model."""
    steps, tolerance = (20 if name == "cure_merge" else 44), 10.0
    method = replace(METHODS[name], steps=steps, tolerance=tolerance)
    (uninterrupted, outcome), losses = run_unlearning(workspace, method)
    middle = max(1, len(losses) // 2)
    folder = tmp_path / "checkpoint"
    no_result, first_losses = run_unlearning(workspace, method, Checkpoints(folder, every), middle)
    assert no_result is None and max(first_losses) == middle
    (resumed, resumed_outcome), resumed_losses = run_unlearning(workspace, method, Checkpoints(folder, every))
    assert all(torch.equal(uninterrupted[name], resumed[name]) for name in uninterrupted)
    assert resumed_outcome == outcome and first_losses | resumed_losses == losses
    if not every:  # only the steps after the last checkpoint of each training are repeated
        assert sum(number < middle for number in resumed_losses) <= (2 if name == "cure_merge" else 1)


@pytest.mark.parametrize("last", [19, 20, 21, 40])
def test_resumed_run_draws_the_same_prompts_near_prefetch_end(workspace, tmp_path, last):
    """Outputs of the original are computed for 20 steps at once; the checkpoint lies before, at or after the 20th."""
    method = replace(METHODS["graddiff"], steps=44, tolerance=10.0)
    (uninterrupted, _), losses = run_unlearning(workspace, method)
    run_unlearning(
        workspace, method, Checkpoints(tmp_path, 0.0), last + 1
    )  # an interruption at a step keeps the checkpoint of the step before
    (resumed, _), resumed_losses = run_unlearning(workspace, method, Checkpoints(tmp_path, 0.0))
    assert min(resumed_losses) == last and all(
        losses[number] == losses_by_step for number, losses_by_step in resumed_losses.items()
    )
    assert all(torch.equal(uninterrupted[name], resumed[name]) for name in uninterrupted)


@pytest.mark.parametrize("when", [20, 21, 22])
def test_step_repeated_after_out_of_memory_uses_same_prompts(workspace, monkeypatch, when):
    from core.unlearning.gradient_unlearning import UnlearningStep

    method = replace(METHODS["graddiff"], steps=24, tolerance=10.0, micro_batch=1)
    _, uninterrupted = run_unlearning(workspace, method)
    monkeypatch.setattr(UnlearningStep, "halve_micro_batch", lambda self: True)
    call, failures_left = UnlearningStep.__call__, [1]

    def fail_once(self, step):
        losses_by_step = call(self, step)
        if step + 1 == when and failures_left and failures_left.pop():
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return losses_by_step

    monkeypatch.setattr(UnlearningStep, "__call__", fail_once)
    _, resumed_outcome = run_unlearning(workspace, method)
    assert uninterrupted[when]["retain_loss"] == resumed_outcome[when]["retain_loss"] and not failures_left


def test_resumed_run_stops_early_at_the_same_step(workspace, tmp_path):
    """A run is killed after early stopping: the resumed run stops at the same step for the same reason."""
    method = replace(METHODS["cure"], steps=60, tolerance=-1.0)
    (uninterrupted, outcome), _ = run_unlearning(workspace, method)
    assert outcome.steps < 60 and "validation" in outcome.reason
    first = run_unlearning(workspace, method, Checkpoints(tmp_path / "c", 1e9))
    resumed_outcome = run_unlearning(workspace, method, Checkpoints(tmp_path / "c", 1e9))
    assert first[0][1] == resumed_outcome[0][1] == outcome and max(resumed_outcome[1]) == outcome.steps
    assert all(torch.equal(uninterrupted[name], resumed_outcome[0][0][name]) for name in uninterrupted)


def test_resumed_finetuning_equals_uninterrupted_bit_for_bit(workspace, tmp_path):
    """Fine-tuning of references and `retrain` restores AdamW's moments and the order of prompts, too."""

    def train_from_scratch(checkpointer=None, kill_at=0):
        model, prompts = load_prompts(workspace)
        for name, parameter in model.named_parameters():
            parameter.requires_grad_("lora_" in name)

        def watch(step):
            if step.number == kill_at:
                raise Killed
            return False

        settings = FinetuneSettings(epochs=3, learning_rate=1e-3, weight_decay=0.1, seed=5)
        try:
            finetune(model, prompts.retain, settings, watch, *([checkpointer] if checkpointer else []))
        except Killed:
            return None
        return [parameter.detach().clone() for parameter in model.parameters() if parameter.requires_grad]

    uninterrupted = train_from_scratch()
    assert train_from_scratch(Checkpoints(tmp_path, 0.0), 7) is None
    resumed = train_from_scratch(Checkpoints(tmp_path, 0.0))
    assert all(torch.equal(one, other) for one, other in zip(uninterrupted, resumed, strict=True))


def limit_prompts(monkeypatch, module, max_prompts):
    """Simulate a device with memory for `most` prompts at a time; return the sizes of all attempted batches."""
    collate, sizes = module.collate, []

    def collate_within_limit(prompts, device):
        sizes.append(len(prompts))
        if len(prompts) > max_prompts:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return collate(prompts, device)

    monkeypatch.setattr(module, "collate", collate_within_limit)
    return sizes


@pytest.mark.parametrize("name", ["cure", "npo", "finetune"])
def test_out_of_memory_halves_the_micro_batch_only(workspace, monkeypatch, name):
    from core.unlearning import paired_losses

    method = replace(METHODS[name], steps=12, tolerance=10.0, batch_size=4)
    (full_batch, _), losses_by_step = run_unlearning(workspace, method)
    sizes = limit_prompts(monkeypatch, paired_losses, 1)
    (micro_batches, _), resumed_outcome = run_unlearning(workspace, method)
    assert max(sizes) == 4 and sizes.count(4) == 1 and 1 in sizes  # the full batch is tried only once
    for number, known in losses_by_step.items():
        for key, value in known.items():
            assert math.isclose(value, resumed_outcome[number][key], rel_tol=1e-3, abs_tol=1e-4), (number, key)
    assert all(torch.allclose(full_batch[key], micro_batches[key], atol=2e-3) for key in full_batch)


def test_out_of_memory_while_a_step_restarts_is_handled(workspace, monkeypatch):
    """The outputs of the original on retain prompts are computed again, in separate batches."""
    from core.unlearning import paired_losses

    restore, failures_left = paired_losses.PairLosses.restore, [1]

    def fail_once(self, state):
        restore(self, state)
        if failures_left and failures_left.pop():
            raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(paired_losses.PairLosses, "restore", fail_once)
    sizes = limit_prompts(monkeypatch, paired_losses, 2)
    run_unlearning(workspace, replace(METHODS["graddiff"], steps=3, batch_size=4))
    assert not failures_left and sizes[0] == 4 and set(sizes[1:]) == {1}


def test_finetuning_halves_the_micro_batch(workspace, monkeypatch):
    model, prompts = load_prompts(workspace)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
    sizes = limit_prompts(monkeypatch, finetuning_module, 2)
    assert finetune(model, prompts.retain[:8], FinetuneSettings(epochs=1, learning_rate=1e-3)) == 1
    assert sizes[:2] == [8, 4] and set(sizes[2:]) == {2}


def test_device_without_memory_for_one_prompt_is_reported(workspace, monkeypatch):
    from core.unlearning import paired_losses

    limit_prompts(monkeypatch, paired_losses, 0)
    with pytest.raises(RunError, match="too little memory for a single prompt"):
        run_unlearning(workspace, replace(METHODS["graddiff"], steps=3))


class Quadratic:
    """The loss |x|^2 / 2, with steps at which it is NaN."""

    def __init__(self, point, is_nan):
        self.at, self.bad, self.calls = point, is_nan, 0

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


def train_quadratic(is_nan, tmp_path=None):
    point, losses_by_step = nn.Parameter(torch.ones(3)), []
    work = Quadratic(point, is_nan)
    optimiser = torch.optim.SGD([point], lr=0.1)
    checkpointer = [Checkpoints(tmp_path, 0.0)] if tmp_path else []
    train(
        [point], optimiser, work, Schedule(20, clip=None), lambda step: bool(losses_by_step.append(step)), *checkpointer
    )
    return point.detach(), losses_by_step


def test_up_to_three_nan_steps_are_skipped():
    found, losses_by_step = train_quadratic(lambda step, call: step in (3, 4, 9))
    assert torch.allclose(found, torch.full((3,), 0.9**17))
    assert [step.number for step in losses_by_step if "skipped" in step.losses] == [4, 5, 10]


def test_fourth_nan_step_returns_to_last_checkpoint(tmp_path):
    """A temporary fault does not count any more after the return to the checkpoint."""
    found, losses_by_step = train_quadratic(lambda step, call: step >= 5 and call <= 9, tmp_path)
    assert torch.allclose(found, torch.full((3,), 0.9**17)) and losses_by_step[-1].number == 20


@pytest.mark.parametrize("with_checkpoint", [True, False])
def test_permanent_nan_is_reported(tmp_path, with_checkpoint):
    with pytest.raises(RunError, match="NaN"):
        train_quadratic(lambda step, call: step >= 5, tmp_path if with_checkpoint else None)


def test_nan_loss_never_reaches_the_weights(workspace, monkeypatch):
    """After NaN at one step of a real run, the metric, the weights and the reported losses stay finite."""
    gradient, calls = gradient_unlearning._gradient, []

    def fail_at_fifth_call(losses, plan):
        value, found = gradient(losses, plan)
        calls.append(value)
        if len(calls) == 5:
            raise FloatingPointError
        return value, found

    monkeypatch.setattr(gradient_unlearning, "_gradient", fail_at_fifth_call)
    (weights, _), losses_by_step = run_unlearning(workspace, replace(METHODS["cure"], steps=6, tolerance=10.0))
    assert [number for number, losses in losses_by_step.items() if "skipped" in losses] == [3]
    assert all(value.isfinite().all() for value in weights.values())


def test_nan_gradients_are_refused(workspace):
    from core.models.lora_layout import layout

    model, _ = load_prompts(workspace)
    plan = layout(model)
    parameters = list(plan.parameters.values())
    for parameter in parameters:
        parameter.requires_grad_(True)
    loss = sum((parameter * math.nan).sum() for parameter in parameters)
    with pytest.raises(FloatingPointError):
        gradient_unlearning._gradient(iter([loss]), plan)
