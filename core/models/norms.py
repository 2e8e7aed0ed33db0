"""The norms of the residual stream (LayerNorm or RMSNorm) split into scale, centring, weight and bias."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


def accumulation_dtype(tensor: Tensor) -> torch.dtype:
    """The dtype in which sums over `tensor` are kept: float32 or better."""
    return torch.promote_types(tensor.dtype, torch.float32)


@dataclass(frozen=True)
class Norm:
    """One norm: y = w n + b, with n = r P x and r = 1/sigma.

    P subtracts the mean in a LayerNorm and is the identity in an RMSNorm.

    Attributes:
        module: The torch module.
        offset: Constant added to the stored weight to give w; 1 in Gemma.
    """

    module: Any
    offset: float = 0.0

    @property
    def weight(self) -> Float[Tensor, " d"]:
        """The weight w."""
        stored: Tensor = self.module.weight.detach()
        return stored.to(accumulation_dtype(stored)) + self.offset

    @property
    def bias(self) -> Float[Tensor, " d"]:
        """The bias b, zero if the norm has none."""
        bias: Tensor | None = getattr(self.module, "bias", None)
        return torch.zeros_like(self.weight) if bias is None else bias.detach().to(self.weight)

    def centre(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """Return P x."""
        return x - x.mean(-1, keepdim=True) if isinstance(self.module, nn.LayerNorm) else x

    def normalise(self, x: Float[Tensor, "*b d"]) -> tuple[Float[Tensor, "*b d"], Float[Tensor, "*b 1"]]:
        """Return n and r, in float32 or better."""
        x = self.centre(x.to(accumulation_dtype(x)))
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self._epsilon)
        return x * scale, scale

    def frozen(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """Return y, without a gradient through r."""
        scale = self.normalise(x.detach())[1]
        return (self.weight * scale * self.centre(x) + self.bias).to(x.dtype)

    @property
    def _epsilon(self) -> float:
        name = "variance_epsilon" if hasattr(self.module, "variance_epsilon") else "eps"
        epsilon: float = getattr(self.module, name)
        return epsilon
