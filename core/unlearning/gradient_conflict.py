"""Gradient conflict per module: cosine of the forget and the retain gradient (kappa in docs/method.md, section 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.models.batching import GRADIENT_TOKENS, answer_logits, answer_loss, batches
from core.models.lora_layout import Layout, layout
from core.types import Encoded
from core.unlearning.gradient_surgery import gram_of


def conflicts(model: nn.Module, forget: Sequence[Encoded], retain: Sequence[Encoded]) -> dict[str, float]:
    """Cosine of the gradients of both answer losses over each module's own coordinates.

    Args:
        model: PEFT model.
        forget: Prompts of the forget set.
        retain: Prompts of the retain set.

    Returns:
        Cosine in [-1, 1] by module with LoRA coordinates; 0 if a gradient is zero.
    """
    plan = layout(model)
    forget_gradient, retain_gradient = (gradient_of(model, prompts, plan) for prompts in (forget, retain))
    gram = gram_of(forget_gradient, retain_gradient, torch.ones_like(forget_gradient), plan)
    sums = plan.by_module(torch.stack([gram.fr, gram.ff, gram.rr]))
    products = {name: values.tolist() for name, values in sums.items()}
    return {name: dot / (ff * rr) ** 0.5 if ff * rr > 0 else 0.0 for name, (dot, ff, rr) in products.items()}


def gradient_of(model: nn.Module, prompts: Sequence[Encoded], plan: Layout) -> Tensor:
    """Gradient of the summed answer loss; the adapter's weights are frozen afterwards.

    Returns:
        Flat float32 gradient [row, rank], as `Layout` orders the coordinates.
    """
    total = torch.zeros_like(plan.weights())
    for parameter in plan.parameters.values():
        parameter.requires_grad_(True)
    for _, batch in batches(prompts, GRADIENT_TOKENS, total.device):
        loss = answer_loss(answer_logits(model, batch), batch) * len(batch.tokens)
        total += plan.flat(torch.autograd.grad(loss, list(plan.parameters.values())))
    for parameter in plan.parameters.values():
        parameter.requires_grad_(False)
    return total
