"""Pairs of a clean and a counterfactual prompt, and padded batches of them that a model can run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from core.models.families import Anatomy
from core.models.linear_weights import effective_weight
from core.models.norms import accumulation_dtype

CLEAN, CORRUPTED = 0, 1
MEAN = -1  # stands in `PromptPair.corrupted` for the mean embedding of `PromptPair.average`


@dataclass(frozen=True, slots=True)
class PromptPair:
    """A prompt cut right before its answer, and its counterfactual prompt: the same one without the evidence.

    The metric of a pair is M = logit[right] - logit[wrong] at the last position.

    Attributes:
        ids: Token ids of the clean prompt.
        corrupted: Token ids of the counterfactual prompt, as many; they differ from `ids` inside `spans` only.
        right: Token id of the right answer.
        wrong: Token id of the wrong answer.
        strategy: How the evidence was replaced, one of `counterfactuals.STRATEGIES`.
        spans: [start, stop) of each replaced title, in tokens.
        items: First token of each title, the target's last; the tokens before the first title are the instruction.
        average: Token ids whose mean embedding is used where `corrupted` is MEAN.
        prompt: Number of the prompt; several pairs of one prompt share it.
    """

    ids: tuple[int, ...]
    corrupted: tuple[int, ...]
    right: int
    wrong: int
    strategy: str
    spans: tuple[tuple[int, int], ...]
    items: tuple[int, ...] = ()
    average: tuple[int, ...] = ()
    prompt: int = 0

    @property
    def slots(self) -> list[int]:
        """Part of the prompt that each token belongs to.

        0 is the instruction, 1 the target, 2 the last title of the history, 3 the title before it, and so on.
        """
        ends = (*self.items, len(self.ids))
        slots = [0] * len(self.ids)
        for back, (start, stop) in enumerate(reversed(list(pairwise(ends))), 1):
            slots[start:stop] = [back] * (stop - start)
        return slots


@dataclass(frozen=True)
class PairBatch:
    """Left-padded prompt pairs.

    Attributes:
        parts: The model's parts.
        ids: Token ids, CLEAN and CORRUPTED.
        mask: 1 at tokens, 0 at padding.
        answers: Token ids of the right and the wrong answers.
        slots: `PromptPair.slots` of each token, 0 at padding.
        averages: `PromptPair.average` of each pair.
        start: First position at which any pair differs; all activations before it are equal in both runs.
    """

    parts: Anatomy
    ids: Int[Tensor, "2 b p"]
    mask: Int[Tensor, "b p"]
    answers: Int[Tensor, "2 b"]
    slots: Int[Tensor, "b p"]
    averages: tuple[tuple[int, ...], ...]
    start: int

    @torch.no_grad()
    def embeddings(self, side: int) -> Float[Tensor, "b p d"]:
        """Token embeddings of the CLEAN or the CORRUPTED prompts."""
        ids = self.ids[side]
        result: Tensor = self.parts.embed(ids.clamp(min=0))
        for row, average in enumerate(self.averages):
            if average:
                result[row, ids[row] == MEAN] = self.parts.embed(ids.new_tensor(average)).mean(0)
        return result

    def metric(self, embeddings: Float[Tensor, "b p d"]) -> Float[Tensor, " b"]:
        """M of each prompt, in logits and in float32 or better; does not depend on padding."""
        hidden = self.parts.causal_lm.base_model(
            inputs_embeds=embeddings,
            attention_mask=self.mask,
            position_ids=(self.mask.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state[:, -1]
        right, wrong = self.parts.capped(self._answer_logits(hidden))
        difference: Tensor = right - wrong
        return difference

    def _answer_logits(self, hidden: Float[Tensor, "b d"]) -> Float[Tensor, "2 b"]:
        """Logits of the two answers, in float32: logits rounded to bfloat16 are too coarse to subtract."""
        head, bias = effective_weight(self.parts.head), getattr(self.parts.head, "bias", None)
        answers = self.answers.to(head.device)
        rows = head[answers].to(hidden.device, accumulation_dtype(hidden))
        return (rows * hidden.to(rows)).sum(-1) + (0 if bias is None else bias.detach()[answers].to(rows))


def batches(parts: Anatomy, pairs: Sequence[PromptPair], size: int) -> Iterator[tuple[list[int], PairBatch]]:
    """Batches of at most `size` pairs of similar length, each with the indices of its pairs in `pairs`."""
    order = sorted(range(len(pairs)), key=lambda i: len(pairs[i].ids))
    for first in range(0, len(order), size):
        chosen = order[first : first + size]
        yield chosen, _collate(parts, [pairs[i] for i in chosen])


def _collate(parts: Anatomy, pairs: Sequence[PromptPair]) -> PairBatch:
    length = max(len(pair.ids) for pair in pairs)
    ids = torch.zeros(2, len(pairs), length, dtype=torch.long)
    mask, slots = torch.zeros(2, len(pairs), length, dtype=torch.long)
    for row, pair in enumerate(pairs):
        columns = slice(length - len(pair.ids), None)
        ids[CLEAN, row, columns], ids[CORRUPTED, row, columns] = torch.tensor((pair.ids, pair.corrupted))
        mask[row, columns], slots[row, columns] = 1, torch.tensor(pair.slots)
    differs = (ids[CLEAN] != ids[CORRUPTED]).any(0).nonzero()
    answers = torch.tensor([[c.right for c in pairs], [c.wrong for c in pairs]])
    ids, mask, answers, slots = (tensor.to(parts.embed.weight.device) for tensor in (ids, mask, answers, slots))
    start = int(differs[0]) if len(differs) else length - 1
    return PairBatch(parts, ids, mask, answers, slots, tuple(pair.average for pair in pairs), start)
