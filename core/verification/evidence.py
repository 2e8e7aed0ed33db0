"""What a verification is told: the answers of the model in question, of the original, and of references, on the same rows."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from core.evaluation.evaluate import Seen
from core.evaluation.measures import beside_others
from core.evaluation.scores import Scores


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every bound of every check, fixed before a run starts.

    residual: above the references' floor. divergence: times the 95th percentile between references. membership: AUC either
    way. recovery: share of the way back to the original. lists: HR and NDCG either way, or the spread of the references where that is more. mass: of the references'.
    telling: AUC of telling the model from a reference. utility: fall of the test AUC, as a share.
    """

    residual: float = 0.25
    divergence: float = 1.25
    membership: float = 0.05
    recovery: float = 0.10
    lists: float = 0.02
    mass: float = 0.95
    telling: float = 0.60
    utility: float = 0.01

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all bounds."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Answers:
    """seen: what evaluation asks. mass: probability [forget row] of an answer at all, empty in `next_item`. rounded: scores on
    the forget set with weights of so many bits."""

    seen: Seen
    mass: np.ndarray
    rounded: Mapping[int, Scores]


@dataclass(frozen=True)
class Evidence:
    """model: that is said to have forgotten."""

    model: Answers
    original: Answers
    references: tuple[Answers, ...]
    thresholds: Thresholds = Thresholds()

    def of_original(self) -> "Evidence":
        """The original in place of the model: it forgot nothing."""
        return replace(self, model=self.original)

    def each_reference(self) -> Iterator["Evidence"]:
        """Each reference in place of the model, beside the others, as long as there are others."""
        for one, others in beside_others(self.references):
            if others:
                yield replace(self, model=one, references=tuple(others))

    def of_reference(self) -> "Evidence":
        """A reference in place of the model, beside the others: it never knew."""
        return [*self.each_reference()][-1]
