"""Counterfactual prompts: the same prompt without the evidence for its target (docs/method.md, section 1).

For each prompt, three strategies to replace evidence are tried, weakest change first. The first counterfactual that
halves the metric or flips its sign is used; if none does, the one that moves the metric most.

1. "pagerank": sort the history's titles by personalised PageRank from the target, nearest first. Replace 1, 2, 4, ...
   of them, each by an unseen title that is far from the target and has the same popularity decile and token count.
2. "other_user": replace every title that a title from another user's history fits by token count.
3. "mean": replace the embeddings of all history titles by the mean embedding of the tokens of popular titles (mean
   ablation).

Template, target, answers and all token positions stay the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import nn

from core.circuit.donors import DonorPool, Encode, Swaps, replace_items
from core.circuit.hooks import metrics
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, MEAN, PromptPair
from core.errors import RunError
from core.models.families import Anatomy, anatomy
from core.types import Encoded, Interaction, Item, Prompt

STRATEGIES = ("pagerank", "other_user", "mean")
DISTRACTORS = 50  # a distractor is drawn among this many most popular unseen titles
TARGETS = 64  # number of targets whose PageRanks are computed at once

SwapPlan = tuple[str, Swaps]  # (strategy, titles to replace)


def find_prompt_pairs(
    model: nn.Module,
    prompts: Sequence[Prompt],
    interactions: Sequence[Interaction],
    catalogue: Sequence[Item],
    encode: Encode,
    answers: tuple[int, int] | None,
    seed: int = 0,
    batch_size: int = 8,
    strategies: Sequence[str] = STRATEGIES,
    donors: int = 1,
) -> tuple[tuple[PromptPair, ...], int]:
    """Find a counterfactual prompt for each prompt that can have one.

    A prompt without history, or in which no title can be replaced, has none. In the next_item task the wrong answer is
    the title of a distractor, an unseen popular item, and the prompt is cut where the two titles first differ.

    Args:
        model: A Hugging Face causal LM, plain or with a live LoRA adapter.
        prompts: With exactly one target each.
        interactions: Training interactions, from which the item graph is built.
        catalogue: All items.
        encode: Maps prompts to tokens.
        answers: Token ids of Yes and No in the click task; None in next_item.
        seed: Of all random draws.
        batch_size: Prompts per batch.
        strategies: Which of STRATEGIES are tried, in this order.
        donors: Number of pairs for each prompt, each with its own draw of donors (and in next_item of the distractor).

    Returns:
        The prompt pairs, in the order of the prompts, and the number of prompts without a pair.

    Raises:
        RunError: A strategy is not in STRATEGIES.
    """
    if unknown := set(strategies) - set(STRATEGIES):
        raise RunError(f"Strategy {min(unknown)!r} is not known: choose among {', '.join(STRATEGIES)}.")
    random = np.random.default_rng(seed)
    pool = DonorPool(interactions, catalogue, encode)
    numbered = list(zip(range(len(prompts)), prompts, encode(prompts), strict=True))
    drawn = [_question(*prompt, pool, encode, answers, random) for prompt in numbered for _ in range(donors)]
    questions = [question for question in drawn if question]
    candidates = [
        _candidates(question, swaps, strategies, pool, random)
        for question, swaps in _distant_swaps(questions, pool, random)
    ]
    pairs = _search(anatomy(model), questions, candidates, encode, pool.average, batch_size)
    return pairs, len(prompts) - len({pair.prompt for pair in pairs})


class HistoryDonors:
    """Donors for whole histories, which do not depend on a target."""

    def __init__(
        self, interactions: Sequence[Interaction], catalogue: Sequence[Item], encode: Encode, seed: int = 0
    ) -> None:
        """Arguments are those of `find_prompt_pairs`."""
        self._pool, self._seed = DonorPool(interactions, catalogue, encode), seed

    def __call__(self, prompt: Prompt) -> dict[int, str]:
        """Donor item for each index of the history that has one.

        Donors are unseen, far from the whole history by personalised PageRank, and of the same popularity decile and
        token count as the title that they replace.
        """
        graph = self._pool.graph
        known = sorted({event.item for event in prompt.events[:-1]} & graph.items.keys())
        if not known:
            return {}
        scores = graph.pagerank(known).mean(1)
        pagerank = {item: float(scores[row]) for item, row in graph.items.items()}
        return dict(self._pool.distant_swaps(prompt, pagerank, np.random.default_rng(self._seed)))


@dataclass(frozen=True, slots=True)
class _Question:
    """A prompt with its right and wrong answer.

    Attributes:
        prompt: The whole prompt.
        encoded: Its tokens.
        pair: Cut before the answer, with both answers; its corrupted side still equals the clean one.
    """

    prompt: Prompt
    encoded: Encoded
    pair: PromptPair


def _cut(number: int, prompt: Prompt, encoded: Encoded, stop: int, right: int, wrong: int) -> _Question:
    ids, items = encoded.ids[:stop], tuple(start for start, _ in encoded.spans)
    return _Question(prompt, encoded, PromptPair(ids, ids, right, wrong, "", (), items, prompt=number))


def _question(
    number: int,
    prompt: Prompt,
    encoded: Encoded,
    pool: DonorPool,
    encode: Encode,
    answers: tuple[int, int] | None,
    random: np.random.Generator,
) -> _Question | None:
    """None if the prompt has no history, or if no distractor's title differs from the target's."""
    if len(prompt.events) < 2:
        return None
    start, stop = encoded.answers[0]
    if answers:
        right, wrong = answers if encoded.labels[0] else answers[::-1]
        return _cut(number, prompt, encoded, start, right, wrong)
    seen = pool.seen(prompt)
    distractors = [item for item in pool.popular if item not in seen][:DISTRACTORS]
    for distractor in random.permutation(distractors):
        (other,) = encode([replace_items(prompt, {len(prompt.events) - 1: str(distractor)})])
        for position in range(start, min(stop, len(other.ids))):
            if encoded.ids[position] != other.ids[position]:
                return _cut(number, prompt, encoded, position, encoded.ids[position], other.ids[position])
    return None


def _distant_swaps(
    questions: Sequence[_Question], pool: DonorPool, random: np.random.Generator
) -> Iterator[tuple[_Question, Swaps]]:
    """Each question with its swaps far from the target, the nearest evidence replaced first."""
    rows = pool.graph.items
    for first in range(0, len(questions), TARGETS):
        block = questions[first : first + TARGETS]
        targets = [question.prompt.events[-1].item for question in block]
        known = [target for target in dict.fromkeys(targets) if target in rows]
        columns = dict(zip(known, pool.graph.pagerank(known).T, strict=True))
        for question, target in zip(block, targets, strict=True):
            scores = columns.get(target)
            pagerank: Mapping[str, float] = {} if scores is None else {item: scores[row] for item, row in rows.items()}
            yield question, pool.distant_swaps(question.prompt, pagerank, random)


def _candidates(
    question: _Question, swaps: Swaps, strategies: Sequence[str], pool: DonorPool, random: np.random.Generator
) -> list[SwapPlan]:
    """Candidates in the order in which they are tried, the smallest change of each strategy first."""
    counts = [2**power for power in range(len(swaps).bit_length()) if 2**power < len(swaps)]
    plans: dict[str, list[Swaps]] = {
        "pagerank": [swaps[:count] for count in (*counts, len(swaps)) if swaps],
        "other_user": [pool.other_user_swaps(question.prompt, random)],
        "mean": [[]],
    }
    return [(strategy, plan) for strategy in strategies for plan in plans[strategy]]


def _search(
    parts: Anatomy,
    questions: Sequence[_Question],
    candidates: Sequence[list[SwapPlan]],
    encode: Encode,
    average: tuple[int, ...],
    batch_size: int,
) -> tuple[PromptPair, ...]:
    """For each question, the first candidate that halves or flips the metric, else the one that moves it most."""
    clean = metrics(parts, [question.pair for question in questions], batch_size, CLEAN).tolist()
    best: dict[int, PromptPair] = {}
    change = [-1.0] * len(questions)  # of the best candidate so far, infinite once one is good enough
    unsolved = list(range(len(questions)))
    for attempt in range(max(map(len, candidates), default=0)):
        unsolved = [i for i in unsolved if attempt < len(candidates[i])]
        tried = _pairs({i: (questions[i], candidates[i][attempt]) for i in unsolved}, encode, average)
        corrupted = metrics(parts, list(tried.values()), batch_size, CORRUPTED).tolist()
        for i, metric in zip(tried, corrupted, strict=True):
            enough = abs(metric) <= abs(clean[i]) / 2 or metric * clean[i] < 0
            if enough or abs(metric - clean[i]) > change[i]:
                best[i], change[i] = tried[i], np.inf if enough else abs(metric - clean[i])
        unsolved = [i for i in unsolved if change[i] < np.inf]
    return tuple(best[i] for i in sorted(best))


def _pairs(
    attempts: Mapping[int, tuple[_Question, SwapPlan]], encode: Encode, average: tuple[int, ...]
) -> dict[int, PromptPair]:
    """The pair of each question's candidate, without those that move a token."""
    others = encode([replace_items(question.prompt, dict(swaps)) for question, (_, swaps) in attempts.values()])
    pairs = {
        i: _averaged(question, average) if strategy == "mean" else _swapped(question, other, strategy, swaps)
        for (i, (question, (strategy, swaps))), other in zip(attempts.items(), others, strict=True)
    }
    return {i: pair for i, pair in pairs.items() if pair}


def _swapped(question: _Question, other: Encoded, strategy: str, swaps: Swaps) -> PromptPair | None:
    """None unless the other prompt keeps all token positions and differs inside the replaced titles only."""
    ids = question.pair.ids
    corrupted = other.ids[: len(ids)]
    spans = tuple(sorted(question.encoded.spans[slot] for slot, _ in swaps))
    inside = {position for span in spans for position in range(*span)}
    differing = {position for position, (a, b) in enumerate(zip(ids, corrupted, strict=False)) if a != b}
    same_positions = len(other.ids) == len(question.encoded.ids) and other.spans == question.encoded.spans
    if same_positions and differing and differing <= inside:
        return replace(question.pair, corrupted=corrupted, strategy=strategy, spans=spans)
    return None


def _averaged(question: _Question, average: tuple[int, ...]) -> PromptPair:
    spans = question.encoded.spans[:-1]
    corrupted = list(question.pair.ids)
    for start, stop in spans:
        corrupted[start:stop] = [MEAN] * (stop - start)
    return replace(question.pair, corrupted=tuple(corrupted), strategy="mean", spans=spans, average=average)
