"""V7: does a little training bring it back faster than it was learned? (relearning attacks, arXiv 2406.13356)

The model and each reference are trained alike on a few forgotten rows, and asked about the others after each lap. D = mean over
laps and rows of the loss before less the loss after: what the lessons gave away of the rest. Curves are alike by
1 - |D_u - D_r| / (|D_u| + |D_r|), D_r the mean over references: 1 = the same, 0 = one learned and the other did not.
"""

from collections.abc import Iterator

import numpy as np

from core.evaluation.metrics import beside_others
from core.types import Check, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Nothing where nobody was trained again."""
    if not evidence.model.relearned:
        return
    model, references = _gains(evidence.model), [_gains(one) for one in evidence.references]
    among = [_alike(own.mean(), np.mean(others)) for own, others in beside_others(references) if others]
    bound = min([evidence.thresholds.relearning, *among])
    yield check(
        "V7",
        "relearning from a few rows",
        measured(
            lambda rows: _alike(model[rows].mean(), np.mean([one[rows] for one in references])),
            clusters(evidence.model.relearned[0].users),
        ),
        (bound, None),
        f"curves alike by {evidence.thresholds.relearning}, or as models that never saw the data are, here {bound:.2f}",
        {
            Verdict.PASS: "Trained on a few forgotten rows, it learns the others no faster or slower than models that never saw them.",
            Verdict.FAIL: "Trained on a few forgotten rows, it learns the others otherwise than models that never saw them.",
            Verdict.INCONCLUSIVE: "Whether a little training brings the forgotten rows back faster than it should cannot be told.",
        },
    )


def _gains(answers: Answers) -> np.ndarray:
    """How much of its loss each row lost, mean over laps."""
    before, *after = (one.losses for one in answers.relearned)
    return before - np.mean(after, axis=0)


def _alike(left: float, right: float) -> float:
    return float(1 - abs(left - right) / max(abs(left) + abs(right), 1e-12))
