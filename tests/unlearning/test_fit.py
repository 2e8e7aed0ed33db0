"""Plain fine-tuning: what is in memory at a time changes nothing."""

from dataclasses import replace

import torch

from core.models.blocks import layout
from core.models.recommender import ADAPTER
from core.unlearning.fit import FitSettings, fit
from tests.unlearning.test_unlearn import setup


def test_micro_batches_train_the_same_adapter(workspace):
    settings, found = FitSettings(epochs=1, learning_rate=1e-3, batch_size=5), []
    for size in (0, 2):
        model, material = setup(workspace)
        model.set_adapter(ADAPTER)
        losses = []
        fit(
            model,
            material.retain[:15],
            replace(settings, micro_batch=size),
            lambda step: losses.append(step.losses["loss"]),  # noqa: B023
        )
        found.append((layout(model).weights(), torch.tensor(losses)))
    (whole, told), (parts, told_too) = found
    torch.testing.assert_close(parts, whole, rtol=1e-3, atol=2e-5)
    torch.testing.assert_close(told, told_too, rtol=1e-4, atol=1e-5)
