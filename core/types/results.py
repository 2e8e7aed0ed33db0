"""What a run measured."""

from dataclasses import dataclass

from core.types.circuit import Cell, Recommendation


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """How one model does (method section 6). AUC in [0, 1]; log loss in nats; HR and NDCG at 10."""

    test_auc: Interval
    test_log_loss: Interval
    hit_rate: Interval
    ndcg: Interval
    forget_auc: Interval
    holdout_auc: Interval
    membership_auc: Interval


@dataclass(frozen=True, slots=True)
class Closeness:
    """How near a model's forget-set predictions are to the references'.

    residual: mean|p - p_ref| / mean|p_original - p_ref|; 1 = did nothing, 0 = equal.
    jsd: true Jensen-Shannon divergence in bits. half_kl: the half symmetrised KL that E2URec calls JSD.
    """

    residual: float
    jsd: float
    half_kl: float


@dataclass(frozen=True, slots=True)
class TopLists:
    """The top-10 lists of one user by the original, the unlearned and the first reference model."""

    user: str
    forgotten: bool
    original: tuple[Recommendation, ...]
    unlearned: tuple[Recommendation, ...]
    reference: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of one kept person's top-10 list by the original stays, as a share.

    after: in the unlearned model's list. reference: in the first reference's, None where there is none: so much does
    training anew change. near: Jaccard overlap of the person's titles with those of the most alike of the request's people.
    """

    user: str
    after: float
    reference: float | None
    near: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything measured of one run.

    floor: each reference scored against the others, i.e. the spread of models that never saw the data.
    item_mean_auc: test AUC of predicting each item's mean training label.
    """

    original: Metrics
    unlearned: Metrics
    references: tuple[Metrics, ...]
    closeness: Closeness
    closeness_original: Closeness
    floor: tuple[Closeness, ...]
    item_mean_auc: Interval
    lists: tuple[TopLists, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How unlearning ended: steps taken, in words why, how many of the adapter's coordinates were free to move, and
    by cell how far they went.
    """

    steps: int
    reason: str
    movable: int
    total: int
    cells: tuple[Cell, ...] = ()
