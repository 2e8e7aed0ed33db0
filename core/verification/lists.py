"""V4: does it recommend to everyone as well as models that never saw the data do? HR@10 and NDCG@10 among the same candidates."""

from collections.abc import Callable, Iterator

import numpy as np

from core.types import Check, Verdict
from core.verification.evidence import Evidence
from core.verification.judge import check, measured

LISTED = 10
MEASURES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "HR@10": lambda ranks: (ranks <= LISTED).astype(float),
    "NDCG@10": lambda ranks: np.where(ranks <= LISTED, 1 / np.log2(ranks + 1), 0.0),
}


def checks(evidence: Evidence) -> Iterator[Check]:
    for name, measure in MEASURES.items():
        yield _check(evidence, name, measure)


def _check(evidence: Evidence, name: str, measure: Callable[[np.ndarray], np.ndarray]) -> Check:
    model, *references = (measure(one.seen.ranks) for one in (evidence.model, *evidence.references))
    means = [one.mean() if len(one) else float("nan") for one in references]
    bound = max(evidence.thresholds.lists, float(np.ptp(means)))
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
