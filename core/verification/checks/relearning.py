"""V7: relearning attack (arXiv:2406.13356).

1. The model and each reference are trained alike on a few forget rows, and scored on the others after each epoch.
2. D = mean over epochs and rows of (loss before - loss after), in nats: what the training reveals about the other rows.
3. The check measures how much faster the model relearns than the references, D_u less the mean D of the references.
"""

from collections.abc import Iterator

import numpy as np

from core.evaluation.advantage import resampling_units
from core.types import Check
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the excess of relearning in nats; yields nothing where no model was trained again."""
    if not evidence.model.relearned:
        return
    model, references = _gains(evidence.model), [_gains(answers) for answers in evidence.references]
    means = [float(gains.mean()) for gains in references]
    margin = evidence.thresholds.relearning
    excess = model - np.mean(references, axis=0)
    value = estimate(lambda rows: float(excess[rows].mean()), resampling_units(evidence.model.relearned[0].users))
    yield check(
        "V7", "relearning", value, (None, margin), margin=margin, spread=seed_spread(means), references=len(means)
    )


def _gains(answers: Answers) -> np.ndarray:
    """Fall of each row's loss [row], mean over epochs."""
    before, *after = (scores.losses for scores in answers.relearned)
    return np.asarray(before - np.mean(after, axis=0))
