"""V9: has it forgotten so much that this alone gives it away? (the Streisand effect, arXiv 1911.04933)

Whether it still answers at all, and whether one can tell its losses on the forgotten rows from a reference's.
"""

import math
from collections.abc import Iterator

import numpy as np

from core.evaluation.metrics import auc
from core.types import Check, Interval, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    yield _mass(evidence)
    yield _distinguishability(evidence)


def _mass(evidence: Evidence) -> Check:
    model, references = evidence.model.mass, [one.mass for one in evidence.references]
    theirs = np.mean(references, axis=0) if len(model) else model
    found = (
        measured(
            lambda rows: float(model[rows].mean() / theirs[rows].mean()), clusters(evidence.model.seen.forget.users)
        )
        if len(model)
        else Interval(math.nan, math.nan, math.nan, 0)
    )
    bound = evidence.thresholds.mass
    return check(
        "V9",
        "answers at all",
        found,
        (bound, None),
        f"{bound} of the probability that models which never saw the data give to Yes and No together",
        {
            Verdict.PASS: "It still answers the forgotten people's prompts as such prompts are to be answered.",
            Verdict.FAIL: "On the forgotten people's prompts it has lost the habit of answering, which gives the deletion away.",
            Verdict.INCONCLUSIVE: "Whether it still answers the forgotten people's prompts properly cannot be told.",
        },
    )


def _distinguishability(evidence: Evidence) -> Check:
    losses = evidence.model.seen.forget.losses
    theirs = [one.seen.forget.losses for one in evidence.references]
    top = evidence.thresholds.distinguishability_auc
    return check(
        "V9",
        "told from a model that never saw the data",
        measured(
            lambda rows: float(np.mean([auc(losses[rows], one[rows]) for one in theirs])),
            clusters(evidence.model.seen.forget.users),
        ),
        (1 - top, top),
        f"an onlooker who sees losses on the forgotten rows may be right {top:.0%} of the time (AUC), 50% being chance",
        {
            Verdict.PASS: "Its losses on the forgotten rows look like those of a model that never saw them.",
            Verdict.FAIL: "Its losses on the forgotten rows do not look like those of a model that never saw them.",
            Verdict.INCONCLUSIVE: "Whether its losses look like those of a model that never saw the data cannot be told.",
        },
    )
