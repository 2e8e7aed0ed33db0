"""V4: does it recommend to everyone as well as models that never saw the data do? HR@10 and NDCG@10 among the same candidates.

And do forgotten titles stand where they stand in such models? Their rank as a share of the list, 0 = on top.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from core.evaluation.evaluate import NEGATIVES
from core.types import Check, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Evidence

LISTED = 10
MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "HR@10": lambda ranks: (ranks <= LISTED).astype(float),
    "NDCG@10": lambda ranks: np.where(ranks <= LISTED, 1 / np.log2(ranks + 1), 0.0),
}


def checks(evidence: Evidence) -> Iterator[Check]:
    for name, measure in MEASURES.items():
        yield _check(evidence, name, measure)
    yield _titles(evidence)


def _check(evidence: Evidence, name: str, measure: Callable[[np.ndarray], np.ndarray]) -> Check:
    model, *references = (measure(one.seen.ranks) for one in (evidence.model, *evidence.references))
    bound = _bound(evidence, references)
    difference = model - np.mean(references, axis=0)
    return check(
        "V4",
        name,
        measured(lambda rows: float(difference[rows].mean()), evidence.model.seen.rank_users),
        (-bound, bound),
        f"{evidence.thresholds.lists}, or what models that never saw the data differ by, here {bound:.3f}",
        {
            Verdict.PASS: f"Its lists are as good as those of models that never saw the data ({name}).",
            Verdict.FAIL: f"Its lists are better or worse than those of models that never saw the data ({name}).",
            Verdict.INCONCLUSIVE: f"Whether its lists are as good as theirs cannot be told ({name}).",
        },
    )


def _titles(evidence: Evidence) -> Check:
    model, *references = (one.titles.ranks / (NEGATIVES + 1) for one in (evidence.model, *evidence.references))
    bound = _bound(evidence, references)
    difference = model - np.mean(references, axis=0)
    return check(
        "V4",
        "rank of forgotten titles",
        measured(lambda rows: float(difference[rows].mean()), clusters(evidence.model.titles.users)),
        (-bound, bound),
        f"{evidence.thresholds.lists} of the list, or what models that never saw the data differ by, here {bound:.3f}",
        {
            Verdict.PASS: "The titles that the forgotten people liked stand where models place them that never saw the data.",
            Verdict.FAIL: "The titles that the forgotten people liked stand elsewhere in its lists than in those of models that never saw the data.",
            Verdict.INCONCLUSIVE: "Whether the titles that the forgotten people liked stand where they should cannot be told.",
        },
    )


def _bound(evidence: Evidence, references: Sequence[np.ndarray]) -> float:
    means = [one.mean() if len(one) else float("nan") for one in references]
    return max(evidence.thresholds.lists, float(np.ptp(means)))
