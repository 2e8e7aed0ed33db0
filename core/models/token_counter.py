"""Counter of the tokens that a model has processed, for throughput and for estimates of a run's duration."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from core.models.families import anatomy


@dataclass
class TokenCounter:
    """Counts tokens, padding included, that pass forward through the decoder.

    Attributes:
        tokens: Number of tokens so far.
    """

    tokens: int = 0

    def attach(self, model: nn.Module) -> None:
        """Count the tokens of `model` from now on."""
        anatomy(model).causal_lm.base_model.register_forward_hook(self._count)

    def _count(self, _module: nn.Module, _args: tuple[Any, ...], out: Any) -> None:
        hidden = out.last_hidden_state
        self.tokens += hidden.shape[0] * hidden.shape[1]
