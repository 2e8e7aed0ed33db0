"""What a verification is told: the answers of the model in question, of the original, and of references, on the same rows."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from core.evaluation.evaluate import Seen
from core.evaluation.measures import beside_others
from core.evaluation.scores import Scores
from core.verification.judge import RULES


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every bound of every check, fixed before a run starts.

    residual: above the references' floor. divergence: times the 95th percentile between references. membership: AUC either
    way. recovery: share of the way back to the original. lists: HR and NDCG either way, or the spread of the references where that is more. mass: of the references'.
    telling: AUC of telling the model from a reference. utility: fall of the test AUC, as a share; groups: of neighbours' likewise.
    relearning: likeness of learning curves. residue: AUC of a probe, over what it is in references. usual, rare: the chance of a
    person's rank among at least so many strangers, over which it passes and under which it fails.
    """

    residual: float = 0.25
    divergence: float = 1.25
    membership: float = 0.05
    recovery: float = 0.10
    lists: float = 0.02
    mass: float = 0.95
    telling: float = 0.60
    utility: float = 0.01
    groups: float = 0.02
    relearning: float = 0.80
    residue: float = 0.05
    usual: float = 0.05
    rare: float = 0.01
    strangers: int = 200

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all bounds, and of how an interval is made and judged by them."""
        return hashlib.sha256(json.dumps({**asdict(self), "judge": RULES}, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Probed:
    """What probes say of each row, forgotten people's (member) and then strangers'. scores: [layer, row], larger is more
    like a forgotten person's."""

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

    seen: Seen
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
    how many were carried out with this one."""

    model: Answers
    original: Answers
    references: tuple[Answers, ...]
    thresholds: Thresholds = Thresholds()
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
