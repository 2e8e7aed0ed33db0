"""V11: drift from a full retrain over several requests.

The references are retrained from the base model without the data of any request, so they are full
retrains after the last request. On held-out users, who are in no training set and in no request, each
update that differs from retraining adds to the divergence from the references. The bounds are those of V1.
"""

from collections.abc import Iterator

from core.types import Check
from core.verification.checks.closeness import mean_divergence
from core.verification.equivalence import check
from core.verification.evidence import Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the Jensen-Shannon divergence on held-out users, in bits, against that between references."""
    model, *references = (answers.outputs.holdout.probabilities for answers in (evidence.model, *evidence.references))
    factor = evidence.thresholds.divergence
    value, bounds = mean_divergence(model, references, evidence.model.outputs.holdout.users, factor)
    yield check("V11", "drift", value, bounds, factor=factor, references=len(references), requests=evidence.requests)
