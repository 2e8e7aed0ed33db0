"""The words of the product as frozen dataclasses: what flows from stage to stage.

Standard library only. Everything here is plain data that `core.files` can write as JSON;
tensors live beside it in safetensors files.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Task(StrEnum):
    """What the recommender is asked: is this title liked, or which title comes next."""

    CLICK = "click"
    NEXT_ITEM = "next_item"


class Group(StrEnum):
    """What a module is for (method section 3)."""

    FORGET = "forget"
    RETAIN = "retain"
    SHARED = "shared"
    OUTSIDE = "outside"


class RunState(StrEnum):
    """Where a run stands; LOST is never written, it is what a reader sees of a dead worker."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be recommended."""

    id: str
    title: str
    genres: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interaction:
    """One user met one item: the rating as given, whether that counts as liked, and when (Unix seconds)."""

    user: str
    item: str
    liked: bool
    time: int
    rating: float = 0.0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A stretch of one user's interactions in time order; those from `first_target` on are to be predicted.

    Each target is predicted from everything before it, so one prompt with n targets is n examples
    that share their prefix. Circuit prompts have exactly one target.
    """

    user: str
    events: tuple[Interaction, ...]
    first_target: int = 0

    @property
    def targets(self) -> tuple[Interaction, ...]:
        return self.events[self.first_target :]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as token ids, with where things stand in it.

    ids: token ids of the whole text, no padding.
    spans: per event, [start, stop) of its title's tokens.
    answers: per target, [start, stop) of the tokens that answer it; they are predicted from
        the logits at start-1 ... stop-2. One Yes/No token in `click`, the title in `next_item`.
    labels: per target, whether it was liked.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    answers: tuple[tuple[int, int], ...]
    labels: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One demand to erase: all interactions of `users`, or the chosen (user, item) pairs."""

    id: str
    users: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    created: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The users whom the request touches, each once, in order."""
        return tuple(dict.fromkeys((*self.users, *(user for user, _ in self.interactions))))


@dataclass(frozen=True, slots=True)
class Split:
    """The examples of one request. Holdout users are in no training set, ever."""

    forget: tuple[Prompt, ...]
    retain: tuple[Prompt, ...]
    validation: tuple[Prompt, ...]
    test: tuple[Prompt, ...]
    holdout: tuple[Prompt, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """A path from what `source` writes to what `target` reads; `input` is "q", "k", "v" for heads, "" otherwise."""

    source: str
    target: str
    input: str
    score: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Faithfulness with the `modules` strongest modules kept, and with as many random ones."""

    modules: int
    faithfulness: float
    random: float


@dataclass(frozen=True, slots=True)
class Circuit:
    """The circuit of one set of prompts (method section 2).

    modules: names of all modules in model order: "a3.h1" is head 1 of layer 3, "m3" the MLP of layer 3.
    scores: per module, the signed node score: effect of corrupting it, in units of the metric (logits).
    members: the modules of the circuit, strongest first: the smallest prefix with faithfulness >= threshold.
    edges: the strongest edges by absolute score, for drawing; the full matrix is in circuit.safetensors.
    clean, corrupted: mean metric on the prompts and on their contrast prompts.
    prompts, dropped: how many were used, and how many were not because their evidence does not speak for the right answer.
    contrast: how many contrast prompts each way produced ("pagerank", "other_user", "mean").
    sure: per module, the probability that it is in a circuit of this size from other prompts (bootstrap).
    overlap: Jaccard overlap of the circuits of two halves of the prompts; None for a single prompt.
    reads: per place in the prompt (0 the instruction, 1 the target, 2 the title before it, ...) and module, how much of
        the effect it takes in there, in logits.
    """

    modules: tuple[str, ...]
    scores: tuple[float, ...]
    members: tuple[str, ...]
    edges: tuple[Edge, ...]
    curve: tuple[CurvePoint, ...]
    faithfulness: float
    threshold: float
    clean: float
    corrupted: float
    prompts: int
    dropped: int
    contrast: dict[str, int] = field(default_factory=dict)
    sure: tuple[float, ...] = ()
    overlap: float | None = None
    reads: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleGroup:
    """One module, what it is for, and why.

    forget, retain: share of the absolute score on each set (sums to 1 over modules).
    ratio: forget / (forget + retain). noise: half-width of the bootstrap interval of ratio.
    conflict: cosine of the forget and retain gradients in the module's coordinates.
    sure: the probability that other prompts of the same kind put it in the same group (bootstrap).
    """

    module: str
    group: Group
    forget: float
    retain: float
    ratio: float
    noise: float
    conflict: float
    sure: float = 1.0


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
class Recommendation:
    """One row of a top list: item, its rank from 1 in each model (None where beyond the list's candidates)."""

    item: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class TopLists:
    """The top-10 lists of one user by the original, the unlearned and the first reference model."""

    user: str
    forgotten: bool
    original: tuple[Recommendation, ...]
    unlearned: tuple[Recommendation, ...]
    reference: tuple[Recommendation, ...]


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
class RunSpec:
    """What a run was asked to do; written once, before the worker starts."""

    id: str
    request: str
    method: str = "cure"
    device: str = "auto"
    seed: int = 0
    steps: int = 0
    created: str = ""


@dataclass(frozen=True, slots=True)
class RunStatus:
    """Where a run stands, for everyone who watches.

    stage: the stage's name. progress in [0, 1] over the whole run. eta: seconds left, None while unknown.
    pid, started: of the worker process (started as the system's process start time), so that a dead one is noticed.
    message: one sentence; the reason where the run failed.
    """

    state: RunState = RunState.QUEUED
    stage: str = ""
    progress: float = 0.0
    eta: float | None = None
    seconds: float = 0.0
    message: str = ""
    device: str = ""
    dtype: str = ""
    pid: int | None = None
    process_started: float | None = None
    updated: str = ""
