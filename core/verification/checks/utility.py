"""V10: what do the people who stay pay? AUC against the original's: on everybody's later interactions, on those of the forgotten
people's neighbours, who share most with them, and on what the model is to keep. Retraining costs something too: what the
references lose counts as allowed where that is more than the bound.
"""

from collections.abc import Callable, Iterator

import numpy as np

from core.evaluation.metrics import prediction_auc, take
from core.evaluation.predictions import Scores
from core.types import Check, Verdict
from core.verification.equivalence import check, measured
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    bounds = evidence.thresholds
    later = "other people's taste"
    yield _check(evidence, "what it costs the others", later, lambda one: one.seen.test, bounds.utility)
    near = np.isin(evidence.model.seen.test.users, list(evidence.neighbours))
    what = "the taste of the people most like the forgotten ones"
    yield _check(evidence, "what it costs neighbours", what, lambda one: take(one.seen.test, near), bounds.groups)
    what = "what it was taught by those who stay"
    yield _check(evidence, "what it keeps", what, lambda one: one.kept, bounds.utility)


def _check(evidence: Evidence, name: str, what: str, part: Callable[[Answers], Scores], bound: float) -> Check:
    model, original = part(evidence.model), part(evidence.original)
    everything = np.arange(len(model.users))

    def change(scores: Scores, rows: np.ndarray) -> float:
        return prediction_auc(take(scores, rows)) / prediction_auc(take(original, rows)) - 1

    allowed = max([bound, *(-change(part(one), everything) for one in evidence.references)])
    return check(
        "V10",
        name,
        measured(lambda rows: change(model, rows), model.users),
        (-allowed, None),
        f"AUC may fall by {bound:.0%} of the original's {prediction_auc(original):.3f}, or as far as that of models that never "
        f"saw the data, here {allowed:.1%}",
        {
            Verdict.PASS: f"It predicts {what} as well as before.",
            Verdict.FAIL: f"It predicts {what} worse than before.",
            Verdict.INCONCLUSIVE: f"Whether it predicts {what} as well as before cannot be told.",
        },
    )
