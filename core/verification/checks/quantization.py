"""V6: quantization of the weights.

Small changes of weights may vanish on a coarse grid (arXiv:2410.16454). Recovery is the share of the AUC
difference on the forget rows that rounding restores, with all models rounded alike:
(m_u - m_r) / (m_0 - m_r); 0 = like a reference, 1 = like the original.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.metrics import leave_one_out, prediction_auc, select_rows
from core.types import Check, Interval
from core.verification.equivalence import check, estimate, resampling_units
from core.verification.evidence import Answers, Evidence

BITS = (8, 4)


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the recovery at each number of bits."""
    for bits in BITS:
        yield _check(evidence, bits)


def _check(evidence: Evidence, bits: int) -> Check:
    users, original, references = evidence.model.outputs.forget.users, evidence.original, evidence.references
    units, all_rows = resampling_units(users), np.arange(len(users))
    among = [_recovery(one, original, rest, bits, all_rows) for one, rest in leave_one_out(references) if rest]
    margin = evidence.thresholds.recovery
    bound = max([margin, *among])
    advantage = estimate(lambda rows: _advantage(original, references, bits, rows)[0], units)
    # Where the original has no advantage over references, there is nothing to restore.
    value = (
        estimate(lambda rows: _recovery(evidence.model, original, references, bits, rows), units)
        if advantage.low > 0
        else Interval(math.nan, math.nan, math.nan, len(users))
    )
    return check("V6", f"quantization_{bits}", value, (None, bound), margin=margin, bound=bound)


def _recovery(model: Answers, original: Answers, references: Sequence[Answers], bits: int, rows: np.ndarray) -> float:
    advantage, start = _advantage(original, references, bits, rows)
    return (_auc(model, bits, rows) - start) / advantage if advantage else math.nan


def _advantage(original: Answers, references: Sequence[Answers], bits: int, rows: np.ndarray) -> tuple[float, float]:
    """The original's AUC less the references' mean AUC, and that mean."""
    start = float(np.mean([_auc(reference, bits, rows) for reference in references]))
    return _auc(original, bits, rows) - start, start


def _auc(answers: Answers, bits: int, rows: np.ndarray) -> float:
    return prediction_auc(select_rows(answers.quantized_scores[bits], rows))
