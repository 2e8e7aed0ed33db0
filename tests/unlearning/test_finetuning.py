"""Fine-tuning: micro-batches and memory limits of processes do not change the trained adapter."""

import copy
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from core.models.lora_layout import layout
from core.models.recommender import ADAPTER
from core.unlearning.finetuning import FinetuneSettings, finetune
from core.unlearning.weight_mean import WeightMean
from tests.unlearning.test_unlearn import load_prompts


def test_micro_batches_train_the_same_adapter(workspace):
    settings, found = FinetuneSettings(epochs=1, learning_rate=1e-3, batch_size=5), []
    for size in (0, 2):
        model, prompts = load_prompts(workspace)
        model.set_adapter(ADAPTER)
        losses = []
        finetune(
            model,
            prompts.retain[:15],
            replace(settings, micro_batch=size),
            lambda step: losses.append(step.losses["loss"]),  # noqa: B023
        )
        found.append((layout(model).weights(), torch.tensor(losses)))
    (full_weights, full_losses), (micro_weights, micro_losses) = found
    torch.testing.assert_close(micro_weights, full_weights, rtol=1e-3, atol=2e-5)
    torch.testing.assert_close(full_losses, micro_losses, rtol=1e-4, atol=1e-5)


def flat_weights(model) -> torch.Tensor:
    return torch.cat([one.detach().flatten() for one in model.parameters() if one.requires_grad])


def test_averaged_weights_are_the_mean_of_the_last_steps(workspace):
    model, prompts = load_prompts(workspace)
    model.set_adapter(ADAPTER)
    steps = []
    settings = FinetuneSettings(epochs=2, learning_rate=1e-3, batch_size=5, average=0.5)
    finetune(model, prompts.retain[:15], settings, lambda _step: steps.append(flat_weights(model)))
    assert len(steps) == 6
    torch.testing.assert_close(flat_weights(model), torch.stack(steps[3:]).mean(0), rtol=0, atol=1e-6)


def test_mean_of_a_resumed_training_is_that_of_a_whole_one():
    parameter, values = torch.nn.Parameter(torch.zeros(3)), torch.randn(8, 3, generator=torch.manual_seed(0))

    def feed(mean: WeightMean, numbers: range) -> None:
        for number in numbers:
            parameter.data = values[number - 1].clone()
            mean.add(number)

    whole, first, second = (WeightMean([parameter], after=3) for _ in range(3))
    feed(whole, range(1, 9))
    feed(first, range(1, 7))
    second.restore(copy.deepcopy(first.state()))
    feed(second, range(6, 9))  # the last step before the interruption comes again
    second.apply()
    resumed = parameter.detach().clone()
    whole.apply()
    torch.testing.assert_close(resumed, parameter.detach(), rtol=0, atol=1e-7)
    torch.testing.assert_close(resumed, values[3:].mean(0), rtol=0, atol=1e-6)
    parameter.data = values[0].clone()
    WeightMean([parameter], after=8).apply()
    assert torch.equal(parameter.data, values[0])


@pytest.mark.slow
def test_processes_reduce_their_micro_batch_together(workspace, tmp_path):
    """One of two processes has memory for a single prompt: both reduce their micro-batch, without a deadlock."""
    together, alone = tmp_path / "together.pt", tmp_path / "alone.pt"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for start, out, max_prompts in ((torchrun, together, 1), ([], alone, 1000)):
        command = [sys.executable, *start, "-m", "tests.unlearning.limited_memory", workspace.root, out, max_prompts]
        result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240)
        assert result.returncode == 0, result.stderr[-2000:]
    torch.testing.assert_close(torch.load(together), torch.load(alone), rtol=1e-3, atol=2e-5)
