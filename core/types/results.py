"""Result types of a run: intervals, metrics, recommendation lists, and how unlearning ended."""

from dataclasses import dataclass, fields

from core.types.circuit import Cell, Recommendation


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval: 95 % in evaluations, 90 % in checks.

    Attributes:
        value: The estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Number of rows behind the estimate.
    """

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """Quality and leakage of one model (docs/method.md, section 6).

    Attributes:
        test_auc: AUC in [0, 1] on later interactions of the training users.
        test_log_loss: Log loss on the same rows, in nats.
        hit_rate: HR@10 in [0, 1].
        ndcg: NDCG@10 in [0, 1].
        forget_auc: AUC in [0, 1] on the forget set.
        holdout_auc: AUC in [0, 1] on held-out users.
        membership_auc: AUC in [0, 1] of a membership attack by loss, forget set against held-out users.
    """

    test_auc: Interval
    test_log_loss: Interval
    hit_rate: Interval
    ndcg: Interval
    forget_auc: Interval
    holdout_auc: Interval
    membership_auc: Interval


METRIC_NAMES = tuple(field.name for field in fields(Metrics))


@dataclass(frozen=True, slots=True)
class Closeness:
    """Distance of a model's predictions on the forget set to those of the retrained references.

    Attributes:
        residual: mean|p - p_ref| / mean|p_original - p_ref|; 1 = nothing changed, 0 = equal to the references.
        jsd: Jensen-Shannon divergence in bits.
        half_kl: Half of the symmetrised KL divergence in nats, which E2URec calls JSD.
    """

    residual: float
    jsd: float
    half_kl: float


MEASURES = ("log_loss", "auc", "membership")  # of knowledge (core/evaluation/advantage.py)


@dataclass(frozen=True, slots=True)
class Advantage:
    """How much more than the references the models know about the forgotten rows, by one measure.

    Attributes:
        measure: One of `MEASURES`: nats of log loss, AUC, or AUC of the membership attack.
        original: Advantage of the original over the references' mean, with its 90 % interval.
        unlearned: That of the unlearned model.
        references: That of each reference over the others: what chance alone does; empty for fewer than two.
        forgotten: Share of the original's advantage that is gone, with its 90 % interval; None where the original's
            advantage is too uncertain for a share of it.
    """

    measure: str
    original: Interval
    unlearned: Interval
    references: tuple[float, ...]
    forgotten: Interval | None


@dataclass(frozen=True, slots=True)
class TopLists:
    """Top-10 lists of one user.

    Attributes:
        user: Id of the user.
        forgotten: Whether the user is in the forget set.
        original: The list by the original model.
        unlearned: The list by the unlearned model.
        reference: The list by the first retrained reference; empty where there is none.
    """

    user: str
    forgotten: bool
    original: tuple[Recommendation, ...]
    unlearned: tuple[Recommendation, ...]
    reference: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """Share of one retained user's original top-10 list that other models also recommend.

    Attributes:
        user: Id of the user.
        after: Share that is in the unlearned model's list.
        reference: Share that is in the first reference's list, which shows how much retraining alone
            changes; None where there is no reference.
        near: Jaccard similarity of the user's titles and the titles of all forgotten users.
    """

    user: str
    after: float
    reference: float | None
    near: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All measurements of one run.

    Attributes:
        original: Metrics of the original model.
        unlearned: Metrics of the unlearned model.
        references: Metrics of each retrained reference.
        closeness: Distance of the unlearned model to the references.
        closeness_original: Distance of the original model to the references.
        floor: Distance of each reference to the others: the spread of models that never saw the data.
        item_mean_auc: Test AUC of a baseline that predicts each item's mean training label.
        lists: Top-10 lists of some users.
        advantages: Advantage over the references by each of `MEASURES`; empty without references and in runs of 0.1.0.
    """

    original: Metrics
    unlearned: Metrics
    references: tuple[Metrics, ...]
    closeness: Closeness
    closeness_original: Closeness
    floor: tuple[Closeness, ...]
    item_mean_auc: Interval
    lists: tuple[TopLists, ...]
    advantages: tuple[Advantage, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How unlearning ended.

    Attributes:
        steps: Number of optimiser steps.
        reason: Why it stopped, as a phrase.
        movable: Number of adapter coordinates that were free to move.
        total: Number of all adapter coordinates.
        cells: How far each cell of the adapter moved.
    """

    steps: int
    reason: str
    movable: int
    total: int
    cells: tuple[Cell, ...] = ()
