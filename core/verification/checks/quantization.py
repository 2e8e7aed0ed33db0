"""V6: quantization of the weights.

Small changes of weights may vanish on a coarse grid (arXiv:2410.16454). The check measures what rounding brings back:
the model's advantage in AUC over references that are rounded alike, less its advantage without rounding. The margin is
a share of the original's advantage, or what rounding does to a reference.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.advantage import resampling_units
from core.evaluation.metrics import leave_one_out, prediction_auc, select_rows
from core.evaluation.predictions import Predictions
from core.types import Check
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Answers, Evidence

BITS = (8, 4)


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check what rounding to each number of bits brings back, in AUC."""
    for bits in BITS:
        yield _check(evidence, bits)


def _check(evidence: Evidence, bits: int) -> Check:
    users, references = evidence.model.outputs.forget.users, evidence.references
    all_rows = np.arange(len(users))
    among = [_restored(one, others, bits, all_rows) for one, others in leave_one_out(references) if others]
    before = _advantage(_plain(evidence.original), list(map(_plain, references)), all_rows)
    margin = evidence.thresholds.recovery
    bound = margin * max(0.0, before)
    value = estimate(lambda rows: _restored(evidence.model, references, bits, rows), resampling_units(users))
    return check(
        "V6",
        f"quantization_{bits}",
        value,
        (None, bound),
        margin=margin,
        bound=bound,
        spread=seed_spread(among),
        references=len(references),
    )


def _restored(model: Answers, references: Sequence[Answers], bits: int, rows: np.ndarray) -> float:
    """The model's advantage with rounded weights less that without."""
    rounded = _advantage(model.quantized_scores[bits], [one.quantized_scores[bits] for one in references], rows)
    return rounded - _advantage(_plain(model), list(map(_plain, references)), rows)


def _advantage(model: Predictions, references: Sequence[Predictions], rows: np.ndarray) -> float:
    """AUC on the forget set over the references' mean."""
    own, *others = (prediction_auc(select_rows(one, rows)) for one in (model, *references))
    return own - float(np.mean(others))


def _plain(answers: Answers) -> Predictions:
    return answers.outputs.forget
