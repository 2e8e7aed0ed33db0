"""V2: membership inference by loss.

The attack of arXiv:1709.01604 (a low loss means member), plain and calibrated by the references' losses
on the same row (arXiv:2111.08440). The check measures how much better the attack does on the model than
on a reference.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.metrics import leave_one_out, membership_auc
from core.types import Check
from core.verification.equivalence import check, estimate, resampling_units
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the plain and the calibrated attack."""
    yield _check(evidence, "membership_loss", calibrated=False)
    yield _check(evidence, "membership_calibrated", calibrated=True)


def _check(evidence: Evidence, code: str, calibrated: bool) -> Check:
    pairs = _pairs(evidence, calibrated)
    forget, holdout = evidence.model.outputs.forget, evidence.model.outputs.holdout
    member = np.arange(len(forget.users) + len(holdout.users)) < len(forget.users)

    def attack(losses: np.ndarray, rows: np.ndarray) -> float:
        return membership_auc(losses[rows[member[rows]]], losses[rows[~member[rows]]])

    all_rows = np.arange(len(member))
    on_references = [attack(reference, all_rows) for _, reference in pairs]
    spread = [abs(auc - float(np.mean(others))) for auc, others in leave_one_out(on_references) if others]
    margin = evidence.thresholds.membership
    bound = max([margin, *spread])
    value = estimate(
        lambda rows: float(np.mean([attack(model, rows) - attack(reference, rows) for model, reference in pairs])),
        np.concatenate([resampling_units(forget.users), holdout.users]),
    )
    return check("V2", code, value, (-bound, bound), margin=margin, bound=bound)


def _pairs(evidence: Evidence, calibrated: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Losses of the model and of each reference, forget rows first and then held-out rows.

    Calibrated losses are reduced by the mean of the other references on the same row.
    """
    model, references = _losses(evidence.model), [_losses(reference) for reference in evidence.references]
    if not calibrated:
        return [(model, reference) for reference in references]
    return [(model - _mean(others), reference - _mean(others)) for reference, others in leave_one_out(references)]


def _losses(answers: Answers) -> np.ndarray:
    return np.concatenate([answers.outputs.forget.losses, answers.outputs.holdout.losses])


def _mean(losses: Sequence[np.ndarray]) -> np.ndarray | float:
    return np.asarray(np.mean(losses, axis=0)) if losses else float("nan")
