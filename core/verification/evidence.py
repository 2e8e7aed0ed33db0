"""What a verification is told: the answers of the model in question, of the original, and of references, on the same rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core.evaluation.evaluate import ModelOutputs
from core.evaluation.metrics import beside_others
from core.evaluation.predictions import Scores
from core.verification.thresholds import Thresholds


@dataclass(frozen=True)
class Probed:
    """What probes say of each row, forgotten people's (member) and then strangers'. scores: [layer, row], larger is more
    like a forgotten person's.
    """

    users: np.ndarray
    member: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Ranks:
    """The rank [row] of forgotten liked titles among so many that their people never met, 1 = on top."""

    users: np.ndarray
    ranks: np.ndarray


@dataclass(frozen=True)
class Answers:
    """seen: what evaluation asks. mass: probability [forget row] of an answer at all, empty in `next_item`. rounded: scores on
    the forget set with weights of so many bits. titles: where forgotten titles stand. kept: scores on some of the retain set.

    Only where everything is asked: worded: scores on the forget set by wording. relearned: on the rest of it, before and after
    each lap of training on a few of its rows. inside: probes.
    """

    seen: ModelOutputs
    mass: np.ndarray
    rounded: Mapping[int, Scores]
    titles: Ranks
    kept: Scores
    worded: Mapping[str, Scores] = field(default_factory=dict)
    relearned: tuple[Scores, ...] = ()
    inside: Probed | None = None


@dataclass(frozen=True)
class Evidence:
    """model: that is said to have forgotten. neighbours: those who stay and are most like the people who go. requests:
    how many were carried out with this one.
    """

    model: Answers
    original: Answers
    references: tuple[Answers, ...]
    thresholds: Thresholds = field(default_factory=Thresholds)
    neighbours: frozenset[str] = frozenset()
    requests: int = 1

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
