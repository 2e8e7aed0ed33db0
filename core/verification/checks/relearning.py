"""V7: relearning attack (arXiv:2406.13356).

1. The model and each reference are trained alike on a few forget rows, and scored on the others after each epoch.
2. D = mean over epochs and rows of (loss before - loss after): what the training reveals about the other rows.
3. Similarity of two curves is 1 - |D_u - D_r| / (|D_u| + |D_r|), with D_r the mean over references:
   1 = the same, 0 = only one of both learned.
"""

from collections.abc import Iterator

import numpy as np

from core.evaluation.metrics import leave_one_out
from core.types import Check
from core.verification.equivalence import check, estimate, resampling_units
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the similarity of learning curves; yields nothing where no model was trained again."""
    if not evidence.model.relearned:
        return
    model, references = _gains(evidence.model), [_gains(answers) for answers in evidence.references]
    among = [
        _similarity(float(gains.mean()), float(np.mean(others)))
        for gains, others in leave_one_out(references)
        if others
    ]
    threshold = evidence.thresholds.relearning
    bound = min([threshold, *among])
    value = estimate(
        lambda rows: _similarity(float(model[rows].mean()), float(np.mean([gains[rows] for gains in references]))),
        resampling_units(evidence.model.relearned[0].users),
    )
    yield check("V7", "relearning", value, (bound, None), threshold=threshold, bound=bound)


def _gains(answers: Answers) -> np.ndarray:
    """Fall of each row's loss [row], mean over epochs."""
    before, *after = (scores.losses for scores in answers.relearned)
    return np.asarray(before - np.mean(after, axis=0))


def _similarity(left: float, right: float) -> float:
    return 1 - abs(left - right) / max(abs(left) + abs(right), 1e-12)
