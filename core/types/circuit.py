"""Results of circuit discovery: circuits, module groups, and what single modules do.

A module is one attention head or one MLP: "a3.h1" is head 1 of layer 3, "m3" is the MLP of layer 3.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as


class Group(StrEnum):
    """Role of a module in an unlearning request (docs/method.md, section 3).

    Attributes:
        FORGET: Matters for the forget set only.
        RETAIN: Matters for the retain set only.
        SHARED: Matters for both sets.
        OUTSIDE: Matters for neither set.
    """

    FORGET = "forget"
    RETAIN = "retain"
    SHARED = "shared"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Edge:
    """A path from the output of one module to the input of a later one.

    Attributes:
        source: The module that writes.
        target: The module that reads.
        input: Which input of an attention head reads: "q", "k" or "v"; "" for other targets.
        score: Attribution score in logits, signed.
    """

    source: str
    target: str
    input: str
    score: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of the faithfulness curve.

    Attributes:
        modules: How many modules are kept; all others are corrupted.
        faithfulness: Faithfulness with the modules of the highest scores.
        random: Faithfulness with as many random modules.
    """

    modules: int
    faithfulness: float
    random: float


@dataclass(frozen=True, slots=True)
class Circuit:
    """The circuit of one set of prompts (docs/method.md, section 2).

    Attributes:
        modules: Names of all modules of the model, in model order.
        scores: For each module, its signed score: the effect of corrupting it, in logits.
        members: Modules of the circuit, highest score first: the smallest prefix with faithfulness >= `threshold`.
        edges: Edges with the highest absolute scores, for drawing; circuit.safetensors holds the full matrix.
        curve: Faithfulness by the number of modules kept.
        faithfulness: Faithfulness of the circuit.
        threshold: Faithfulness that the circuit has to reach.
        clean: Mean metric (logit difference) on the prompts.
        corrupted: Mean metric on the counterfactual prompts.
        prompts: How many prompts were used.
        dropped: How many prompts were left out, because their history does not favour the right answer.
        pairs_by_strategy: How many counterfactual prompts each strategy made ("pagerank", "other_user", "mean").
        membership_probability: For each module, the probability that a circuit of this size from other prompts
            contains it (bootstrap).
        overlap: Jaccard overlap of the circuits of two halves of the prompts; None for a single prompt.
        reads: Effect in logits that a module reads at a position, indexed [position][module]. Position 0 is the
            instruction, 1 the target, 2 the title before it, and so on.
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
    pairs_by_strategy: dict[str, int] = field(default_factory=dict, metadata=stored_as("contrast"))
    membership_probability: tuple[float, ...] = field(default=(), metadata=stored_as("sure"))
    overlap: float | None = None
    reads: tuple[tuple[float, ...], ...] = ()

    @property
    def score_by_module(self) -> dict[str, float]:
        """Score of each module, in logits."""
        return dict(zip(self.modules, self.scores, strict=True))


# From this membership probability on, a group counts as certain: the level of the bootstrap interval of the ratio.
CERTAIN = 0.95


@dataclass(frozen=True, slots=True)
class ModuleGroup:
    """The group of one module, with the numbers that decided it.

    Attributes:
        module: Name of the module.
        group: Its group.
        forget: Its share of the absolute scores on the forget set; the shares of all modules sum to 1.
        retain: Its share of the absolute scores on the retain set.
        ratio: forget / (forget + retain).
        noise: Half-width of the bootstrap interval of `ratio`.
        conflict: Cosine of the gradients on forget set and retain set, over the module's adapter coordinates; None if
            not measured.
        membership_probability: Probability that other prompts of the same kind give the same group (bootstrap).
        reason: Why a person moved the module here; "" if the rule decided.
        has_lora: Whether the adapter has coordinates of the module; None if no adapter is known. No run moves a module
            without.
    """

    module: str
    group: Group
    forget: float
    retain: float
    ratio: float
    noise: float
    conflict: float | None
    membership_probability: float = field(default=1.0, metadata=stored_as("sure"))
    reason: str = ""
    has_lora: bool | None = True


@dataclass(frozen=True, slots=True)
class GroupMove:
    """A person's decision to put a module into another group than the rule does.

    Attributes:
        module: Name of the module.
        group: Its new group.
        reason: Why.
    """

    module: str
    group: Group
    reason: str


@dataclass(frozen=True, slots=True)
class GroupEdit:
    """A person's changes to the groups of a finished run, for a new run.

    Attributes:
        source: Id of the run whose circuits are used again.
        low: A module of both circuits is shared if its ratio lies between `low` and `high`.
        high: See `low`.
        moves: Modules that a person moved.
    """

    source: str
    low: float = 0.35
    high: float = 0.65
    moves: tuple[GroupMove, ...] = ()


DEFAULT_RULE = GroupEdit(source="")  # delta = .15 in docs/method.md, section 3; no module moved


@dataclass(frozen=True, slots=True)
class Cell:
    """Adapter coordinates that belong to one module, or to several heads that share keys and values.

    Attributes:
        owners: The modules.
        size: How many coordinates.
        relative_change: Norm of the run's change to them, as a share of their norm before it.
    """

    owners: tuple[str, ...]
    size: int
    relative_change: float = field(metadata=stored_as("moved"))


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One entry of a recommendation list.

    Attributes:
        item: Id of the item.
        title: Its title.
        score: Its score in the model, in logits.
    """

    item: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class DirectEffect:
    """The titles that the output of one module favours and disfavours most.

    Scores are direct effects in logits, means over prompts: the part of a module's output that reaches the answer
    without passing through later modules.

    Attributes:
        module: Name of the module.
        raised: Titles with the highest direct effects.
        lowered: Titles with the lowest direct effects.
    """

    module: str
    raised: tuple[Recommendation, ...]
    lowered: tuple[Recommendation, ...]


@dataclass(frozen=True, slots=True)
class MemoryContrast:
    """How much one module remembers of the forget set (docs/method.md, section 3).

    A module's benefit for a set of users is the loss that its part of the adapter saves, in nats per answer.

    Attributes:
        module: Name of the module.
        forget: Its benefit for the forget set.
        holdout: Its benefit for held-out users.
        contrast_noise: Half-width of the 95 % bootstrap interval of `contrast`, over prompts.
        holdout_noise: Half-width of the 95 % bootstrap interval of `holdout`, over prompts.
        has_lora: Whether the adapter has coordinates of the module; without, both benefits are 0.
    """

    module: str
    forget: float
    holdout: float
    contrast_noise: float
    holdout_noise: float
    has_lora: bool = True

    @property
    def contrast(self) -> float:
        """The benefit for the forget set beyond that for held-out users, in nats per answer."""
        return self.forget - self.holdout

    @property
    def group(self) -> Group:
        """The group by two tests: `contrast` and `holdout` each count only above their noise."""
        remembers, helps = self.contrast > self.contrast_noise, self.holdout > self.holdout_noise
        if remembers:
            return Group.SHARED if helps else Group.FORGET
        return Group.RETAIN if helps else Group.OUTSIDE
