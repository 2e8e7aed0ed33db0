"""V8: is it still found inside? A linear probe of what each layer holds when it answers (arXiv 1610.01644).

At each layer a probe learns to tell forgotten people from strangers, and is judged by people whom it was not trained on
(`probed`): AUC over all rows. The layer that tells best counts, for the model and each reference alike, so that choosing it
favours nobody. Only probes: patching each module group with what it writes in a reference would be a stronger question.
"""

from collections.abc import Iterator

import numpy as np

from core.evaluation.metrics import auc, beside_others
from core.types import Check, Verdict
from core.verification.equivalence import check, clusters, measured
from core.verification.evidence import Evidence, Probed

FOLDS = 5
RIDGE = 1.0  # beside features of variance 1 whose products are divided by their number


def checks(evidence: Evidence) -> Iterator[Check]:
    """Nothing where nobody looked inside."""
    if evidence.model.inside is None:
        return
    model, references = evidence.model.inside, [one.inside for one in evidence.references if one.inside]
    everything = np.arange(len(model.users))
    best = [_best(one, everything) for one in references]
    bound = max(
        [evidence.thresholds.residue, *(own - float(np.mean(rest)) for own, rest in beside_others(best) if rest)]
    )
    yield check(
        "V8",
        "probes of the inner layers",
        measured(
            lambda rows: _best(model, rows) - float(np.mean([_best(one, rows) for one in references])),
            np.concatenate([clusters(model.users[model.member]), model.users[~model.member]]),
        ),
        (None, bound),
        f"a probe may do {evidence.thresholds.residue} better (AUC) than in models that never saw the data, or as much as among "
        f"those, here {bound:.3f}",
        {
            Verdict.PASS: "Its inner layers tell the forgotten people from strangers no better than those of models that never saw them.",
            Verdict.FAIL: "Its inner layers still tell the forgotten people from strangers.",
            Verdict.INCONCLUSIVE: "Whether its inner layers still hold something of the forgotten people cannot be told.",
        },
    )


def probed(hidden: np.ndarray, users: np.ndarray, member: np.ndarray) -> Probed:
    """Probe scores of what each layer holds. hidden: [layer, row, width]; users, member: [row], members first.

    Ridge regression in its dual form, cross-validated by person; no number with fewer than two people on a side.
    """
    people = [list(dict.fromkeys(users[side])) for side in (member, ~member)]
    folds = min(FOLDS, *map(len, people))
    fold_of = {person: place % max(folds, 1) for side in people for place, person in enumerate(side)}
    folded = np.array([fold_of[user] for user in users])
    scores = np.full(hidden.shape[:2], np.nan)
    for fold in range(folds if folds > 1 else 0):
        asked = folded == fold
        for layer, states in enumerate(hidden):
            scores[layer, asked] = _ridge(states[~asked], member[~asked], states[asked])
    return Probed(users, member, scores)


def _ridge(known: np.ndarray, member: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """The asked rows' scores by a probe that was trained on the known ones."""
    middle, width = known.mean(0), known.std(0) + 1e-6
    known, asked = ((rows - middle) / width / np.sqrt(known.shape[1]) for rows in (known, asked))
    right = member - member.mean()
    return asked @ (known.T @ np.linalg.solve(known @ known.T + RIDGE * np.eye(len(known)), right))


def _best(probed: Probed, rows: np.ndarray) -> float:
    """The AUC of the layer that tells best."""
    member = probed.member[rows]
    return max(auc(layer[rows][member], layer[rows][~member]) for layer in probed.scores)
