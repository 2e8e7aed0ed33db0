"""Influence step of locality.py: one Newton step away from the forget set, with a K-FAC curvature of the retain set.

Removing rows moves the optimum by the inverse curvature times their gradient (influence functions, arXiv 1703.04730).
The curvature of each LoRA factor is the Kronecker product of the second moments of its inputs and of the gradients of
its outputs (K-FAC, arXiv 1503.05671), summed over tokens ("expand" in arXiv 2311.00636) and damped by a share of its
mean eigenvalue.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.models.batching import GRADIENT_TOKENS, answer_logits, answer_loss, batches  # noqa: E402
from core.models.lora_layout import Layout  # noqa: E402
from core.types import Encoded  # noqa: E402

DAMPING = 0.3  # share of the mean eigenvalue; chosen once on the demo request (NOTES.md)
Factors = tuple[Tensor, Tensor]  # second moments of inputs [in, in], and of the outputs' gradients [out, out]


def influence_step(model: nn.Module, plan: Layout, retain: Sequence[Encoded], gradient: Tensor) -> Tensor:
    """The inverse damped curvature of the retain set times a gradient, flat [row, rank]."""
    factors = curvature(model, plan, retain)
    parts = zip(plan.parameters, plan.parts(gradient), strict=True)
    return plan.flat([_solved(*factors[name], part) for name, part in parts])


def curvature(model: nn.Module, plan: Layout, prompts: Sequence[Encoded]) -> dict[str, Factors]:
    """Both factors of each parameter of a layout, by its name: means over prompts' sums over tokens."""
    names = {model.get_submodule(name.removesuffix(".weight")): name for name in plan.parameters}
    found: dict[str, Factors] = {}
    for parameter in plan.parameters.values():
        parameter.requires_grad_(True)
    with _observed(names, found):
        for _, batch in batches(prompts, GRADIENT_TOKENS, plan.cell_of.device):
            loss = answer_loss(answer_logits(model, batch), batch) * len(batch.tokens)
            torch.autograd.grad(loss, list(plan.parameters.values()))
    for parameter in plan.parameters.values():
        parameter.requires_grad_(False)
    return {name: (inputs / len(prompts), outputs / len(prompts)) for name, (inputs, outputs) in found.items()}


@contextmanager
def _observed(names: dict[nn.Module, str], found: dict[str, Factors]) -> Iterator[None]:
    """Add the second moments of each layer's inputs and output gradients to `found` in every pass."""

    def forward(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        output.register_hook(partial(add, module, inputs[0].detach()))

    def add(module: nn.Module, entered: Tensor, gradient: Tensor) -> None:
        gradients = gradient.flatten(0, -2).float()
        read = gradients.any(1)  # padding, and what no answer depends on, has no gradient
        rows, gradients = entered.flatten(0, -2).float()[read], gradients[read]
        moments = rows.T @ rows, gradients.T @ gradients
        old = found.get(names[module], (0.0, 0.0))
        found[names[module]] = moments[0] + old[0], moments[1] + old[1]

    handles = [module.register_forward_hook(forward) for module in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _solved(inputs: Tensor, outputs: Tensor, gradient: Any) -> Tensor:
    """Solve (outputs x inputs + damping) step = gradient [out, in]."""
    (right, into), (left, out) = torch.linalg.eigh(inputs), torch.linalg.eigh(outputs)
    values = left.clamp(min=0)[:, None] * right.clamp(min=0)
    damped = values + DAMPING * values.mean() + torch.finfo(values.dtype).tiny
    return out @ ((out.T @ gradient @ into) / damped) @ into.T
