"""V5: do other wordings of the prompt bring something back? (arXiv 2402.16835: what is gone under one wording may be there
under another)

Each wording has its own yardstick, as models differ more under strange ones: d_w(x) is the mean Jensen-Shannon divergence of
model x from each other one on the forgotten rows, over its mean over all models, the one in question among them. The worst
wording counts, max_w d_w(x), for each reference as for the model; so of J + 1 models that never saw the data each is as likely
as any other to be the worst, however many wordings there are. The check is on the model's worst over the references' worst,
with the margin of V1, since even so one innocent in J + 1 is a little worse than all references.
"""

from collections.abc import Iterator

import numpy as np

from core.evaluation.metrics import divergences
from core.types import Check, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Nothing where no other wordings were asked."""
    if not (names := list(evidence.model.worded)):
        return
    apart = np.stack([_apart(evidence, name) for name in names])
    bound = evidence.thresholds.divergence
    yield check(
        "V5",
        f"{len(names)} other wordings of the prompt",
        measured(lambda rows: _worst(apart[..., rows].mean(-1)), clusters(evidence.model.worded[names[0]].users)),
        (None, bound),
        f"{bound} times what the furthest of {len(evidence.references)} models that never saw the data shows at its worst wording",
        {
            Verdict.PASS: "Asked in other words, it answers about as models do that never saw the data.",
            Verdict.FAIL: "Asked in other words, it answers for the forgotten people otherwise than models that never saw the data.",
            Verdict.INCONCLUSIVE: "Whether it answers other wordings as models do that never saw the data cannot be told.",
        },
    )


def _apart(evidence: Evidence, name: str) -> np.ndarray:
    """Divergence [model, model, row] under one wording, the model in question first."""
    said = [one.worded[name].probabilities for one in (evidence.model, *evidence.references)]
    return np.array([[divergences(left, right) for right in said] for left in said])


def _worst(apart: np.ndarray) -> float:
    """The model's worst wording over the references' worst. apart: [wording, model, model]."""
    from_others = apart.sum(-1)
    model, *references = (from_others / from_others.mean(1, keepdims=True)).max(0)
    return float(model / max(references))
