"""How many tokens a model has read: what its speed is reckoned from, and what a run's length is reckoned in."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from core.models.families import anatomy


@dataclass
class Meter:
    """Tokens, padding included, that went forward through the decoder."""

    tokens: int = 0

    def attach(self, model: nn.Module) -> None:
        """Count what passes through `model` from now on; what it computes does not change."""
        anatomy(model).causal_lm.base_model.register_forward_hook(self._passed)

    def _passed(self, module: nn.Module, args: Any, out: Any) -> None:
        hidden = out.last_hidden_state
        self.tokens += hidden.shape[0] * hidden.shape[1]
