"""V12: whether the adapter computes the same function as the original.

A digest does not tell: scaled factors (2 A, B / 2), a permuted rank or added noise change every byte and no answer. So
the answers decide, on all forgotten, test and held-out rows: the mean change of the answers from the original's, as a
share of the mean change between two references, which differ by their seed only.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from core.types import Check, Verdict
from core.verification.equivalence import exact_value
from core.verification.evidence import Answers, Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """FAIL where the answers are the original's; yields nothing with fewer than two references."""
    if len(evidence.references) < 2:
        return
    model, original, *references = map(_answers, (evidence.model, evidence.original, *evidence.references))
    seeds = np.mean([_change(left, right) for left, right in combinations(references, 2)])
    share = float(_change(model, original) / seeds) if seeds else float("nan")
    bound = evidence.thresholds.same_function
    same = not share > bound
    found = Verdict.FAIL if same else Verdict.PASS
    value = exact_value(share, len(model))
    yield Check("V12", found, value, bound, None, None, "same_function", "unchanged" if same else "")


def _answers(answers: Answers) -> np.ndarray:
    outputs = answers.outputs
    return np.concatenate([one.probabilities[:, 0] for one in (outputs.forget, outputs.test, outputs.holdout)])


def _change(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(left - right).mean())
