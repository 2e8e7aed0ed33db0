"""V1: does the model answer for the forgotten people as models that never saw them do? (method section 6)"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from core.evaluation.metrics import closeness, floor, jensen_shannon
from core.types import Check, Interval, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Evidence


def residual(evidence: Evidence) -> Iterator[Check]:
    """R = mean|p - p_ref| / mean|p_original - p_ref|, at most so much over what references score against one another."""
    model, original, references = _probabilities(evidence)
    found = measured(
        lambda rows: closeness(model[rows], original[rows], [one[rows] for one in references]).residual,
        _users(evidence),
    )
    spread = [one.residual for one in floor(original, references)]
    usual = float(np.mean(spread)) if spread else float("nan")
    yield check(
        "V1",
        "distance to models that never saw the data",
        found,
        (None, usual + evidence.thresholds.residual),
        f"{evidence.thresholds.residual} above the {usual:.2f} by which such models differ among themselves",
        {
            Verdict.PASS: "It answers for the forgotten people about as models do that never saw their data.",
            Verdict.FAIL: "It still answers for the forgotten people otherwise than models that never saw their data.",
            Verdict.INCONCLUSIVE: "Whether it answers as models do that never saw the data cannot be told.",
        },
    )


def divergence(evidence: Evidence) -> Iterator[Check]:
    """True Jensen-Shannon divergence in bits, at most so many times the 95th percentile between references."""
    model, _, references = _probabilities(evidence)
    yield check(
        "V1",
        "divergence from models that never saw the data",
        *apart(model, references, _users(evidence), evidence.thresholds.divergence),
        f"{evidence.thresholds.divergence} times the 95th percentile between {len(references)} such models",
        {
            Verdict.PASS: "Its answers are no further from such models than those are from one another.",
            Verdict.FAIL: "Its answers are further from such models than those are from one another.",
            Verdict.INCONCLUSIVE: "Whether its answers are as near to such models as those to one another cannot be told.",
        },
    )


def apart(
    model: np.ndarray, references: Sequence[np.ndarray], users: np.ndarray, times: float
) -> tuple[Interval, tuple[None, float]]:
    """The mean divergence of a model's probabilities [row, outcome] from references', and what passes: so many times the 95th
    percentile between references.
    """
    between = [jensen_shannon(left, right) for left, right in combinations(references, 2)]
    found = measured(lambda rows: float(np.mean([jensen_shannon(model[rows], one[rows]) for one in references])), users)
    return found, (None, times * float(np.quantile(between, 0.95)) if between else float("nan"))


def _probabilities(evidence: Evidence) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    model, original = (answers.seen.forget.probabilities for answers in (evidence.model, evidence.original))
    return model, original, [answers.seen.forget.probabilities for answers in evidence.references]


def _users(evidence: Evidence) -> np.ndarray:
    return clusters(evidence.model.seen.forget.users)
