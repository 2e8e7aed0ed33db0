"""V9: overforgetting that gives the deletion away (the Streisand effect, arXiv:1911.04933).

Two checks: the model still answers the prompts of forgotten users, and its losses on the forget set are not
distinguishably larger than those of a reference. Smaller losses are a matter of the endpoints.
"""

import math
from collections.abc import Iterator

import numpy as np

from core.evaluation.advantage import resampling_units
from core.evaluation.metrics import auc, leave_one_out
from core.types import Check, Interval
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the probability of an answer, and how well losses tell the model from a reference."""
    yield _answer_mass(evidence)
    yield _distinguishability(evidence)


def _answer_mass(evidence: Evidence) -> Check:
    model, references = evidence.model.valid_mass, [answers.valid_mass for answers in evidence.references]
    mean = np.mean(references, axis=0) if len(model) else model
    units = resampling_units(evidence.model.outputs.forget.users)
    value = (
        estimate(lambda rows: float(model[rows].mean() / mean[rows].mean()), units)
        if len(model)
        else Interval(math.nan, math.nan, math.nan, 0)
    )
    share = evidence.thresholds.answer_mass
    spread = seed_spread([float(one.mean() / mean.mean()) for one in references]) if len(model) else math.nan
    return check("V9", "answer_mass", value, (share, None), share=share, spread=spread, references=len(references))


def _distinguishability(evidence: Evidence) -> Check:
    model = evidence.model.outputs.forget.losses
    references = [answers.outputs.forget.losses for answers in evidence.references]
    top = evidence.thresholds.distinguishability_auc
    value = estimate(
        lambda rows: float(np.mean([auc(model[rows], reference[rows]) for reference in references])),
        resampling_units(evidence.model.outputs.forget.users),
    )
    among = [
        float(np.mean([auc(own, other) for other in others])) for own, others in leave_one_out(references) if others
    ]
    return check(
        "V9", "distinguishability", value, (None, top), limit=top, spread=seed_spread(among), references=len(references)
    )
