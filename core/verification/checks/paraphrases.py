"""V5: paraphrases of the prompt.

Data that is gone under one paraphrase may still show under another (arXiv:2402.16835).

1. Models differ more under unusual paraphrases, so each paraphrase w has its own scale: d_w(x) is the mean
   Jensen-Shannon divergence of model x from each other model on the forget rows, divided by its mean over
   all models, the unlearned model included.
2. The worst paraphrase counts, max_w d_w(x), for each reference as for the unlearned model. Of J + 1 models
   that never saw the data each is equally likely to be the worst, whatever the number of paraphrases.
3. The value is the model's worst over the references' worst. The margin is that of V1, because one innocent
   model in J + 1 is still a little worse than all references.
"""

from collections.abc import Iterator

import numpy as np

from core.evaluation.metrics import row_jensen_shannon
from core.types import Check
from core.verification.equivalence import check, estimate, resampling_units
from core.verification.evidence import Evidence


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the worst paraphrase; yields nothing where no paraphrase was evaluated."""
    if not (names := list(evidence.model.paraphrased)):
        return
    divergence = np.stack([_pairwise_divergence(evidence, name) for name in names])
    factor = evidence.thresholds.divergence
    value = estimate(
        lambda rows: _worst_ratio(divergence[..., rows].mean(-1)),
        resampling_units(evidence.model.paraphrased[names[0]].users),
    )
    references = len(evidence.references)
    yield check("V5", "paraphrases", value, (None, factor), wordings=len(names), factor=factor, references=references)


def _pairwise_divergence(evidence: Evidence, name: str) -> np.ndarray:
    """Divergence [model, model, row] under one paraphrase; the unlearned model comes first."""
    outputs = [answers.paraphrased[name].probabilities for answers in (evidence.model, *evidence.references)]
    return np.array([[row_jensen_shannon(left, right) for right in outputs] for left in outputs])


def _worst_ratio(divergence: np.ndarray) -> float:
    """The model's worst paraphrase over the references' worst; `divergence` is [paraphrase, model, model]."""
    from_others = divergence.sum(-1)
    model, *references = (from_others / from_others.mean(1, keepdims=True)).max(0)
    return float(model / max(references))
