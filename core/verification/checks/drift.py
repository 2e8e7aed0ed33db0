"""V11: drift from a full retrain over several requests.

The references are retrained from the base model without the data of any request, so they are full
retrains after the last request. On held-out users, who are in no training set and in no request, each
update that differs from retraining adds to the divergence from the references. The margin is absolute, above the
mean divergence between two references: a multiple of it would be stricter, the better retrainings agree.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.metrics import jensen_shannon, leave_one_out, row_jensen_shannon
from core.types import Check
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the Jensen-Shannon divergence on held-out users, in bits, above that between references."""
    model, *references = (answers.outputs.holdout.probabilities for answers in (evidence.model, *evidence.references))
    between = [_mean_divergence(own, others) for own, others in leave_one_out(references) if others]
    usual, margin = float(np.mean(between)) if between else float("nan"), evidence.thresholds.drift_bits
    rows_of = np.mean([row_jensen_shannon(model, reference) for reference in references], axis=0)
    value = estimate(lambda rows: float(rows_of[rows].mean()), evidence.model.outputs.holdout.users)
    yield check(
        "V11", "drift", value, (None, usual + margin), margin=margin, usual=usual, references=len(references),
        requests=evidence.requests, spread=seed_spread(between),
    )  # fmt: skip


def _mean_divergence(model: np.ndarray, references: Sequence[np.ndarray]) -> float:
    return float(np.mean([jensen_shannon(model, reference) for reference in references]))
