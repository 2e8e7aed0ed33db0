"""Answers of one model for a verification: everything that the checks compare between models."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from core.data.paraphrases import Paraphrase, paraphrases_of
from core.data.prompts import encode, escape
from core.evaluation.evaluate import NEGATIVES, RANKED_USERS, target_ranks
from core.evaluation.predictions import Predictions, answer_probability, predict
from core.models.activations import hidden_states
from core.models.quantization import quantized
from core.models.recommender import Recommender, preserve_adapter
from core.pipeline.compare_models import budget_of, evaluate_model
from core.pipeline.context import RequestContext, title_similarity
from core.types import Prompt
from core.unlearning.finetuning import finetune
from core.utils.sampling import evenly_spaced
from core.verification.checks.probes import probed
from core.verification.checks.quantization import BITS
from core.verification.evidence import Answers, ProbeScores, TitleRanks

RETAIN_PROMPTS = 60  # prompts of the retain set that are scored
NEIGHBOURS = 20  # training users most like the forgotten users
RELEARN_ROWS, RELEARN_EPOCHS = 8, 3  # forget rows that are trained again, and epochs over them
RELEARN_TEST_ROWS = 400  # other forget rows that are scored after each epoch
PROBE_ROWS = 400  # rows of the forget set and of the held-out users, each


def collect_answers(recommender: Recommender, context: RequestContext, full: bool) -> Answers:
    """Collect the answers of one model.

    Args:
        recommender: The model.
        context: The data of the request.
        full: Whether to compute the slow answers too: paraphrases, activations and relearning.
    """
    budget = budget_of(recommender, context).users(NEGATIVES + 1)
    ranked = budget if full else min(budget, RANKED_USERS)
    forget, prompt_setup = context.split.forget, context.prompt_setup
    by_bits = {}
    for bits in BITS:
        with quantized(recommender.model, bits):
            by_bits[bits] = predict(recommender, forget, prompt_setup)
    answers = Answers(
        evaluate_model(recommender, context, ranked=ranked),
        answer_probability(recommender, forget, prompt_setup),
        by_bits,
        _title_ranks(recommender, context, ranked),
        predict(recommender, evenly_spaced(list(context.split.retain), RETAIN_PROMPTS), prompt_setup),
    )
    return _with_slow_answers(answers, recommender, context) if full else answers


def neighbours(context: RequestContext) -> frozenset[str]:
    """Return the NEIGHBOURS training users whose titles are most similar to those of the forgotten users."""
    others = context.histories.keys() - set(context.request.subjects)
    return frozenset(sorted(others, key=lambda user: (-title_similarity(user, context), user))[:NEIGHBOURS])


def _with_slow_answers(answers: Answers, recommender: Recommender, context: RequestContext) -> Answers:
    paraphrased = {
        name: _paraphrased(recommender, context, paraphrase)
        for name, paraphrase in paraphrases_of(recommender.task, context.workspace.templates).items()
    }
    probes = _probed(recommender, context)
    return replace(answers, paraphrased=paraphrased, probes=probes, relearned=relearned(recommender, context))


def _title_ranks(recommender: Recommender, context: RequestContext, most: int) -> TitleRanks:
    """Rank the forgotten titles that were liked, at most `most` of them."""
    rows = evenly_spaced([row for row in _rows(context) if row.events[-1].liked], most)
    return TitleRanks(
        np.array([row.user for row in rows], str),
        target_ranks(recommender, rows, context.prompt_setup, context.histories),
    )


def _rows(context: RequestContext) -> list[Prompt]:
    """Each forgotten interaction as a prompt with its history; interactions without a history are left out."""
    return [row for prompt in context.split.forget for row in prompt.singles if row.first_target]


def _paraphrased(recommender: Recommender, context: RequestContext, paraphrase: Paraphrase) -> Predictions:
    """Score the forget set with a paraphrase of the prompts."""
    titles = {item.id: paraphrase.title(escape(item.title)) for item in context.workspace.items.values()}
    reworded = partial(encode, titles=titles, words=paraphrase.words, tokenizer=recommender.tokenizer)
    return predict(
        recommender, paraphrase.prompts(context.split.forget), replace(context.prompt_setup, encode=reworded)
    )


def relearned(recommender: Recommender, context: RequestContext) -> tuple[Predictions, ...]:
    """Score forget rows before and after each epoch of training on a few other forget rows.

    The training follows the adapter's own recipe. Afterwards the adapter has its earlier weights, bit for bit.

    Returns:
        RELEARN_EPOCHS + 1 scores of the same rows; empty for a forget set of a single row.
    """
    rows = _rows(context)
    trained_rows = evenly_spaced(rows, min(RELEARN_ROWS, len(rows) // 2))
    test_rows = evenly_spaced([row for row in rows if row not in trained_rows], RELEARN_TEST_ROWS)
    if not trained_rows:
        return ()
    encoded, scores = context.encode(trained_rows), [predict(recommender, test_rows, context.prompt_setup)]
    with preserve_adapter(recommender.model):
        for epoch in range(RELEARN_EPOCHS):
            finetune(recommender.model, encoded, replace(context.finetune_settings, epochs=1, seed=epoch, average=0.0))
            scores.append(predict(recommender, test_rows, context.prompt_setup))
    return tuple(scores)


def _probed(recommender: Recommender, context: RequestContext) -> ProbeScores:
    """Probe the activations for the difference between forgotten users and held-out users."""
    sets = [_about_probed_targets(part) for part in (context.split.forget, context.split.holdout)]
    forgotten, held_out = (np.array([one.user for one in prompts for _ in one.targets], str) for prompts in sets)
    states = hidden_states(recommender.model, context.encode([*sets[0], *sets[1]])).numpy()
    users = np.concatenate([forgotten, held_out])
    return probed(states, users, np.arange(len(users)) < len(forgotten))


def _about_probed_targets(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Evenly spaced prompts with about PROBE_ROWS targets in all."""
    targets = sum(len(one.targets) for one in prompts)
    return evenly_spaced(list(prompts), max(1, PROBE_ROWS * len(prompts) // max(1, targets)))
