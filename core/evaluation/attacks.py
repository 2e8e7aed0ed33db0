"""Membership attacks and forget-quality figures that the field reports, on losses of forgotten and held-out rows.

The references never saw the forgotten rows, so they serve as the out-models of the offline attacks. Each function takes
one model's losses. In the membership attacks larger scores mean member.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import ks_2samp, norm

from core.evaluation.metrics import auc, leave_one_out, membership_auc
from core.types import Attack

FALSE_POSITIVES = 0.01
RMIA_OFFLINE = 0.3  # the paper's a: a model trained on a row is assumed to give it a p_out + 1 - a
RMIA_GAMMA = 1.0
HARDEST = 0.25  # share of forgotten users in the stratum of those whom the references predict worst
Losses = tuple[np.ndarray, np.ndarray]  # of forgotten rows and of held-out rows, in nats [row]


def true_positive_rate(members: np.ndarray, others: np.ndarray, rate: float = FALSE_POSITIVES) -> float:
    """Share of members above the threshold that a share `rate` of the others exceeds (arXiv 2112.03570, section 3).

    Args:
        members: Scores of forgotten rows [row].
        others: Scores of held-out rows [row].
        rate: False positive rate in (0, 1).
    """
    return float((members > np.quantile(others, 1 - rate)).mean())


def rmia_scores(model: Losses, references: Sequence[Losses]) -> Losses:
    """Scores of the robust membership attack in its offline form (RMIA, arXiv 2312.03262, equations 4 and 10).

    The ratio of a row is p(x | model) / p(x), with p(x) = ((1 + a) p_out(x) + (1 - a)) / 2. The score is the share of
    held-out rows z whose ratio is at most the row's, divided by gamma.
    """
    ratios = []
    for side, losses in enumerate(model):
        out = np.mean([np.exp(-reference[side]) for reference in references], axis=0)
        ratios.append(np.exp(-losses) / (((1 + RMIA_OFFLINE) * out + 1 - RMIA_OFFLINE) / 2))
    population = np.sort(ratios[1])
    forget, others = (np.searchsorted(population, one / RMIA_GAMMA, "right") / len(population) for one in ratios)
    return forget, others


def lira_scores(model: Losses, references: Sequence[Losses]) -> Losses:
    """Scores of the likelihood ratio attack in its offline form (LiRA, arXiv 2112.03570, equation 4).

    The score is the probability that an out-model is less confident than this one, under a normal distribution of the
    logit of p. Its variance is shared by all rows, as the paper advises for few reference models.
    """

    def logit(losses: np.ndarray) -> np.ndarray:
        return np.asarray(-losses - np.log(-np.expm1(-np.maximum(losses, 1e-12))))

    out = [np.stack([logit(reference[side]) for reference in references]) for side in (0, 1)]
    variance = np.mean([rows.var(0, ddof=1).mean() for rows in out])
    forget, others = (
        np.asarray(norm.cdf((logit(losses) - rows.mean(0)) / np.sqrt(variance)))
        for losses, rows in zip(model, out, strict=True)
    )
    return forget, others


def forget_quality(model: Losses, references: Sequence[Losses]) -> float:
    """Forget quality of open-unlearning (TOFU, arXiv 2401.06121, section 2.2.2), on losses.

    Median over the references of the p-value of the two-sample Kolmogorov-Smirnov test between the losses of the model
    and of the reference on the forgotten rows.
    """
    return float(np.median([ks_2samp(model[0], reference[0]).pvalue for reference in references]))


def privacy_leakage(model: Losses, references: Sequence[Losses]) -> float:
    """PrivLeak of MUSE (arXiv 2407.06460, equation 2), on losses: AUC / AUC of the references - 1.

    MUSE takes members as negatives; this function takes them as positives, so that above 0 is under-forgetting.
    """
    retrained = float(np.mean([membership_auc(*reference) for reference in references]))
    return membership_auc(*model) / retrained - 1


def hardest_advantage(users: np.ndarray) -> Callable[[Losses, Sequence[Losses]], float]:
    """Return the advantage in nats on the quarter of forgotten users whom the references predict worst.

    Means over all users hide a minority (arXiv 2412.08559); here those are the users with unusual tastes.

    Args:
        users: User of each forgotten row [row].
    """
    names, index = np.unique(users, return_inverse=True)
    rows = np.bincount(index)

    def measure(model: Losses, references: Sequence[Losses]) -> float:
        others = np.mean([reference[0] for reference in references], axis=0)
        difficulty = np.bincount(index, others) / rows
        hardest = np.argsort(-difficulty, kind="stable")[: max(1, round(HARDEST * len(names)))]
        chosen = np.isin(index, hardest)
        return float((others - model[0])[chosen].mean())

    return measure


def attacks(unlearned: Losses, original: Losses, references: Sequence[Losses], users: np.ndarray) -> tuple[Attack, ...]:
    """Run every attack on the original, the unlearned model and each reference, which is compared with the others.

    Args:
        unlearned: Losses of the unlearned model.
        original: Losses of the original model.
        references: Losses of each reference; at least three.
        users: User of each forgotten row [row].
    """
    measures: dict[str, Callable[[Losses, Sequence[Losses]], float]] = {
        "loss_auc": lambda model, _: membership_auc(*model),
        "loss_tpr": lambda model, _: true_positive_rate(-model[0], -model[1]),
        "rmia_auc": lambda model, others: auc(*rmia_scores(model, others)),
        "rmia_tpr": lambda model, others: true_positive_rate(*rmia_scores(model, others)),
        "lira_auc": lambda model, others: auc(*lira_scores(model, others)),
        "lira_tpr": lambda model, others: true_positive_rate(*lira_scores(model, others)),
        "forget_quality": forget_quality,
        "privacy_leakage": privacy_leakage,
        "hardest_users": hardest_advantage(users),
    }
    return tuple(
        Attack(
            name,
            measure(original, references),
            measure(unlearned, references),
            tuple(measure(own, others) for own, others in leave_one_out(references)),
        )
        for name, measure in measures.items()
    )
