"""V5: paraphrases of the prompt.

Data that is gone under one paraphrase may still show under another (arXiv:2402.16835). The check measures the model's
advantage in log loss over the references under each paraphrase; the worst paraphrase counts, for the model and for each
reference alike. The margin is the share of the original's advantage that may be left, as at the endpoints.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.advantage import SHOWN_FROM, resampling_units
from core.evaluation.metrics import leave_one_out
from core.types import Check, Interval
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the worst paraphrase; yields nothing where no paraphrase was evaluated."""
    if not evidence.model.paraphrased:
        return
    model, original, *references = map(_losses, (evidence.model, evidence.original, *evidence.references))
    users = next(iter(evidence.model.paraphrased.values())).users
    keep = 1 - evidence.thresholds.forgotten_share
    among = [_worst(own, others, np.arange(len(users))) for own, others in leave_one_out(references) if others]
    before, spread = _worst(original, references, np.arange(len(users))), seed_spread(among)
    value = estimate(lambda rows: _worst(model, references, rows), resampling_units(users))
    if not before > SHOWN_FROM * spread:  # the original shows nothing to look for
        value = Interval(math.nan, math.nan, math.nan, len(users))
    bound = keep * max(0.0, before)
    yield check(
        "V5", "paraphrases", value, (None, bound), wordings=len(model), keep=keep, bound=bound, spread=spread,
        references=len(references),
    )  # fmt: skip


def _losses(answers: Answers) -> np.ndarray:
    """Losses [paraphrase, row]."""
    return np.stack([one.losses for one in answers.paraphrased.values()])


def _worst(model: np.ndarray, references: Sequence[np.ndarray], rows: np.ndarray) -> float:
    """The largest advantage in nats under any paraphrase."""
    return float((np.mean(references, axis=0) - model)[:, rows].mean(1).max())
