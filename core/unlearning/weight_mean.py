"""Mean of a model's weights over the last steps of a training (stochastic weight averaging, arXiv 1803.05407).

Two trainings that differ in the order of their prompts end at different weights; their means agree better.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.unlearning.training_types import State


class WeightMean:
    """Running mean of parameters.

    Attributes:
        parameters: The parameters that a training moves.
        after: Number of the last step that is not averaged.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], after: int) -> None:
        self.parameters, self.after = parameters, after
        self._mean: list[Tensor] = []
        self._last = after  # number of the last step in the mean

    @torch.no_grad()
    def add(self, step: int) -> None:
        """Add the weights after a step, numbered from 1, in order; a repeated step is added once."""
        if step <= self._last:
            return
        self._last = step
        if not self._mean:
            self._mean = [parameter.detach().clone() for parameter in self.parameters]
        for mean, parameter in zip(self._mean, self.parameters, strict=True):
            mean += (parameter - mean) / (step - self.after)

    @torch.no_grad()
    def apply(self) -> None:
        """Put the mean into the model; without averaged steps the weights stay."""
        for parameter, mean in zip(self.parameters, self._mean, strict=bool(self._mean)):
            parameter.copy_(mean)

    def state(self) -> State:
        """Return what a checkpoint stores."""
        return {"mean": self._mean, "last": self._last}

    def restore(self, state: State) -> None:
        """Continue from a stored state; checkpoints of version 0.1.0 have none."""
        device = self.parameters[0].device
        self._mean = [mean.to(device) for mean in state.get("mean", [])]
        self._last = state.get("last", self.after)
