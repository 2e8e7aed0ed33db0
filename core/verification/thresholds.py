"""Margins of all checks. Their digest is stored with a run before it starts."""

import hashlib
import json
from dataclasses import dataclass

from core.utils.serialization import to_json
from core.verification import endpoints, guardrails
from core.verification.equivalence import INTERVAL_SETTINGS

TEST_SETTINGS = {
    "endpoints": endpoints.ENDPOINTS,
    "pass_level": endpoints.PASS_LEVEL,
    "fail_level": endpoints.FAIL_LEVEL,
    "min_references": endpoints.MIN_REFERENCES,
    "guardrails_level": guardrails.LEVEL,
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Margins of all checks, fixed before a run starts.

    A guardrail fails only where harm beyond its margin exceeds what the references' own differences explain.

    Attributes:
        forgotten_share: Share theta of the original's advantage that must be forgotten, in (0, 1); the model may be
            worse than the references by at most 1 - theta of it. A workspace may fix a stricter one in its settings.
        trace_nats: Advantage of the original, in nats, under which there is no measurable trace.
        trace_auc: The same for the AUC of the membership attack.
        test_auc_fall: Fall of the test AUC that the upper 90 % bound must stay under for a PASS.
        same_function: Change of the answers, as a share of the change between two references, under which an adapter
            is the original.
        divergence_factor: V1, factor on the divergence between references.
        drift_bits: V11, divergence on held-out users allowed above that between references, in bits.
        residual: V1, allowed residual above the mean residual between references.
        ranking: V4, allowed fall of HR@10 and NDCG@10 and change of ranks.
        recovery: V6, share of the original's advantage that rounding may bring back.
        relearning: V7, nats by which the model may relearn faster than the references.
        probes: V8, allowed AUC of a probe above the references'.
        answer_mass: V9, minimum answer probability as a share of the references'.
        distinguishability_auc: V9, maximum AUC of telling the model's larger losses from a reference's.
        utility_neighbours: V10, allowed fall of the neighbours' AUC as a share of the original's, or that of
            retraining.
        utility_retain: V10, the same for the retain set.
        outlier_pass_p: V3, p-value at or above which no user stands out.
        outlier_fail_p: V3, p-value below which a user stands out.
        min_held_out_users: V3, minimum number of held-out users.
    """

    forgotten_share: float = 0.5
    trace_nats: float = 0.02
    trace_auc: float = 0.02
    test_auc_fall: float = 0.02
    same_function: float = 0.05
    divergence_factor: float = 1.25
    drift_bits: float = 0.01
    residual: float = 0.25
    ranking: float = 0.02
    recovery: float = 0.10
    relearning: float = 0.02
    probes: float = 0.05
    answer_mass: float = 0.95
    distinguishability_auc: float = 0.60
    utility_neighbours: float = 0.02
    utility_retain: float = 0.01
    outlier_pass_p: float = 0.05
    outlier_fail_p: float = 0.01
    min_held_out_users: int = 200

    @property
    def digest(self) -> str:
        """SHA-256 in hex of all margins, of the tests' levels, and of how intervals are computed and judged."""
        return hashlib.sha256(
            json.dumps({**to_json(self), "rules": INTERVAL_SETTINGS, "tests": TEST_SETTINGS}, sort_keys=True).encode()
        ).hexdigest()
