"""Answers of one model for a verification: everything that the checks compare between models."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from core.data.paraphrases import Wording, wordings
from core.data.prompts import encode, escape
from core.evaluation.evaluate import RANKED_USERS, target_ranks
from core.evaluation.predictions import Predictions, answer_probability, predict
from core.models.activations import hidden_states
from core.models.quantization import quantized
from core.models.recommender import Recommender, preserve_adapter
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import RequestContext, title_similarity
from core.types import Prompt
from core.unlearning.finetuning import finetune
from core.utils.sampling import evenly_spaced
from core.verification.checks.probes import probed
from core.verification.checks.quantization import BITS
from core.verification.evidence import Answers, ProbeScores, TitleRanks

EVERYBODY = 10**9  # more users than any workspace has
KEPT = 60  # prompts of the retain set that are scored
NEIGHBOURS = 20  # training users most like the forgotten users
LESSONS, LAPS = 8, 3  # forget rows that are trained again, and epochs over them
EXAM = 400  # other forget rows that are scored after each epoch
PROBED = 400  # rows of the forget set and of the held-out users, each


def collect_answers(recommender: Recommender, context: RequestContext, full: bool) -> Answers:
    """Collect the answers of one model.

    Args:
        recommender: The model.
        context: The data of the request.
        full: Whether to compute the slow answers too: paraphrases, activations and relearning.
    """
    ranked = EVERYBODY if full else RANKED_USERS
    forget, reader = context.split.forget, context.reader
    by_bits = {}
    for bits in BITS:
        with quantized(recommender.model, bits):
            by_bits[bits] = predict(recommender, forget, reader)
    answers = Answers(
        evaluate_model(recommender, context, ranked=ranked),
        answer_probability(recommender, forget, reader),
        by_bits,
        _title_ranks(recommender, context, ranked),
        predict(recommender, evenly_spaced(list(context.split.retain), KEPT), reader),
    )
    return _with_slow_answers(answers, recommender, context) if full else answers


def neighbours(context: RequestContext) -> frozenset[str]:
    """Return the NEIGHBOURS training users whose titles are most similar to those of the forgotten users."""
    others = context.histories.keys() - set(context.request.subjects)
    return frozenset(sorted(others, key=lambda user: (-title_similarity(user, context), user))[:NEIGHBOURS])


def _with_slow_answers(answers: Answers, recommender: Recommender, context: RequestContext) -> Answers:
    paraphrased = {
        name: _paraphrased(recommender, context, wording) for name, wording in wordings(recommender.task).items()
    }
    probes = _probed(recommender, context)
    return replace(answers, paraphrased=paraphrased, probes=probes, relearned=relearned(recommender, context))


def _title_ranks(recommender: Recommender, context: RequestContext, most: int) -> TitleRanks:
    """Rank the forgotten titles that were liked, at most `most` of them."""
    rows = evenly_spaced([row for row in _rows(context) if row.events[-1].liked], most)
    return TitleRanks(
        np.array([row.user for row in rows], str), target_ranks(recommender, rows, context.reader, context.histories)
    )


def _rows(context: RequestContext) -> list[Prompt]:
    """Each forgotten interaction as a prompt with its history; interactions without a history are left out."""
    return [row for prompt in context.split.forget for row in prompt.singles if row.first_target]


def _paraphrased(recommender: Recommender, context: RequestContext, wording: Wording) -> Predictions:
    """Score the forget set in another wording of the prompts."""
    titles = {item.id: wording.title(escape(item.title)) for item in context.workspace.items.values()}
    reworded = partial(
        encode, titles=titles, task=recommender.task, tokenizer=recommender.tokenizer, words=wording.words
    )
    return predict(recommender, wording.prompts(context.split.forget), replace(context.reader, encode=reworded))


def relearned(recommender: Recommender, context: RequestContext) -> tuple[Predictions, ...]:
    """Score forget rows before and after each epoch of training on a few other forget rows.

    The training follows the adapter's own recipe. Afterwards the adapter has its earlier weights, bit for bit.

    Returns:
        LAPS + 1 scores of the same rows; empty for a forget set of a single row.
    """
    rows = _rows(context)
    lessons = evenly_spaced(rows, min(LESSONS, len(rows) // 2))
    exam = evenly_spaced([row for row in rows if row not in lessons], EXAM)
    if not lessons:
        return ()
    encoded, scores = context.encode(lessons), [predict(recommender, exam, context.reader)]
    with preserve_adapter(recommender.model):
        for lap in range(LAPS):
            finetune(recommender.model, encoded, replace(context.recipe, epochs=1, seed=lap))
            scores.append(predict(recommender, exam, context.reader))
    return tuple(scores)


def _probed(recommender: Recommender, context: RequestContext) -> ProbeScores:
    """Probe the activations for the difference between forgotten users and held-out users."""
    sets = [_about_probed_targets(part) for part in (context.split.forget, context.split.holdout)]
    forgotten, held_out = (np.array([one.user for one in prompts for _ in one.targets], str) for prompts in sets)
    states = hidden_states(recommender.model, context.encode([*sets[0], *sets[1]])).numpy()
    users = np.concatenate([forgotten, held_out])
    return probed(states, users, np.arange(len(users)) < len(forgotten))


def _about_probed_targets(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Evenly spaced prompts with about PROBED targets in all."""
    targets = sum(len(one.targets) for one in prompts)
    return evenly_spaced(list(prompts), max(1, PROBED * len(prompts) // max(1, targets)))
