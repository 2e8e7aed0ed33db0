"""V6: does rounding the weights bring something back? (arXiv 2410.16454: small changes of weights may vanish on a coarse grid)

Recovery is how far rounding takes the model back from a reference's AUC on the forgotten rows toward the original's, all of them
rounded alike: (m_u - m_r) / (m_0 - m_r), 0 = as a reference, 1 = as the original.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.metrics import beside_others, prediction_auc, take
from core.types import Check, Interval, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Answers, Evidence

BITS = (8, 4)


def checks(evidence: Evidence) -> Iterator[Check]:
    for bits in BITS:
        yield _check(evidence, bits)


def _check(evidence: Evidence, bits: int) -> Check:
    users, original, references = evidence.model.seen.forget.users, evidence.original, evidence.references
    everything = np.arange(len(users))
    among = [_recovery(own, original, rest, bits, everything) for own, rest in beside_others(references) if rest]
    top = max([evidence.thresholds.recovery, *among])
    known = measured(lambda rows: _way(original, references, bits, rows)[0], clusters(users))
    unmeasured = Interval(math.nan, math.nan, math.nan, len(users))
    return check(
        "V6",
        f"weights rounded to {bits} bits",
        measured(lambda rows: _recovery(evidence.model, original, references, bits, rows), clusters(users))
        if known.low > 0  # what the original does not know either nothing can bring back
        else unmeasured,
        (None, top),
        f"{evidence.thresholds.recovery:.0%} of the way back to the original, or what a reference shows, here {top:.0%}",
        {
            Verdict.PASS: f"Rounding the weights to {bits} bits brings nothing back.",
            Verdict.FAIL: f"With its weights rounded to {bits} bits the model knows the forgotten rows again.",
            Verdict.INCONCLUSIVE: f"Whether rounding the weights to {bits} bits brings something back cannot be told.",
        },
    )


def _recovery(model: Answers, original: Answers, references: Sequence[Answers], bits: int, rows: np.ndarray) -> float:
    way, start = _way(original, references, bits, rows)
    return (_auc(model, bits, rows) - start) / way if way else math.nan


def _way(original: Answers, references: Sequence[Answers], bits: int, rows: np.ndarray) -> tuple[float, float]:
    """How much more AUC the original has than references, and what they have."""
    start = float(np.mean([_auc(one, bits, rows) for one in references]))
    return _auc(original, bits, rows) - start, start


def _auc(answers: Answers, bits: int, rows: np.ndarray) -> float:
    return prediction_auc(take(answers.rounded[bits], rows))
