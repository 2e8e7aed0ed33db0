"""Plain fine-tuning: what is in memory at a time changes nothing."""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from core.models.lora_layout import layout
from core.models.recommender import ADAPTER
from core.unlearning.finetuning import FinetuneSettings, finetune
from tests.unlearning.test_unlearn import setup


def test_micro_batches_train_the_same_adapter(workspace):
    settings, found = FinetuneSettings(epochs=1, learning_rate=1e-3, batch_size=5), []
    for size in (0, 2):
        model, material = setup(workspace)
        model.set_adapter(ADAPTER)
        losses = []
        finetune(
            model,
            material.retain[:15],
            replace(settings, micro_batch=size),
            lambda step: losses.append(step.losses["loss"]),  # noqa: B023
        )
        found.append((layout(model).weights(), torch.tensor(losses)))
    (whole, told), (parts, told_too) = found
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=2e-5)
    torch.testing.assert_close(told, told_too, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_processes_without_memory_for_their_part_take_smaller_ones_together(workspace, tmp_path):
    """One of two processes has room for a single prompt: both go down to that, and neither waits for the other."""
    together, alone = tmp_path / "together.pt", tmp_path / "alone.pt"
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for start, out, room in ((torchrun, together, 1), ([], alone, 1000)):
        command = [sys.executable, *start, "-m", "tests.unlearning.limited_memory", workspace.root, out, room]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr[-2000:]
    torch.testing.assert_close(torch.load(together), torch.load(alone), rtol=1e-3, atol=2e-5)
