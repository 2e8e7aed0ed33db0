"""What a model was found to do: circuits, groups, and what modules write."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as


class Group(StrEnum):
    """What a module is for (method section 3)."""

    FORGET = "forget"
    RETAIN = "retain"
    SHARED = "shared"
    OUTSIDE = "outside"


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
    membership_probability: per module, the probability that it is in a circuit of this size from other prompts (bootstrap).
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
    membership_probability: tuple[float, ...] = field(default=(), metadata=stored_as("sure"))
    overlap: float | None = None
    reads: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class ModuleGroup:
    """One module, what it is for, and why.

    forget, retain: share of the absolute score on each set (sums to 1 over modules).
    ratio: forget / (forget + retain). noise: half-width of the bootstrap interval of ratio.
    conflict: cosine of the forget and retain gradients in the module's coordinates.
    membership_probability: the probability that other prompts of the same kind put it in the same group (bootstrap).
    reason: why a person moved it here, against the rule; "" where the rule decided.
    """

    module: str
    group: Group
    forget: float
    retain: float
    ratio: float
    noise: float
    conflict: float
    membership_probability: float = field(default=1.0, metadata=stored_as("sure"))
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A module that a person puts into another group than the rule does, and why."""

    module: str
    group: Group
    reason: str


@dataclass(frozen=True, slots=True)
class GroupEdit:
    """Groups as a person wants them for a new run.

    source: the run whose circuits are used again. low, high: a module of both circuits is shared where its ratio lies
    between them. moves: modules sorted by hand.
    """

    source: str
    low: float = 0.35
    high: float = 0.65
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """Adapter coordinates that one module owns, or several heads that share keys and values.

    size: how many coordinates. moved: what the run changed of them, as a share of their norm before it.
    """

    owners: tuple[str, ...]
    size: int
    moved: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One row of a top list: item, its rank from 1 in each model (None where beyond the list's candidates)."""

    item: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class DirectEffect:
    """What one module writes toward: titles whose score its evidence raises most, and lowers most.

    Scores are direct effects in logits: what reaches the answer without passing through later modules; means over prompts.
    """

    module: str
    raised: tuple[Recommendation, ...]
    lowered: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What one module remembers (method section 3).

    forget, holdout: what its adapter spares these people, in nats per answer. The noises: half the width of the bootstrap's
    95 % interval over prompts, of `contrast` = forget - holdout and of `holdout`.
    """

    module: str
    forget: float
    holdout: float
    contrast_noise: float
    holdout_noise: float

    @property
    def contrast(self) -> float:
        return self.forget - self.holdout

    @property
    def group(self) -> Group:
        """Remembers, helps strangers too, both or neither; what is inside the noise does not count."""
        remembers, helps = self.contrast > self.contrast_noise, self.holdout > self.holdout_noise
        if remembers:
            return Group.SHARED if helps else Group.FORGET
        return Group.RETAIN if helps else Group.OUTSIDE
