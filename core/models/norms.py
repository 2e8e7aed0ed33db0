"""The norms of the residual stream, opened: what circuits need to know of a LayerNorm or an RMSNorm."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn


def accurate(tensor: Tensor) -> torch.dtype:
    """The dtype in which sums over `tensor` are kept: float32 or better."""
    return torch.promote_types(tensor.dtype, torch.float32)


@dataclass(frozen=True)
class Norm:
    """One norm: y = w n + b with n = r P x, r = 1/sigma, P the subtraction of the mean (LayerNorm) or nothing (RMSNorm).

    offset: what is added to the stored weight to make w; 1 in Gemma.
    """

    module: Any
    offset: float = 0.0

    @property
    def weight(self) -> Float[Tensor, " d"]:
        return self.module.weight.detach().to(accurate(self.module.weight)) + self.offset

    @property
    def bias(self) -> Float[Tensor, " d"]:
        bias = getattr(self.module, "bias", None)
        return torch.zeros_like(self.weight) if bias is None else bias.detach().to(self.weight)

    def centre(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """P x."""
        return x - x.mean(-1, keepdim=True) if isinstance(self.module, nn.LayerNorm) else x

    def normalise(self, x: Float[Tensor, "*b d"]) -> tuple[Float[Tensor, "*b d"], Float[Tensor, "*b 1"]]:
        """n and r, at least float32."""
        x = self.centre(x.to(accurate(x)))
        scale = torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self._epsilon)
        return x * scale, scale

    def frozen(self, x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
        """y, with no gradient through r."""
        scale = self.normalise(x.detach())[1]
        return (self.weight * scale * self.centre(x) + self.bias).to(x.dtype)

    @property
    def _epsilon(self) -> float:
        return self.module.variance_epsilon if hasattr(self.module, "variance_epsilon") else self.module.eps
