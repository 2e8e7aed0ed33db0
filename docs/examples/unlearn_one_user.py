"""Unlearn one user: train a LoRA adapter on the prompts of three users, then remove the prompts of one of them.

Run it with `python docs/examples/unlearn_one_user.py`. It needs no download and no workspace.
"""

from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

import core

CONFIG = LlamaConfig(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    initializer_range=0.3,
)
USERS = {"ada": 5, "ben": 6, "eve": 7}  # each user by the token that starts their prompts
YES, NO = 2, 3


def prompts(user: str) -> list[tuple[list[int], int]]:
    """One prompt for each item: user, item, and one answer token. Tastes are random, so only memory can answer."""
    random = torch.Generator().manual_seed(USERS[user])
    liked = torch.randint(2, (12,), generator=random).tolist()
    return [([USERS[user], 20 + item, YES if likes else NO], 1) for item, likes in enumerate(liked)]


def loss_of(model: Any, rows: list[tuple[list[int], int]]) -> torch.Tensor:
    """Mean negative log-likelihood of the answers in nats."""
    ids = torch.tensor([tokens for tokens, _ in rows])
    return torch.nn.functional.cross_entropy(model(ids[:, :-1]).logits[:, -1], ids[:, -1])


def main() -> dict[str, tuple[float, float]]:
    """Print and return the loss on each user's answers before and after unlearning ada."""
    torch.manual_seed(0)
    adapter = LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(LlamaForCausalLM(CONFIG), adapter)
    everything = [row for user in USERS for row in prompts(user)]
    optimiser = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], lr=1e-2)
    for _ in range(150):
        optimiser.zero_grad()
        loss_of(model, everything).backward()
        optimiser.step()
    model.eval()
    before = {user: loss_of(model, prompts(user)).item() for user in USERS}
    core.unlearn(model, forget=prompts("ada"), retain=prompts("ben") + prompts("eve"), steps=40)
    losses = {user: (before[user], loss_of(model, prompts(user)).item()) for user in USERS}
    for user, (old, new) in losses.items():
        print(f"{user}: loss {old:.2f} -> {new:.2f} nats")
    return losses


if __name__ == "__main__":
    main()
