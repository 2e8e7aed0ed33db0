"""Bounds of all checks. Their digest is stored with a run before it starts."""

import hashlib
import json
from dataclasses import dataclass, field

from core.types.aliases import stored_as
from core.utils.serialization import to_json
from core.verification.equivalence import INTERVAL_SETTINGS


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Bounds of all checks, fixed before a run starts.

    Where a check says "or the spread of the references", the larger of both bounds counts.

    Attributes:
        residual: V1, allowed residual above the mean residual between references.
        divergence: V1, V5 and V11, factor on the divergence between references.
        membership: V2, allowed change of the attack's AUC in either direction, or the spread of the references.
        recovery: V6, allowed share of the way back to the original, or the spread of the references.
        lists: V4, allowed change of HR@10, NDCG@10 and ranks in either direction, or the spread of the references.
        mass: V9, minimum answer probability as a share of the references'.
        distinguishability_auc: V9, maximum AUC of telling the model's losses from a reference's.
        utility: V10, allowed fall of the AUC as a share of the original's, or that of the references.
        groups: V10, the same for neighbours of the forgotten users.
        relearning: V7, minimum similarity of learning curves, or that between references.
        residue: V8, allowed AUC of a probe above the references', or the spread of the references.
        usual: V3, p-value at or above which no user stands out.
        rare: V3, p-value below which a user stands out.
        strangers: V3, minimum number of held-out users.
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
        """SHA-256 in hex of all bounds and of the rules by which intervals are computed and judged."""
        return hashlib.sha256(
            json.dumps({**to_json(self), "judge": INTERVAL_SETTINGS}, sort_keys=True).encode()
        ).hexdigest()
