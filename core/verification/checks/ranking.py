"""V4: quality of the recommendation lists, and the ranks of forgotten titles in them.

HR@10 and NDCG@10 use the same candidates for every model. The rank of a forgotten title is a share of the
list; 0 is the top.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from core.evaluation.advantage import resampling_units
from core.evaluation.evaluate import NEGATIVES
from core.evaluation.metrics import hit_rates, ndcg_gains
from core.types import Check
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Evidence

MEASURES = {"ranking_hr": hit_rates, "ranking_ndcg": ndcg_gains}


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check HR@10, NDCG@10 and the ranks of liked forgotten titles."""
    everyone = [answers.outputs for answers in (evidence.model, *evidence.references)]
    for code, measure in MEASURES.items():
        values = [measure(outputs.ranks) for outputs in everyone]
        yield _check(evidence, code, values, everyone[0].rank_users, better_is_harm=False)
    title_ranks = [answers.title_ranks for answers in (evidence.model, *evidence.references)]
    shares = [ranks.ranks / (NEGATIVES + 1) for ranks in title_ranks]
    yield _check(evidence, "ranking_titles", shares, resampling_units(title_ranks[0].users), better_is_harm=True)


def _check(
    evidence: Evidence, code: str, values: Sequence[np.ndarray], units: np.ndarray, better_is_harm: bool
) -> Check:
    """Check the model's mean against the references'; `values` [row] of the model come first.

    A better list does no harm. A forgotten title far up or far down in its user's list does: both show the deletion.
    """
    model, *references = values
    margin = evidence.thresholds.ranking
    means = [float(reference.mean()) if len(reference) else float("nan") for reference in references]
    difference = model - np.mean(references, axis=0)
    value = estimate(lambda rows: float(difference[rows].mean()), units)
    return check(
        "V4",
        code,
        value,
        (-margin, margin if better_is_harm else None),
        margin=margin,
        spread=seed_spread(means),
        references=len(means),
    )
