"""Where forgetting and keeping pull apart: per module, the cosine of the two gradients (method section 3, kappa)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from core.models.batches import answer_logits, answer_loss, batches
from core.models.blocks import layout
from core.types import Encoded

TOKENS = 8192


def conflicts(model: nn.Module, forget: Sequence[Encoded], retain: Sequence[Encoded]) -> dict[str, float]:
    """cos(grad L_f, grad L_r) over each module's own coordinates, in [-1, 1]; 0 where a gradient vanishes."""
    plan = layout(model)
    for parameter in plan.parameters.values():
        parameter.requires_grad_(True)
    left, right = (_gradient(model, prompts, plan.parameters) for prompts in (forget, retain))
    for parameter in plan.parameters.values():
        parameter.requires_grad_(False)
    products = torch.stack([plan.inner(a, b) for a, b in ((left, right), (left, left), (right, right))])
    modules = dict.fromkeys(owner for owners in plan.cells for owner in owners)
    sums = {name: products[:, [name in owners for owners in plan.cells]].sum(1).tolist() for name in modules}
    return {name: dot / (ff * rr) ** 0.5 if ff * rr > 0 else 0.0 for name, (dot, ff, rr) in sums.items()}


def _gradient(
    model: nn.Module, prompts: Sequence[Encoded], parameters: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """Gradient of the summed answer loss, in float32."""
    total = {name: torch.zeros_like(parameter, dtype=torch.float32) for name, parameter in parameters.items()}
    for _, batch in batches(prompts, TOKENS, next(iter(parameters.values())).device):
        loss = answer_loss(answer_logits(model, batch), batch) * len(batch.tokens)
        for name, value in zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True):
            total[name] += value.float()
    return total
