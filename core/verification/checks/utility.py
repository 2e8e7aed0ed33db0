"""V10: quality for the other users.

The condition of a PASS: the upper 90 % bound of the fall of the test AUC stays under its margin. The guardrails: the
relative fall of the AUC of the forgotten users' neighbours and of a part of the retain set. Retraining has a cost too:
where the references lose more than the margin, their mean loss is allowed.
"""

from collections.abc import Callable, Iterator

import numpy as np

from core.evaluation.metrics import prediction_auc, select_rows
from core.evaluation.predictions import Predictions
from core.types import Check
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Answers, Evidence


def condition(evidence: Evidence) -> Iterator[Check]:
    """Check the fall of the AUC on later interactions of the other users."""
    model, original = evidence.model.outputs.test, evidence.original.outputs.test

    def fall(rows: np.ndarray) -> float:
        return prediction_auc(select_rows(original, rows)) - prediction_auc(select_rows(model, rows))

    margin = evidence.thresholds.test_auc_fall
    value = estimate(fall, model.users)
    yield check("V10", "utility_test", value, (None, margin), margin=margin, original=prediction_auc(original))


def guardrails(evidence: Evidence) -> Iterator[Check]:
    """Check the neighbours' test rows and the retain rows."""
    margins = evidence.thresholds
    near = np.isin(evidence.model.outputs.test.users, list(evidence.neighbours))
    yield _check(
        evidence, "utility_neighbours", lambda one: select_rows(one.outputs.test, near), margins.utility_neighbours
    )
    yield _check(evidence, "utility_retain", lambda one: one.retain, margins.utility_retain)


def _check(evidence: Evidence, code: str, part: Callable[[Answers], Predictions], margin: float) -> Check:
    model, original = part(evidence.model), part(evidence.original)
    all_rows = np.arange(len(model.users))

    def change(scores: Predictions, rows: np.ndarray) -> float:
        return prediction_auc(select_rows(scores, rows)) / prediction_auc(select_rows(original, rows)) - 1

    retrained = [change(part(answers), all_rows) for answers in evidence.references]
    bound = max(margin, -float(np.mean(retrained)))
    value = estimate(lambda rows: change(model, rows), model.users)
    return check(
        "V10", code, value, (-bound, None), margin=margin, bound=bound, original=prediction_auc(original),
        spread=seed_spread(retrained), references=len(retrained),
    )  # fmt: skip
