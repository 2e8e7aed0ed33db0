"""V10: loss of quality for the other users, as the relative change of the AUC against the original's.

Three sets of rows: later interactions of all users, those of the forgotten users' neighbours, and a part
of the retain set. Retraining has a cost too: where the references lose more than the bound, their loss
is allowed.
"""

from collections.abc import Callable, Iterator

import numpy as np

from core.evaluation.metrics import prediction_auc, select_rows
from core.evaluation.predictions import Predictions
from core.types import Check
from core.verification.equivalence import check, estimate
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the test rows, the neighbours' test rows and the retain rows."""
    bounds = evidence.thresholds
    near = np.isin(evidence.model.outputs.test.users, list(evidence.neighbours))
    yield _check(evidence, "utility_test", lambda answers: answers.outputs.test, bounds.utility)
    yield _check(evidence, "utility_neighbours", lambda answers: select_rows(answers.outputs.test, near), bounds.groups)
    yield _check(evidence, "utility_retain", lambda answers: answers.retain, bounds.utility)


def _check(evidence: Evidence, code: str, part: Callable[[Answers], Predictions], margin: float) -> Check:
    model, original = part(evidence.model), part(evidence.original)
    all_rows = np.arange(len(model.users))

    def change(scores: Predictions, rows: np.ndarray) -> float:
        return prediction_auc(select_rows(scores, rows)) / prediction_auc(select_rows(original, rows)) - 1

    bound = max([margin, *(-change(part(answers), all_rows) for answers in evidence.references)])
    value = estimate(lambda rows: change(model, rows), model.users)
    return check("V10", code, value, (-bound, None), margin=margin, bound=bound, original=prediction_auc(original))
