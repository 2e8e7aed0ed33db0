"""How much of the drift budget is used: the fall of the test AUC by several deletions in a row. Pure functions.

The budget is the margin `Thresholds.test_auc_fall`, which one run must keep; a row of runs may each keep it and exceed
it together. A retrained adapter starts the count again.
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile

from core.report.drift_text import drift_text
from core.types import ClosedRequest, Drift, Evaluation, Verdict, Verification
from core.verification.thresholds import Thresholds


def fall_of(evaluation: Evaluation | None) -> float | None:
    """Test AUC of the original minus that of the unlearned model; None where it was not measured."""
    if evaluation is None:
        return None
    fall = evaluation.original.test_auc.value - evaluation.unlearned.test_auc.value
    return fall if math.isfinite(fall) else None


def drift_of(closed: Iterable[ClosedRequest]) -> Drift:
    """Sum the falls of the test AUC since the first adapter or the last retraining.

    Args:
        closed: All closed requests, newest first. The members of a batch share an adapter, which counts once.
    """
    adapters = {one.adapter: one for one in closed}.values()
    since = list(takewhile(lambda one: not one.retrained, adapters))
    known = [one.test_auc_fall for one in since if one.test_auc_fall is not None]
    return Drift(len(since), math.fsum(known), len(since) - len(known), len(since) < len(adapters))


def drift_sentence(closed: Iterable[ClosedRequest]) -> str:
    """What earlier deletions did to the test AUC; "" before the first one. Raises RunError as `drift_text` does."""
    return drift_text(drift_of(closed), Thresholds().test_auc_fall)


def advise_retraining(found: Verification, drift: Drift, fall: float | None, budget: float) -> Verification:
    """Put retraining first among the next steps where a run, after the deletions before it, exceeds the budget.

    Args:
        found: The verification of the run.
        drift: What was carried out before.
        fall: Fall of the test AUC by the run; one that is not known adds nothing.
        budget: Largest sum that needs no retraining.

    Returns:
        The verification; unchanged without earlier deletions, within the budget, and for a retrained adapter.
    """
    total = drift.test_auc_fall + (fall or 0.0)
    if not drift.deletions or total <= budget or found.verdict is Verdict.EXACT:
        return found
    others = (step for step in found.next_steps if step != "retrain")
    return replace(found, next_steps=("retrain_drift", *others), details=found.details | {"test_auc_drift": total})
