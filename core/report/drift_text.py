"""What earlier deletions did to the test AUC, in one sentence; the same words on pages and in the terminal."""

from core.report.check_texts import ENGLISH
from core.report.localization import locale
from core.types import Drift


def drift_text(drift: Drift, budget: float) -> str:
    """Return the sentence; "" before the first deletion. Raises RunError where fluent.runtime is not installed.

    Args:
        drift: What was carried out before.
        budget: Fall of the test AUC from which retraining is advised.
    """
    if not drift.deletions:
        return ""
    return locale(ENGLISH).text(
        "drift-spent" if drift.test_auc_fall > budget else "drift-used",
        since="retraining" if drift.retrained else "first",
        change="rise" if drift.test_auc_fall < 0 else "fall",
        deletions=drift.deletions,
        by=f"{abs(drift.test_auc_fall):.3f}",
        budget=f"{budget:.3f}",
        unknown=drift.unknown,
    )
