"""Number of tokens that a run reads, from its data and its method."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from statistics import fmean
from typing import Any, NamedTuple

from core.data.splits import single_targets
from core.evaluation import evaluate, predictions, ranking
from core.evaluation.ranking_budget import RankingBudget
from core.pipeline.circuit_stage import CIRCUIT_HISTORY, CIRCUIT_PROMPTS
from core.pipeline.context import RequestContext
from core.runs.answer_files import without_answers
from core.types import Task
from core.unlearning import early_stopping, memory_contrast, task_vectors
from core.unlearning.methods import Method
from core.unlearning.teachers import OVERFIT
from core.unlearning.unlearn import CHECK_EVERY
from core.utils.sampling import evenly_spaced

CIRCUIT_PASSES = 60  # forward passes per counterfactual prompt: metric gap, cuts, circuits of the faithfulness curve
CONTRAST_PASSES = 6  # forward passes until a counterfactual prompt is found
CIRCUIT_POINTS = 5  # forward and backward passes per counterfactual prompt
SAMPLE = 64  # prompts of each set whose length is measured


class Reads(NamedTuple):
    """Tokens of one part of a run.

    Attributes:
        plain: Tokens read without a gradient.
        with_gradient: Tokens read with a gradient.
        candidates: Candidate prompts that are tokenised for ranking.
    """

    plain: float
    with_gradient: float = 0.0
    candidates: float = 0.0


class Lengths:
    """Prompt lengths of each set of a split, from a sample."""

    def __init__(self, context: RequestContext) -> None:
        split = context.split
        self.context, self.counts, self.encoded = context, {}, {}
        for name in ("forget", "retain", "test", "holdout", "validation"):
            prompts = getattr(split, name)
            self.counts[name], self.encoded[name] = len(prompts), context.encode(evenly_spaced(prompts, SAMPLE))

    def one(self, name: str) -> float:
        """Mean tokens of a prompt."""
        return fmean(len(prompt.ids) for prompt in self.encoded[name]) if self.encoded[name] else 0.0

    def all(self, name: str, most: int | None = None) -> float:
        """Tokens of a set, or of at most `most` of its prompts."""
        return self.one(name) * min(self.counts[name], most or self.counts[name])

    def padded(self, name: str, batch: int) -> float:
        """Mean tokens of a prompt in a random batch, padding included."""
        sizes, rng = [len(prompt.ids) for prompt in self.encoded[name]], random.Random(0)
        return fmean(max(rng.choices(sizes, k=batch)) for _ in range(SAMPLE))

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt in the samples."""
        return max(len(prompt.ids) for name in ("forget", "retain") for prompt in self.encoded[name])

    def answers(self, name: str) -> float:
        """Mean answer tokens of a prompt."""
        return fmean(prompt.answer_tokens for prompt in self.encoded[name])

    @cached_property
    def candidate(self) -> tuple[float, float]:
        """Tokens of one candidate after the history, and the seconds to tokenise one."""
        prompt, catalogue = self.context.split.retain[0], evenly_spaced(list(self.context.prompt_setup.popular), SAMPLE)
        started = time.perf_counter()
        asked = self.context.encode(ranking.candidate_prompts(prompt, catalogue))
        seconds = (time.perf_counter() - started) / len(asked)
        return fmean(len(one.ids) - one.spans[-1][0] for one in asked), seconds


def reads(context: RequestContext, lengths: Lengths, how: Method, config: Any, budget: RankingBudget) -> Reads:
    """All tokens of a run of a method."""
    references = without_answers(context.workspace.reference_folders(context.request.id))
    models = 2 + len(references)  # original, unlearned, and each reference without kept answers
    evaluations = [
        _evaluation(context, lengths, budget, lists=number < 3) for number in range(models)
    ]  # of the references, only one computes lists
    modules = config.num_hidden_layers * (config.num_attention_heads + 1)
    work = _retraining if how.retrain else _unlearning
    found = [*evaluations, *_circuit(context, how), *work(context, lengths, how, modules)]
    return Reads(*(sum(side) for side in zip(*found, strict=True)))


def _circuit(context: RequestContext, how: Method) -> Iterator[Reads]:
    """Counterfactual prompts and both circuits."""
    for part in (context.split.forget, context.split.retain) if how.needs_circuits else ():
        singles = context.encode(evenly_spaced(single_targets(part, CIRCUIT_HISTORY), CIRCUIT_PROMPTS))
        tokens = sum(len(one.ids) for one in singles)
        yield Reads(tokens * (CIRCUIT_PASSES + CONTRAST_PASSES), tokens * CIRCUIT_POINTS)


def _retraining(context: RequestContext, lengths: Lengths, _how: Method, _modules: int) -> Iterator[Reads]:
    yield Reads(0.0, training_tokens(context, lengths))


def training_tokens(context: RequestContext, lengths: Lengths) -> float:
    """Tokens of one training of the adapter without the request's data."""
    settings = context.workspace.settings
    return settings.epochs * lengths.counts["retain"] * lengths.padded("retain", settings.batch_size)


def _unlearning(_context: RequestContext, lengths: Lengths, how: Method, modules: int) -> Iterator[Reads]:
    """Both losses of every step, the early-stopping checks, and the memory contrast."""
    forgets, keeps = how.weights
    checked = lengths.all("forget") + sum(
        lengths.all(name, early_stopping.PROMPTS) for name in ("holdout", "validation")
    )
    checks = len(task_vectors.MOVE_MULTIPLES) + 1 if how.uses_task_vectors else how.steps / CHECK_EVERY + 2
    yield Reads((checks + 1) * checked)
    compared = sum(lengths.all(name, early_stopping.COMPARED) for name in ("retain", "holdout", "validation"))
    yield Reads(2 * compared)
    if how.groups == "memory":
        compared = lengths.all("forget") + lengths.all("holdout", memory_contrast.PROMPTS)
        exact = modules <= memory_contrast.EXACT_MODULES
        yield Reads((modules + 1) * compared) if exact else Reads(0.0, memory_contrast.STRENGTHS * compared)
    if how.uses_teacher:
        yield Reads(lengths.all("forget"))
    if how.needs_overfit_copy:
        yield Reads(2 * lengths.all("forget"), _overfit(lengths, how, "forget", lengths.counts["forget"]))
    if how.uses_task_vectors:
        control = min(task_vectors.control_size(lengths.counts["forget"]), lengths.counts["retain"])
        yield Reads(0.0, _overfit(lengths, how, "retain", control))
    if forgets and not how.uses_task_vectors:
        prompts = how.steps * min(how.batch_size, lengths.counts["forget"])
        yield Reads(0.0, prompts * lengths.padded("forget", how.batch_size))
    if keeps:
        tokens = how.steps * how.batch_size * lengths.padded("retain", how.batch_size)
        yield Reads(tokens, tokens)


def _overfit(lengths: Lengths, how: Method, name: str, prompts: int) -> float:
    """Tokens of over-fitting this number of prompts of a set."""
    epochs = task_vectors.overfit_epochs(prompts, how) if how.uses_task_vectors else OVERFIT.epochs
    return epochs * prompts * lengths.one(name)


def _evaluation(context: RequestContext, lengths: Lengths, budget: RankingBudget, lists: bool) -> Reads:
    """The evaluation of one model, with or without top lists."""
    split, prompt = context.split, lengths.one("test")
    most = min(evaluate.RANKED_USERS, budget.users(evaluate.NEGATIVES + 1))
    ranked = min(most, len({one.user for one in split.test}))
    listed = len(evaluate.list_users(split, budget.users(evaluate.LIST_CANDIDATES))) * lists
    unseen = len(context.prompt_setup.popular) - round(fmean(map(len, context.histories.values())))
    # number of candidates -> number of prompts
    asked = Counter({min(evaluate.NEGATIVES + 1, unseen): ranked})
    asked[min(evaluate.LIST_CANDIDATES, unseen)] += listed
    tokens = 0.0
    for name in ("forget", "test", "holdout"):
        if context.workspace.settings.task is Task.CLICK:
            tokens += lengths.all(name)
        else:
            targets = sum(len(one.targets) for one in getattr(split, name))
            asked[predictions.CANDIDATES + 1] += min(predictions.LIMIT, targets)
    tokens += sum(prompts * (prompt + count * lengths.candidate[0]) for count, prompts in asked.items())
    return Reads(tokens, 0.0, sum(prompts * count for count, prompts in asked.items()))
