"""V10: what do the people who stay pay? Test AUC against the original's, on their later interactions."""

from collections.abc import Iterator

from core.evaluation.measures import prediction_auc, take
from core.types import Check, Verdict
from core.verification.evidence import Evidence
from core.verification.judge import check, measured


def checks(evidence: Evidence) -> Iterator[Check]:
    model, original = evidence.model.seen.test, evidence.original.seen.test
    before = prediction_auc(original)
    bound = evidence.thresholds.utility
    yield check(
        "V10",
        "what it costs the others",
        measured(
            lambda rows: prediction_auc(take(model, rows)) / prediction_auc(take(original, rows)) - 1, model.users
        ),
        (-bound, None),
        f"test AUC may fall by {bound:.0%} of the original's {before:.3f}",
        {
            Verdict.PASS: "It predicts other people's taste as well as before.",
            Verdict.FAIL: "It predicts other people's taste worse than before.",
            Verdict.INCONCLUSIVE: "Whether it predicts other people's taste as well as before cannot be told.",
        },
    )
