"""V11: do several requests in a row add up to more than each of them alone?

References are trained anew from the base model without anything that was ever asked to go, so they are what a full retrain would
be after the last request. On canary people, whom no model ever saw and no request touches, the divergence from them grows with every
update that went elsewhere than retraining goes: true Jensen-Shannon divergence in bits, within the same bounds as V1's.
"""

from collections.abc import Iterator

from core.types import Check, Verdict
from core.verification.checks.closeness import apart
from core.verification.equivalence import check
from core.verification.evidence import Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    model, *references = (one.seen.holdout.probabilities for one in (evidence.model, *evidence.references))
    times = evidence.thresholds.divergence
    after = f"After {evidence.requests} requests" if evidence.requests > 1 else "After this request"
    yield check(
        "V11",
        "drift on people whom no request touches",
        *apart(model, references, evidence.model.seen.holdout.users, times),
        f"{times} times the 95th percentile between {len(references)} full retrains",
        {
            Verdict.PASS: f"{after} it answers strangers no further from a full retrain than full retrains from one another.",
            Verdict.FAIL: f"{after} it answers strangers otherwise than a full retrain does: retrain in full.",
            Verdict.INCONCLUSIVE: f"{after} whether it has drifted from what a full retrain would be cannot be told.",
        },
    )
