"""What if: one person's recommendations with modules switched off, or with titles left out of the history.

A module that is off writes, at every token, what it writes where other titles stand for the history: the patched run of
`core.circuit.patching`, to which these scores are equal. All candidates share the history's tokens, so their keys and
values are computed once.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache

from core.circuit.counterfactuals import StandIns
from core.circuit.head_weights import Weights, weights
from core.circuit.hooks import Record, Visitor, visited
from core.circuit.patching import ModulesPatch
from core.evaluation.evaluate import candidates, open_prompt, top_k
from core.evaluation.ranking import Reader, asked, repeated, shared_prefix
from core.models.families import Anatomy, anatomy
from core.models.recommender import Recommender
from core.types import DirectEffect, Interaction, Item, Prompt, Recommendation, Task

SHOWN = 5  # titles kept of what a module writes toward


@dataclass(frozen=True)
class _Tails:
    """Candidates whose tokens behind the shared ones are equally many. rows: which; asked: how many tokens answer."""

    rows: list[int]
    ids: Int[Tensor, "n t"]
    targets: Int[Tensor, "n asked"]

    @property
    def asked(self) -> int:
        return self.targets.shape[1]


@dataclass(frozen=True)
class _Side:
    """A history's keys and values, and what every module writes at the tokens of the history and of each group of tails."""

    cache: DynamicCache
    prefix: Record
    tails: list[Record]


class WhatIf:
    """A recommender that can be asked again with parts of it switched off.

    interactions: those of training, by which stand-ins for a history are chosen.
    """

    def __init__(
        self,
        recommender: Recommender,
        reader: Reader,
        items: Mapping[str, Item],
        interactions: Sequence[Interaction],
    ) -> None:
        self.recommender, self.reader, self.items = recommender, reader, items
        self.parts: Anatomy = anatomy(recommender.model)
        self.weights: Weights = weights(self.parts)
        self.stand_ins = StandIns(interactions, list(items.values()), reader.encode)

    def person(self, history: Sequence[Interaction], left_out: Collection[int] = ()) -> "Person":
        """One person with the history as the model reads it, but for the places `left_out` (counted from its start).

        Raises ValueError where nothing would be left.
        """
        prompt = open_prompt(history, self.reader)
        stand_ins = self.stand_ins(prompt)
        kept = [place for place in range(len(prompt.events) - 1) if place not in left_out]
        if not kept:
            raise ValueError("A history needs at least one title: leave one in.")
        shorter = Prompt(prompt.user, tuple(prompt.events[place] for place in (*kept, -1)), len(kept))
        others = {new: stand_ins[old] for new, old in enumerate(kept) if old in stand_ins}
        return Person(self, shorter, candidates(history, self.reader), others)


class Person:
    """One person's prompt with every candidate at its end, run once clean and once with the stand-ins."""

    def __init__(self, setting: WhatIf, prompt: Prompt, candidates: list[str], stand_ins: Mapping[int, str]) -> None:
        self.setting, self.prompt, self.candidates = setting, prompt, candidates
        encoded = setting.reader.encode(asked(prompt, candidates))
        click = setting.recommender.task is Task.CLICK
        stops = [one.answers[-1][0] if click else one.answers[-1][1] - 1 for one in encoded]
        rows = [one.ids[:stop] for one, stop in zip(encoded, stops, strict=True)]
        self.shared = shared_prefix(list(rows), min(one.answers[-1][0] for one in encoded) - 1)
        answers = [(setting.recommender.yes,) if click else one.ids[slice(*one.answers[-1])] for one in encoded]
        self.tails = self._tails(rows, answers)
        self.clean_ids = rows[0][: self.shared]
        self.corrupted_ids = self._corrupted_ids(encoded[0].spans, len(encoded[0].ids), stand_ins)
        self._corrupted = self._record(self.corrupted_ids)

    def _tails(self, rows: Sequence[tuple[int, ...]], answers: Sequence[tuple[int, ...]]) -> list[_Tails]:
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            groups[len(row), len(answer)].append(index)
        device = self.setting.recommender.device
        return [
            _Tails(
                chosen,
                torch.tensor([rows[i][self.shared :] for i in chosen], device=device),
                torch.tensor([answers[i] for i in chosen], device=device),
            )
            for chosen in groups.values()
        ]

    def _corrupted_ids(
        self, spans: tuple[tuple[int, int], ...], length: int, stand_ins: Mapping[int, str]
    ) -> tuple[int, ...]:
        """The shared tokens with every stand-in that keeps all tokens in their places."""
        prompt = asked(self.prompt, self.candidates[:1])[0]
        others = dict(stand_ins)
        while others:
            (other,) = self.setting.reader.encode([_replaced(prompt, others)])
            moved = [place for place in others if _size(other.spans[place]) != _size(spans[place])]
            if not moved and len(other.ids) == length:
                return other.ids[: self.shared]
            others = {place: item for place, item in others.items() if place not in moved} if moved else {}
        return self.clean_ids

    # ------------------------------------------------------------ passes

    @torch.no_grad()
    def _pass(self, ids: Tensor, cache: DynamicCache) -> Float[Tensor, "n t d"]:
        body = self.setting.parts.causal_lm.base_model
        return body(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state

    def _record(self, ids: tuple[int, ...]) -> _Side:
        """One side's history, and all candidates behind it."""
        parts, cache, prefix = self.setting.parts, DynamicCache(), Record()
        with visited(parts, prefix):
            self._pass(self._row(ids), cache)
        tails = []
        for tail in self.tails:
            tails.append(Record())
            with visited(parts, tails[-1], tail.asked):
                self._pass(tail.ids, repeated(cache, len(tail.rows)))
        return _Side(cache, prefix, tails)

    def _row(self, ids: tuple[int, ...]) -> Tensor:
        return torch.tensor([ids], device=self.setting.recommender.device)

    # ------------------------------------------------------------ answers

    @torch.no_grad()
    def scores(self, off: Collection[str] = ()) -> Float[np.ndarray, " candidates"]:
        """As `ranking.rank`, with the modules `off` switched off."""
        parts, opened, cache = self.setting.parts, self.setting.weights, DynamicCache()
        kept = set(parts.modules) - set(off)
        with visited(parts, ModulesPatch(parts, self._corrupted.prefix, opened, kept)):
            self._pass(self._row(self.clean_ids), cache)
        result = np.empty(len(self.candidates))
        for tail, record in zip(self.tails, self._corrupted.tails, strict=True):
            with visited(parts, ModulesPatch(parts, record, opened, kept), tail.asked):
                hidden = self._pass(tail.ids, repeated(cache, len(tail.rows)))
            result[tail.rows] = self._answer(hidden[:, -tail.asked :], tail).double().cpu().numpy()
        return result

    def top(self, off: Collection[str] = (), length: int = 10) -> tuple[Recommendation, ...]:
        """The top list with the modules `off` switched off."""
        return top_k(self.scores(off), self.candidates, self.setting.items, length)

    def _answer(self, hidden: Float[Tensor, "n asked d"], tail: _Tails) -> Float[Tensor, " n"]:
        """The scores, from what the last norm gives."""
        parts, recommender = self.setting.parts, self.setting.recommender
        logits = parts.capped(parts.head(hidden).float())
        if recommender.task is Task.CLICK:
            return logits[:, -1, recommender.yes] - logits[:, -1, recommender.no]
        return logits.log_softmax(-1).gather(-1, tail.targets.to(logits.device)[..., None])[..., 0].mean(1)

    def effects(self) -> Float[np.ndarray, "modules candidates"]:
        """Direct effect of each module on each candidate's score, in logits: what it writes at the tokens that answer,
        less what it writes there with the stand-ins, along the score's gradient behind the last layer."""
        clean = self._record(self.clean_ids)
        result = np.empty((len(self.setting.parts.modules), len(self.candidates)))
        for tail, here, there in zip(self.tails, clean.tails, self._corrupted.tails, strict=True):
            result[:, tail.rows] = self._direct(tail, here, there, clean.cache).double().cpu().numpy()
        return result

    def _direct(self, tail: _Tails, here: Record, there: Record, cache: DynamicCache) -> Float[Tensor, "modules n"]:
        slope = self._slope(tail, cache)
        found = []
        for layer, write in enumerate(self.setting.weights.write):
            heads, mlp = (
                (one[layer] - other[layer])[:, -tail.asked :].to(slope)
                for one, other in ((here.head, there.head), (here.mlp, there.mlp))
            )
            found.append(torch.einsum("nahk,hkd,nad->hn", heads, write.to(slope), slope))
            found.append(torch.einsum("nad,nad->n", mlp, slope)[None])
        return torch.cat(found)

    def _slope(self, tail: _Tails, cache: DynamicCache) -> Float[Tensor, "n asked d"]:
        """The gradient of the scores by the residual stream that the last norm reads."""
        parts, seen = self.setting.parts, _Stream()
        with visited(parts, seen, tail.asked):
            self._pass(tail.ids, repeated(cache, len(tail.rows)))
        stream = seen.last[:, -tail.asked :].float().requires_grad_()
        with torch.enable_grad():
            score = self._answer(parts.final_norm.module(stream.to(seen.last.dtype)), tail).sum()
        return torch.autograd.grad(score, stream)[0]


class _Stream(Visitor):
    """Keeps what the last norm reads."""

    last: Tensor

    def logits_input(self, x: Tensor) -> Tensor:
        self.last = x.detach()
        return x


def toward(setting: WhatIf, histories: Sequence[Sequence[Interaction]]) -> tuple[DirectEffect, ...]:
    """By module, the titles whose score it raises most and lowers most directly, means over the people for whom a title
    is a candidate, which must be half of them at least."""
    places = {item: column for column, item in enumerate(setting.items)}
    total, count = np.zeros((len(setting.parts.modules), len(places))), np.zeros(len(places))
    for history in histories:
        person = setting.person(history)
        columns = [places[item] for item in person.candidates]
        total[:, columns] += person.effects()
        count[columns] += 1
    common = [item for item, column in places.items() if count[column] * 2 >= max(1, len(histories))]
    means = (total / count.clip(1))[:, [places[item] for item in common]]
    return tuple(
        DirectEffect(name, _most(row, common, setting.items, 1), _most(row, common, setting.items, -1))
        for name, row in zip(setting.parts.modules, means, strict=True)
    )


def _most(
    row: np.ndarray, items: Sequence[str], catalogue: Mapping[str, Item], sign: int
) -> tuple[Recommendation, ...]:
    """The titles of largest effect with that sign."""
    found = top_k(sign * row, items, catalogue, SHOWN)
    return tuple(replace(one, score=sign * one.score) for one in found if one.score > 0)


def _replaced(prompt: Prompt, stand_ins: Mapping[int, str]) -> Prompt:
    events = [
        Interaction(event.user, stand_ins.get(place, event.item), event.liked, event.time, event.rating)
        for place, event in enumerate(prompt.events)
    ]
    return Prompt(prompt.user, tuple(events), prompt.first_target)


def _size(span: tuple[int, int]) -> int:
    return span[1] - span[0]
