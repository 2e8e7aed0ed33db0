"""V2: can somebody tell from the model's losses that the forgotten people were in its training data?

The attack of arXiv 1709.01604 (a low loss means member), plain and calibrated by what references lose on the same row
(arXiv 2111.08440). What counts is how much better it does on the model than on a reference.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.metrics import beside_others, membership_auc
from core.types import Check, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    yield _check(evidence, "membership by loss", False)
    yield _check(evidence, "membership by loss, calibrated by references", True)


def _check(evidence: Evidence, name: str, calibrated: bool) -> Check:
    pairs = _pairs(evidence, calibrated)
    forget, holdout = evidence.model.seen.forget, evidence.model.seen.holdout
    member = np.arange(len(forget.users) + len(holdout.users)) < len(forget.users)

    def attack(losses: np.ndarray, rows: np.ndarray) -> float:
        return membership_auc(losses[rows[member[rows]]], losses[rows[~member[rows]]])

    everybody = np.arange(len(member))
    attacks = [attack(own, everybody) for _, own in pairs]
    among = [abs(own - float(np.mean(others))) for own, others in beside_others(attacks) if others]
    bound = max([evidence.thresholds.membership, *among])
    return check(
        "V2",
        name,
        measured(
            lambda rows: float(np.mean([attack(model, rows) - attack(own, rows) for model, own in pairs])),
            np.concatenate([clusters(forget.users), holdout.users]),
        ),
        (-bound, bound),
        f"an attack may do {evidence.thresholds.membership} better or worse (AUC) than on models that never saw the data, or as "
        f"much as among those, here {bound:.3f}",
        {
            Verdict.PASS: "Nobody can tell from its losses that the forgotten people were in its data.",
            Verdict.FAIL: "Its losses on the forgotten people give away that something about them was special.",
            Verdict.INCONCLUSIVE: "Whether its losses give the forgotten people away cannot be told.",
        },
    )


def _pairs(evidence: Evidence, calibrated: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Losses [forget rows, then holdout rows] of the model and of each reference; calibrated, both less the mean of the other
    references on the same row.
    """
    model, references = _both(evidence.model), [_both(one) for one in evidence.references]
    if not calibrated:
        return [(model, own) for own in references]
    return [(model - _mean(others), own - _mean(others)) for own, others in beside_others(references)]


def _both(answers: Answers) -> np.ndarray:
    return np.concatenate([answers.seen.forget.losses, answers.seen.holdout.losses])


def _mean(losses: Sequence[np.ndarray]) -> np.ndarray | float:
    return np.mean(losses, axis=0) if losses else float("nan")
