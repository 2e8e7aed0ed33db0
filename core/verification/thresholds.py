"""The bounds of a verification, frozen with a run before it starts."""

import hashlib
import json
from dataclasses import dataclass, field

from core.types.aliases import stored_as
from core.utils.serialization import to_json
from core.verification.equivalence import RULES


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every bound of every check, fixed before a run starts.

    residual: above the references' floor. divergence: times the 95th percentile between references. membership: AUC either
    way. recovery: share of the way back to the original. lists: HR and NDCG either way, or the spread of the references where that is more. mass: of the references'.
    distinguishability_auc: AUC of telling the model from a reference. utility: fall of the test AUC, as a share; groups: of neighbours' likewise.
    relearning: likeness of learning curves. residue: AUC of a probe, over what it is in references. usual, rare: the chance of a
    person's rank among at least so many strangers, over which it passes and under which it fails.
    """

    residual: float = 0.25
    divergence: float = 1.25
    membership: float = 0.05
    recovery: float = 0.10
    lists: float = 0.02
    mass: float = 0.95
    distinguishability_auc: float = field(default=0.60, metadata=stored_as("telling"))
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
        return hashlib.sha256(json.dumps({**to_json(self), "judge": RULES}, sort_keys=True).encode()).hexdigest()
