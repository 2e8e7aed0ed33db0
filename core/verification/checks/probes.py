"""V8: linear probes of the hidden states at the answer position (arXiv:1610.01644).

1. At each layer a ridge-regression probe learns to tell forgotten users from held-out users.
2. It is scored on users that it was not trained on (cross-validation by user).
3. The layer with the highest AUC counts, for the model and each reference alike, so that the choice
   favours neither.

Patching each module group with its activations in a reference would be a stronger attack; it is not run.
"""

from collections.abc import Iterator

import numpy as np

from core.evaluation.advantage import resampling_units
from core.evaluation.metrics import auc
from core.types import Check
from core.verification.equivalence import check, estimate, seed_spread
from core.verification.evidence import Evidence, ProbeScores

FOLDS = 5
RIDGE = 1.0  # features have variance 1 and their products are divided by the number of features


def checks(evidence: Evidence) -> Iterator[Check]:
    """Check the best probe's AUC against the references'; yields nothing where no model was probed."""
    if evidence.model.probes is None:
        return
    model, references = evidence.model.probes, [answers.probes for answers in evidence.references if answers.probes]
    all_rows = np.arange(len(model.users))
    on_references = [_best_auc(reference, all_rows) for reference in references]
    margin = evidence.thresholds.probes
    value = estimate(
        lambda rows: _best_auc(model, rows) - float(np.mean([_best_auc(reference, rows) for reference in references])),
        np.concatenate([resampling_units(model.users[model.is_forgotten]), model.users[~model.is_forgotten]]),
    )
    yield check(
        "V8",
        "probes",
        value,
        (None, margin),
        margin=margin,
        spread=seed_spread(on_references),
        references=len(references),
    )


def probed(hidden: np.ndarray, users: np.ndarray, is_forgotten: np.ndarray) -> ProbeScores:
    """Return cross-validated probe scores of hidden states.

    Args:
        hidden: Hidden states [layer, row, width], rows of forgotten users first.
        users: User id of each row [row].
        is_forgotten: Whether the row is of a forgotten user [row].

    Returns:
        The scores; NaN with fewer than two users on either side.
    """
    sides = [list(dict.fromkeys(users[side])) for side in (is_forgotten, ~is_forgotten)]
    folds = min(FOLDS, *map(len, sides))
    fold_of = {user: index % max(folds, 1) for side in sides for index, user in enumerate(side)}
    fold_of_row = np.array([fold_of[user] for user in users])
    scores = np.full(hidden.shape[:2], np.nan)
    for fold in range(folds if folds > 1 else 0):
        held_out = fold_of_row == fold
        for layer, states in enumerate(hidden):
            scores[layer, held_out] = _ridge(states[~held_out], is_forgotten[~held_out], states[held_out])
    return ProbeScores(users, is_forgotten, scores)


def _ridge(train: np.ndarray, is_forgotten: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Scores of the test rows by a ridge regression on the training rows, in its dual form."""
    mean, width = train.mean(0), train.std(0) + 1e-6
    train, test = ((rows - mean) / width / np.sqrt(train.shape[1]) for rows in (train, test))
    target = is_forgotten - is_forgotten.mean()
    return np.asarray(test @ (train.T @ np.linalg.solve(train @ train.T + RIDGE * np.eye(len(train)), target)))


def _best_auc(probed: ProbeScores, rows: np.ndarray) -> float:
    """The highest AUC of any layer."""
    is_forgotten = probed.is_forgotten[rows]
    return max(auc(layer[rows][is_forgotten], layer[rows][~is_forgotten]) for layer in probed.scores)
