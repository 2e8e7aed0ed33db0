"""Where forgetting and keeping pull apart: per module, the cosine of the two gradients (method section 3, kappa)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.models.batching import answer_logits, answer_loss, batches
from core.models.lora_layout import Layout, layout
from core.types import Encoded
from core.unlearning.gradient_surgery import gram_of

TOKENS = 8192


def conflicts(model: nn.Module, forget: Sequence[Encoded], retain: Sequence[Encoded]) -> dict[str, float]:
    """cos(grad L_f, grad L_r) over each module's own coordinates, in [-1, 1]; 0 where a gradient vanishes."""
    plan = layout(model)
    left, right = (gradient_of(model, prompts, plan) for prompts in (forget, retain))
    gram = gram_of(left, right, torch.ones_like(left), plan)
    sums = plan.by_module(torch.stack([gram.fr, gram.ff, gram.rr]))
    products = {name: values.tolist() for name, values in sums.items()}
    return {name: dot / (ff * rr) ** 0.5 if ff * rr > 0 else 0.0 for name, (dot, ff, rr) in products.items()}


def gradient_of(model: nn.Module, prompts: Sequence[Encoded], plan: Layout) -> Tensor:
    """Flat gradient of the summed answer loss, in float32; the adapter's weights are frozen again afterwards."""
    total = torch.zeros_like(plan.weights())
    for parameter in plan.parameters.values():
        parameter.requires_grad_(True)
    for _, batch in batches(prompts, TOKENS, total.device):
        loss = answer_loss(answer_logits(model, batch), batch) * len(batch.tokens)
        total += plan.flat(torch.autograd.grad(loss, list(plan.parameters.values())))
    for parameter in plan.parameters.values():
        parameter.requires_grad_(False)
    return total
