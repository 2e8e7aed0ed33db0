"""Second way to the numbers that a run reports: from its saved adapter, prompt by prompt, without the engine.

The adapter is merged into the base model by PEFT. Each prompt goes through transformers alone: no batch, no padding, no
cache, and each candidate as a whole prompt. Only the data's split and the text of prompts are the engine's.
"""

from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from peft import PeftModel
from scipy.stats import mannwhitneyu
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.pipeline.context import make_context
from core.types import Interaction, Prompt


class SecondWay:
    """A saved adapter of a workspace for the click task, measured for one of its requests."""

    def __init__(self, workspace, request, adapter) -> None:
        plain = AutoModelForCausalLM.from_pretrained(workspace.base, dtype=torch.float32)
        self.model = PeftModel.from_pretrained(plain, adapter).merge_and_unload().eval()
        tokenizer = AutoTokenizer.from_pretrained(workspace.base)
        words = workspace.template
        self.yes, self.no = (tokenizer('":' + answer)["input_ids"][-1] for answer in (words.yes, words.no))
        self.context = make_context(workspace, workspace.request(request), tokenizer)

    @torch.no_grad()
    def margins(self, prompt: Prompt) -> list[float]:
        """Logit of Yes minus logit of No at each target of one prompt."""
        (encoded,) = self.context.encode([prompt])
        logits = self.model(torch.tensor([encoded.ids])).logits[0]
        return [float(logits[start - 1, self.yes] - logits[start - 1, self.no]) for start, _ in encoded.answers]

    def candidate(self, prompt: Prompt, item: str) -> float:
        """Margin of one title in the place of a prompt's last."""
        last = replace(prompt.events[-1], item=item)
        return self.margins(Prompt(prompt.user, (*prompt.events[:-1], last), len(prompt.events) - 1))[0]

    def rows(self, prompts) -> tuple[np.ndarray, np.ndarray]:
        """Margin and label of each target."""
        margins = [margin for prompt in prompts for margin in self.margins(prompt)]
        return np.array(margins), np.array([event.liked for prompt in prompts for event in prompt.targets])

    @cached_property
    def ranks(self) -> np.ndarray:
        """Rank of each test user's first liked title among all titles that the user never saw."""
        liked: dict[str, list[Interaction]] = {}
        for prompt in self.context.split.test:
            for place in range(max(1, prompt.first_target), len(prompt.events)):
                if prompt.events[place].liked:
                    liked.setdefault(prompt.user, list(prompt.events[: place + 1]))
        ranks = []
        for user, events in liked.items():
            prompt = Prompt(user, tuple(events), len(events) - 1)
            seen = {event.item for event in (*events, *self.context.histories[user])}
            own = self.candidate(prompt, events[-1].item)
            ranks.append(1 + sum(self.candidate(prompt, item) > own for item in self.unseen(seen)))
        return np.array(ranks)

    def unseen(self, seen: set[str]) -> list[str]:
        return [item for item in self.context.workspace.items if item not in seen]

    def top(self, user: str, length: int) -> list[float]:
        """The margins of the titles that the model recommends to a user, largest first."""
        history = self.context.histories[user][1 - self.context.prompt_setup.window :]
        prompt = Prompt(user, (*history, history[-1]), len(history))
        unseen = self.unseen({event.item for event in self.context.histories[user]})
        return sorted((self.candidate(prompt, item) for item in unseen), reverse=True)[:length]

    def metrics(self) -> dict[str, float]:
        """All metrics of `Metrics` by name."""
        split = self.context.split
        forget, test, holdout = (self.rows(part) for part in (split.forget, split.test, split.holdout))
        best = self.ranks[self.ranks <= 10]
        return {
            "test_auc": auc_of(*test),
            "forget_auc": auc_of(*forget),
            "holdout_auc": auc_of(*holdout),
            "test_log_loss": losses_of(*test).mean(),
            "membership_auc": auc(-losses_of(*forget), -losses_of(*holdout)),
            "hit_rate": len(best) / len(self.ranks),
            "ndcg": float((np.log(2) / np.log(best + 1)).sum() / len(self.ranks)),
        }


def losses_of(margins: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Cross-entropy in nats between No and Yes."""
    logits = torch.stack([torch.zeros(len(margins)), torch.tensor(margins, dtype=torch.float32)], 1)
    return torch.nn.functional.cross_entropy(logits, torch.tensor(labels).long(), reduction="none").numpy()


def auc_of(margins: np.ndarray, labels: np.ndarray) -> float:
    return auc(margins[labels], margins[~labels])


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    if not len(positive) or not len(negative):
        return float("nan")
    return float(mannwhitneyu(positive, negative).statistic / len(positive) / len(negative))
