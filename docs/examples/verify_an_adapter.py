"""Unlearn a request with plain PEFT code (gradient difference), and save an adapter that CURE Lens can verify.

Run it with `python docs/examples/verify_an_adapter.py WORKSPACE REQUEST FOLDER`, then
`cure-lens verify -w WORKSPACE --request REQUEST --adapter FOLDER`.
"""

import random
import sys
from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.models.hub import resolve
from core.pipeline.context import make_context
from core.types import Encoded
from core.workspace import Workspace

STEPS, LEARNING_RATE, BATCH, FORGET_WEIGHT = 48, 1e-3, 4, 0.2


def loss_of(model: Any, prompts: Sequence[Encoded]) -> torch.Tensor:
    """Mean loss per prompt of its answers, in nats."""
    losses = []
    for prompt in prompts:
        ids = torch.tensor([prompt.ids])
        labels = torch.full_like(ids, -100)  # transformers leaves these tokens out of the loss
        for start, stop in prompt.answers:
            labels[0, start:stop] = ids[0, start:stop]
        losses.append(model(ids, labels=labels).loss)
    return torch.stack(losses).mean()


def main(workspace: str, request: str, folder: str, steps: int = STEPS) -> tuple[float, float]:
    """Unlearn, save the adapter, and return the loss on the forget set before and after."""
    opened = Workspace(workspace)
    base = resolve(opened.base, opened.settings.base_revision)
    context = make_context(opened, opened.request(request), AutoTokenizer.from_pretrained(base))
    forget, retain = context.encode(context.split.forget), context.encode(context.split.retain)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), opened.adapter, is_trainable=True)
    optimiser = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], LEARNING_RATE)
    draw = random.Random(0)
    with torch.no_grad():
        before = loss_of(model, forget).item()
    for _ in range(steps):
        loss = loss_of(model, draw.choices(retain, k=BATCH)) - FORGET_WEIGHT * loss_of(
            model, draw.choices(forget, k=BATCH)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.save_pretrained(folder)
    with torch.no_grad():
        return before, loss_of(model, forget).item()


if __name__ == "__main__":
    print("Loss on the forget set: {:.3f} -> {:.3f} nats".format(*main(*sys.argv[1:4])))
