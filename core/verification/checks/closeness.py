"""V1: distance of the predictions on the forget set to those of the retrained references.

Source: docs/method.md, section 6.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from core.evaluation.advantage import resampling_units
from core.evaluation.metrics import closeness, jensen_shannon, reference_floor
from core.types import Check
from core.verification.equivalence import check, estimate
from core.verification.evidence import Evidence


def residual(evidence: Evidence) -> Iterator[Check]:
    """Check R = mean|p - p_ref| / mean|p_original - p_ref| against the mean R between references."""
    model, original, references = _probabilities(evidence)
    value = estimate(
        lambda rows: closeness(model[rows], original[rows], [reference[rows] for reference in references]).residual,
        _units(evidence),
    )
    between = [one.residual for one in reference_floor(original, references)]
    usual = float(np.mean(between)) if between else float("nan")
    margin = evidence.thresholds.residual
    yield check("V1", "residual", value, (None, usual + margin), margin=margin, usual=usual)


def divergence(evidence: Evidence) -> Iterator[Check]:
    """Check the Jensen-Shannon divergence from the references, in bits, against that between references."""
    model, _, references = _probabilities(evidence)
    factor = evidence.thresholds.divergence_factor
    between = [jensen_shannon(left, right) for left, right in combinations(references, 2)]
    value = estimate(
        lambda rows: float(np.mean([jensen_shannon(model[rows], reference[rows]) for reference in references])),
        _units(evidence),
    )
    bound = factor * float(np.quantile(between, 0.95)) if between else float("nan")
    yield check("V1", "divergence", value, (None, bound), factor=factor, references=len(references))


def _probabilities(evidence: Evidence) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    model, original = (answers.outputs.forget.probabilities for answers in (evidence.model, evidence.original))
    return model, original, [answers.outputs.forget.probabilities for answers in evidence.references]


def _units(evidence: Evidence) -> np.ndarray:
    return resampling_units(evidence.model.outputs.forget.users)
