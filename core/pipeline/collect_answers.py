"""What a verification asks one model."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from core.data.paraphrases import Wording, wordings
from core.data.prompts import encode, escape
from core.evaluation.evaluate import RANKED_USERS, ranks
from core.evaluation.predictions import Scores, answer_mass, score
from core.models.activations import hidden
from core.models.quantization import rounded
from core.models.recommender import Recommender, preserve_adapter
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import RequestContext
from core.types import Prompt
from core.unlearning.finetuning import fit
from core.utils.sampling import evenly_spaced
from core.verification.checks.probes import probed
from core.verification.checks.quantization import BITS
from core.verification.evidence import Answers, Probed, Ranks

EVERYBODY = 10**9
KEPT = 60  # prompts of the retain set that are asked
NEIGHBOURS = 20
LESSONS, LAPS = 8, 3  # rows that are taught again, and how often
EXAM = 400  # other rows that are asked after each lap
PROBED = 400  # rows of either side


def answers_of(recommender: Recommender, context: RequestContext, full: bool) -> Answers:
    """Everything that the checks look at; full: what takes long too."""
    ranked = EVERYBODY if full else RANKED_USERS
    forget, reader = context.split.forget, context.reader
    coarse = {}
    for bits in BITS:
        with rounded(recommender.model, bits):
            coarse[bits] = score(recommender, forget, reader)
    quick = Answers(
        evaluate_model(recommender, context, ranked=ranked),
        answer_mass(recommender, forget, reader),
        coarse,
        _titles(recommender, context, ranked),
        score(recommender, evenly_spaced(list(context.split.retain), KEPT), reader),
    )
    return _with_what_takes_long(quick, recommender, context) if full else quick


def neighbours(context: RequestContext) -> frozenset[str]:
    """The NEIGHBOURS members who share most titles with those who asked, by the share of all titles of both (Jaccard)."""
    asking = set(context.request.subjects)
    theirs = {event.item for user in asking for event in context.histories[user]}

    def likeness(user: str) -> float:
        own = {event.item for event in context.histories[user]}
        return len(own & theirs) / max(1, len(own | theirs))

    return frozenset(sorted(set(context.histories) - asking, key=lambda user: (-likeness(user), user))[:NEIGHBOURS])


def _with_what_takes_long(answers: Answers, recommender: Recommender, context: RequestContext) -> Answers:
    worded = {name: _worded(recommender, context, one) for name, one in wordings(recommender.task).items()}
    inside = _inside(recommender, context)
    return replace(answers, worded=worded, inside=inside, relearned=relearned(recommender, context))


def _titles(recommender: Recommender, context: RequestContext, most: int) -> Ranks:
    """Where forgotten titles stand that were liked."""
    some = evenly_spaced([one for one in _rows(context) if one.events[-1].liked], most)
    return Ranks(np.array([one.user for one in some], str), ranks(recommender, some, context.reader, context.histories))


def _rows(context: RequestContext) -> list[Prompt]:
    """Each forgotten row with what stands before it, as far as something does."""
    return [one for prompt in context.split.forget for one in prompt.singles if one.first_target]


def _worded(recommender: Recommender, context: RequestContext, wording: Wording) -> Scores:
    titles = {item.id: wording.title(escape(item.title)) for item in context.workspace.items.values()}
    other = partial(encode, titles=titles, task=recommender.task, tokenizer=recommender.tokenizer, words=wording.words)
    return score(recommender, wording.prompts(context.split.forget), replace(context.reader, encode=other))


def relearned(recommender: Recommender, context: RequestContext) -> tuple[Scores, ...]:
    """What the model says of most forgotten rows before and after each lap of training on a few others, by the adapter's own
    recipe; afterwards the adapter is as it was, to the bit. Nothing where there is but one row."""
    rows = _rows(context)
    lessons = evenly_spaced(rows, min(LESSONS, len(rows) // 2))
    exam = evenly_spaced([one for one in rows if one not in lessons], EXAM)
    if not lessons:
        return ()
    taught, found = context.encode(lessons), [score(recommender, exam, context.reader)]
    with preserve_adapter(recommender.model):
        for lap in range(LAPS):
            fit(recommender.model, taught, replace(context.recipe, epochs=1, seed=lap))
            found.append(score(recommender, exam, context.reader))
    return tuple(found)


def _inside(recommender: Recommender, context: RequestContext) -> Probed:
    sides = [_some(part) for part in (context.split.forget, context.split.holdout)]
    users, strangers = (np.array([one.user for one in side for _ in one.targets], str) for side in sides)
    states = hidden(recommender.model, context.encode([*sides[0], *sides[1]])).numpy()
    everybody = np.concatenate([users, strangers])
    return probed(states, everybody, np.arange(len(everybody)) < len(users))


def _some(prompts: Sequence[Prompt]) -> list[Prompt]:
    """Evenly spread prompts with about PROBED targets."""
    targets = sum(len(one.targets) for one in prompts)
    return evenly_spaced(list(prompts), max(1, PROBED * len(prompts) // max(1, targets)))
