"""What-if questions: a user's recommendations with modules steered, or with titles left out of the history.

A module of strength 0 is off: it writes at every token what it writes on the counterfactual prompt, in which other
titles replace the history's. This is the patched run of `core.circuit.patching`, and gives the same scores. Strength 1
leaves a module as it is; other strengths scale its difference from the counterfactual prompt. For one user:

1. Encode the prompt once for each candidate; group the candidates by their number of tokens behind the shared prefix.
2. Run the prefix once, and the candidates behind its cached keys and values, on the counterfactual prompt (recorded).
3. Run both on the clean prompt, with each module's output moved towards or away from the recorded one. Below the first
   steered module this is the run of the clean prompt, which is recorded once.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache

from core.circuit.counterfactuals import HistoryDonors
from core.circuit.donors import replace_items
from core.circuit.graph import layer_of
from core.circuit.head_weights import HeadWeights, head_weights
from core.circuit.hooks import ActivationCache, Visitor, hooked
from core.circuit.patching import StrengthsPatch
from core.circuit.upper_layers import StreamCache, from_layer
from core.evaluation.evaluate import candidates, open_prompt, top_k
from core.evaluation.ranking import PromptSetup, candidate_prompts, expanded_cache, shared_prefix_length
from core.models.families import Anatomy, anatomy
from core.models.recommender import Recommender
from core.types import Encoded, Interaction, Item, Prompt, Recommendation, Task

AS_IT_IS: Mapping[str, float] = MappingProxyType({})  # no module steered
Record = TypeVar("Record", ActivationCache, StreamCache)


@dataclass(frozen=True)
class _Tails:
    """Candidates with equally many tokens behind the shared prefix, and equally many answer tokens."""

    rows: list[int]  # indices of the candidates
    ids: Int[Tensor, "n t"]  # tokens behind the prefix
    targets: Int[Tensor, "n answers"]  # answer tokens

    @property
    def answer_tokens(self) -> int:
        return self.targets.shape[1]


@dataclass(frozen=True)
class _Run(Generic[Record]):
    """Recorded run of the clean or the counterfactual prompt."""

    cache: DynamicCache  # keys and values of the prefix
    prefix: Record  # what is kept of the prefix
    tails: list[Record]  # the same of each group of candidates


class WhatIf:
    """A recommender for what-if questions."""

    def __init__(
        self,
        recommender: Recommender,
        prompt_setup: PromptSetup,
        items: Mapping[str, Item],
        interactions: Sequence[Interaction],
    ) -> None:
        """Prepare a recommender.

        Args:
            recommender: Model.
            prompt_setup: Encodes prompts.
            items: Catalogue by id.
            interactions: Training interactions, from which titles for counterfactual prompts are chosen.
        """
        self.recommender, self.prompt_setup, self.items = recommender, prompt_setup, items
        self.parts: Anatomy = anatomy(recommender.model)
        self.weights: HeadWeights = head_weights(self.parts)
        self.donors = HistoryDonors(interactions, list(items.values()), prompt_setup.encode)

    def for_user(self, history: Sequence[Interaction], left_out: Collection[int] = ()) -> "UserScenario":
        """Prepare one user.

        Args:
            history: The user's interactions, oldest first.
            left_out: Places to leave out, counted from the first event that the prompt shows.

        Raises:
            ValueError: No title would be left.
        """
        prompt = open_prompt(history, self.prompt_setup)
        donors = self.donors(prompt)
        kept = [index for index in range(len(prompt.events) - 1) if index not in left_out]
        if not kept:
            raise ValueError("A history needs at least one title: leave one in.")
        shorter = Prompt(prompt.user, tuple(prompt.events[index] for index in (*kept, -1)), len(kept))
        others = {new: donors[old] for new, old in enumerate(kept) if old in donors}
        return UserScenario(self, shorter, candidates(history, self.prompt_setup), others)


class UserScenario:
    """One user's prompt with every candidate at its last position.

    Attributes:
        clean_ids: Tokens of the shared prefix.
        corrupted_ids: The same with other titles in place of the history's, every token position kept.
        shared: Length of the prefix.
    """

    def __init__(self, what_if: WhatIf, prompt: Prompt, candidates: list[str], donors: Mapping[int, str]) -> None:
        """Run the counterfactual prompt.

        Args:
            what_if: Model and data.
            prompt: History, and a last position for a candidate.
            candidates: Item ids.
            donors: Item that replaces the title at an index of the history.
        """
        self.what_if, self.prompt, self.candidates = what_if, prompt, candidates
        encoded = what_if.prompt_setup.encode(candidate_prompts(prompt, candidates))
        pairs = list(map(self._row_and_answer, encoded))
        rows, answers = [row for row, _ in pairs], [answer for _, answer in pairs]
        self.shared = shared_prefix_length(rows, min(one.answers[-1][0] for one in encoded) - 1)
        self.tails = self._tails(rows, answers)
        self.clean_ids = rows[0][: self.shared]
        self.corrupted_ids = self._corrupted_ids(encoded[0].spans, len(encoded[0].ids), donors)
        self._corrupted = self._record(self.corrupted_ids, ActivationCache)

    @cached_property
    def _clean(self) -> "_Run[StreamCache]":
        return self._record(self.clean_ids, StreamCache)

    def _row_and_answer(self, encoded: Encoded) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Tokens that the model reads for one candidate, and the answer tokens that it predicts."""
        start, stop = encoded.answers[-1]
        if self.what_if.recommender.task is Task.CLICK:
            return encoded.ids[:start], (self.what_if.recommender.yes,)
        return encoded.ids[: stop - 1], encoded.ids[start:stop]

    def _tails(self, rows: Sequence[tuple[int, ...]], answers: Sequence[tuple[int, ...]]) -> list[_Tails]:
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            groups[len(row), len(answer)].append(index)
        device = self.what_if.recommender.device
        return [
            _Tails(
                chosen,
                torch.tensor([rows[i][self.shared :] for i in chosen], device=device),
                torch.tensor([answers[i] for i in chosen], device=device),
            )
            for chosen in groups.values()
        ]

    def _corrupted_ids(
        self, spans: tuple[tuple[int, int], ...], length: int, donors: Mapping[int, str]
    ) -> tuple[int, ...]:
        """Prefix with the stand-ins, without those that would shift tokens; the clean prefix if none is left."""
        prompt = candidate_prompts(self.prompt, self.candidates[:1])[0]
        others = dict(donors)
        while others:
            (other,) = self.what_if.prompt_setup.encode([replace_items(prompt, others)])
            shifting = [index for index in others if _size(other.spans[index]) != _size(spans[index])]
            if not shifting and len(other.ids) == length:
                return other.ids[: self.shared]
            others = {index: item for index, item in others.items() if index not in shifting} if shifting else {}
        return self.clean_ids

    @torch.no_grad()
    def _forward(self, ids: Tensor, cache: DynamicCache) -> Float[Tensor, "n t d"]:
        """Hidden states behind the last norm, of tokens that continue `cache`."""
        body = self.what_if.parts.causal_lm.base_model
        hidden: Tensor = body(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state
        return hidden

    def _record(self, ids: tuple[int, ...], record: type[Record]) -> _Run[Record]:
        """Run a prefix, and all candidates behind it, and record them."""
        parts, cache, prefix = self.what_if.parts, DynamicCache(), record()
        with hooked(parts, prefix):
            self._forward(self._row(ids), cache)
        tails = []
        for tail in self.tails:
            tails.append(record())
            with hooked(parts, tails[-1], tail.answer_tokens):
                self._forward(tail.ids, expanded_cache(cache, len(tail.rows)))
        return _Run(cache, prefix, tails)

    def _row(self, ids: tuple[int, ...]) -> Tensor:
        return torch.tensor([ids], device=self.what_if.recommender.device)

    @torch.no_grad()
    def scores(self, strengths: Mapping[str, float] = AS_IT_IS) -> Float[np.ndarray, " candidates"]:
        """Scores of the candidates, as `score_candidates` gives them.

        Args:
            strengths: Strength of each steered module; all others have strength 1.
        """
        parts, opened, cache = self.what_if.parts, self.what_if.weights, DynamicCache()
        first = min(map(layer_of, strengths), default=0)
        clean = self._clean if first else None
        with (
            hooked(parts, StrengthsPatch(parts, self._corrupted.prefix, opened, strengths)),
            from_layer(parts, first, clean.prefix if clean else None),
        ):
            self._forward(self._row(self.clean_ids), cache)
        if clean:
            cache = _joined(clean.cache, cache, first)
        result = np.empty(len(self.candidates))
        for index, (tail, record) in enumerate(zip(self.tails, self._corrupted.tails, strict=True)):
            with (
                hooked(parts, StrengthsPatch(parts, record, opened, strengths), tail.answer_tokens),
                from_layer(parts, first, clean.tails[index] if clean else None),
            ):
                hidden = self._forward(tail.ids, expanded_cache(cache, len(tail.rows)))
            result[tail.rows] = self._scores_from(hidden[:, -tail.answer_tokens :], tail).double().cpu().numpy()
        return result

    def top(self, strengths: Mapping[str, float] = AS_IT_IS, length: int = 10) -> tuple[Recommendation, ...]:
        """Top list with modules steered as in `scores`."""
        return top_k(self.scores(strengths), self.candidates, self.what_if.items, length)

    def _scores_from(self, hidden: Float[Tensor, "n answers d"], tail: _Tails) -> Float[Tensor, " n"]:
        """Scores of a group of candidates from the hidden states behind the last norm."""
        parts, recommender = self.what_if.parts, self.what_if.recommender
        logits = parts.capped(parts.head(hidden).float())
        if recommender.task is Task.CLICK:
            return logits[:, -1, recommender.yes] - logits[:, -1, recommender.no]
        return logits.log_softmax(-1).gather(-1, tail.targets.to(logits.device)[..., None])[..., 0].mean(1)

    def effects(self) -> Float[np.ndarray, "modules candidates"]:
        """Direct effect of each module on each candidate's score, in logits.

        It is the difference of the module's output between the clean and the counterfactual prompt, at the tokens that
        predict the answer, times the gradient of the score with respect to the residual stream behind the last layer.
        """
        clean = self._record(self.clean_ids, ActivationCache)
        result = np.empty((len(self.what_if.parts.modules), len(self.candidates)))
        for tail, own, other in zip(self.tails, clean.tails, self._corrupted.tails, strict=True):
            result[:, tail.rows] = self._direct_effects(tail, own, other, clean.cache).double().cpu().numpy()
        return result

    def _direct_effects(
        self, tail: _Tails, clean: ActivationCache, corrupted: ActivationCache, cache: DynamicCache
    ) -> Float[Tensor, "modules n"]:
        gradient = self._score_gradient(tail, cache)
        effects = []
        for layer, write in enumerate(self.what_if.weights.write):
            heads, mlp = (
                (own[layer] - other[layer])[:, -tail.answer_tokens :].to(gradient)
                for own, other in ((clean.head, corrupted.head), (clean.mlp, corrupted.mlp))
            )
            effects.append(torch.einsum("nahk,hkd,nad->hn", heads, write.to(gradient), gradient))
            effects.append(torch.einsum("nad,nad->n", mlp, gradient)[None])
        return torch.cat(effects)

    def _score_gradient(self, tail: _Tails, cache: DynamicCache) -> Float[Tensor, "n answers d"]:
        """Gradient of the scores with respect to the residual stream that the last norm reads."""
        parts, stream = self.what_if.parts, _LastStream()
        with hooked(parts, stream, tail.answer_tokens):
            self._forward(tail.ids, expanded_cache(cache, len(tail.rows)))
        x = stream.last[:, -tail.answer_tokens :].float().requires_grad_()
        with torch.enable_grad():
            score = self._scores_from(parts.final_norm.module(x.to(stream.last.dtype)), tail).sum()
        return torch.autograd.grad(score, x)[0]


class _LastStream(Visitor):
    """Keeps the residual stream that the last norm reads."""

    last: Tensor

    def logits_input(self, x: Tensor) -> Tensor:
        self.last = x.detach()
        return x


def _joined(lower: DynamicCache, upper: DynamicCache, first: int) -> DynamicCache:
    """The keys and values of `lower` before layer `first`, and those of `upper` from there on."""
    layers: list[Any] = [*lower.layers[:first], *upper.layers[first:]]
    return DynamicCache([(layer.keys, layer.values) for layer in layers])


def _size(span: tuple[int, int]) -> int:
    return span[1] - span[0]
