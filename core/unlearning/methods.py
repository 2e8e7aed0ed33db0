"""Table of unlearning methods by name: each combines an objective, a teacher, module groups and a surgery.

The command line, the dashboard and the benchmark read this table. To add a method, add a row.
"""

from dataclasses import dataclass, replace

from core.errors import RunError
from core.types import EXTERNAL


@dataclass(frozen=True, slots=True)
class Method:
    """One unlearning method.

    Attributes:
        title: Name on pages.
        summary: Description on pages, in one sentence.
        forget: Key of `OBJECTIVES`.
        teacher: Key of `TEACHERS`; only the objective "distil" follows a teacher.
        weights: Weights of the forget and the retain gradient.
        groups: How modules are grouped: "circuit", "memory", or "" for all modules shared.
        surgery: Key of `SURGERY`.
        pooled: Whether the surgery sees all shared modules as one.
        steps: Largest number of steps.
        learning_rate: Highest learning rate; it falls to almost zero over the steps.
        batch_size: Prompts of each set per step.
        tolerance: Rise of the validation loss, as a share, at which unlearning stops.
        micro_batch: Prompts in memory at once, 0 for the whole batch; changes no gradient.
        checkpointing: Whether activations are recomputed instead of kept; changes no gradient.
        uses_task_vectors: Whether the rule is applied once to two task vectors (task_vectors.py), each from a training
            of `steps` steps, instead of to gradients; no objective is read.
        retrain: Whether the adapter is trained again from the base model without the forget set, instead of unlearned.
        better_when: When it is better than `DEFAULT_METHOD`, for methods that pages offer; a sentence.
    """

    title: str
    summary: str
    forget: str = "distil"
    teacher: str = "base"
    weights: tuple[float, float] = (0.2, 0.8)
    groups: str = ""
    surgery: str = "sum"
    pooled: bool = False
    steps: int = 48  # the largest number that the benchmark measured (benchmarks/unlearning.md)
    learning_rate: float = 5e-3
    batch_size: int = 4
    tolerance: float = 0.05
    micro_batch: int = 0
    checkpointing: bool = False
    uses_task_vectors: bool = False
    retrain: bool = False
    better_when: str = ""

    @property
    def needs_circuits(self) -> bool:
        """Whether the method needs the circuits."""
        return self.groups == "circuit"

    @property
    def uses_memory_contrast(self) -> bool:
        """Whether the method groups the modules by memory contrast."""
        return self.groups == "memory"

    @property
    def needs_overfit_copy(self) -> bool:
        """Whether the method over-fits a copy of the adapter on the forget set."""
        return self.uses_task_vectors or (self.uses_teacher and self.teacher == "overfit")

    @property
    def uses_teacher(self) -> bool:
        """Whether the method follows a teacher."""
        return self.forget == "distil" and self.weights[0] > 0 and not self.uses_task_vectors


LOW_LEARNING_RATE = 1e-3  # learning rate of objectives that push answers away: the default rate destroys the model
METHODS: dict[str, Method] = {
    "cure": Method(
        "CURE, by circuit groups",
        "Finds the circuits of the forget and the retain set, and updates forget, retain and shared modules by "
        "different rules.",
        better_when="Choose it to follow the paper step by step; it forgets less.",
        groups="circuit",
        surgery="project",
    ),
    "cure_overfit": Method(
        "CURE with the over-fit teacher",
        "As CURE, but the target is the model's own answers minus what over-fitting on the forget set raises.",
        teacher="overfit",
        groups="circuit",
        surgery="project",
    ),
    "cure_memory": Method(
        "CURE, by memory contrast",
        "Groups modules by how much more they help forgotten users than held-out users, and updates them as CURE does.",
        groups="memory",
        surgery="project",
    ),
    "cure_memory_off": Method(
        "CURE, memory switched off",
        "As CURE by memory contrast, but the target is the model with its memorising modules' adapter switched off.",
        teacher="memory_off",
        groups="memory",
        surgery="project",
    ),
    "cure_merge": Method(
        "CURE, in weight space",
        "Trains briefly on the forget set, on a control sample of retained prompts, and on the retain set. Then moves "
        "each module once, by its memory contrast group: against the forget change minus half of the control change, "
        "and along the retain change.",
        weights=(0.4, 0.6),
        groups="memory",
        surgery="project",
        uses_task_vectors=True,
    ),
    "cure_merge_circuit": Method(
        "CURE, in weight space, by circuit groups",
        "As CURE in weight space, but the circuits of the forget and the retain set choose the modules.",
        better_when="Choose it to see the circuit behind the forgotten data; it takes a little longer.",
        weights=(0.4, 0.6),
        groups="circuit",
        surgery="project",
        uses_task_vectors=True,
    ),
    "uniform": Method(
        "Uniform", "The same objectives as CURE, with one weighted sum of both gradients for all modules."
    ),
    "finetune": Method(
        "Fine-tuning on retained data",
        "Continues training on the retain set only, so that the rest fades (arXiv 1911.04933, section 5).",
        weights=(0.0, 1.0),
    ),
    "gradient_ascent": Method(
        "Gradient ascent",
        "Raises the loss on the forget set up to a bound, and protects nothing else.",
        forget="ascend",
        weights=(1.0, 0.0),
        learning_rate=LOW_LEARNING_RATE,
    ),
    "graddiff": Method(
        "Gradient difference",
        "Raises the loss on the forget set up to a bound, and lowers the loss on the retain set.",
        forget="ascend",
        learning_rate=LOW_LEARNING_RATE,
    ),
    "npo": Method(
        "Negative preference (NPO)",
        "Makes the answers of the forget set less probable than in the original model, with a bounded loss "
        "(arXiv 2404.05868).",
        forget="npo",
        learning_rate=LOW_LEARNING_RATE,
    ),
    "gradient_ascent_uncapped": Method(
        "Gradient ascent without a bound",
        "Raises the loss on the forget set without a bound, which may destroy the model.",
        forget="ascend_uncapped",
        weights=(1.0, 0.0),
        learning_rate=LOW_LEARNING_RATE,
    ),
    "simnpo": Method(
        "SimNPO",
        "NPO with a loss per answer token and without the original model (arXiv 2410.07163).",
        forget="simnpo",
        learning_rate=LOW_LEARNING_RATE,
    ),
    "undial": Method(
        "UNDIAL",
        "Distils from the original model with the logits of the forgotten answers lowered (arXiv 2402.10052).",
        forget="undial",
        learning_rate=LOW_LEARNING_RATE,
    ),
    "neutral": Method(
        "Neutral answers",
        "Makes all possible answers of the forget set equally probable.",
        forget="neutral",
        learning_rate=LOW_LEARNING_RATE,
    ),
    "flip": Method(
        "Label flip", "Trains on wrong answers for the forget set.", forget="flip", learning_rate=LOW_LEARNING_RATE
    ),
    "dpo": Method(
        "Direct preference (DPO)",
        "Prefers wrong answers to the answers of the forget set, with a bounded loss (arXiv 2305.18290).",
        forget="dpo",
        learning_rate=LOW_LEARNING_RATE,
    ),
    "e2urec": Method(
        "E2URec",
        "As CURE with the over-fit teacher, but updates all modules by one weighted sum of both gradients "
        "(arXiv 2403.03536).",
        teacher="overfit",
    ),
    "bad_teacher": Method(
        "Bad teacher",
        "The target is the answers of a model with random weights (arXiv 2205.08096).",
        teacher="random",
        learning_rate=LOW_LEARNING_RATE,
    ),
    "pcgrad": Method(
        "PCGrad",
        "The objectives of CURE; each gradient loses its component against the other, over all modules at once "
        "(arXiv 2001.06782).",
        surgery="pcgrad",
        pooled=True,
    ),
    "gru": Method(
        "GRU",
        "Follows the forget gradient only, rectified so as not to oppose the retain gradient (arXiv 2503.09117).",
        surgery="gru",
        pooled=True,
    ),
    "ngdiff": Method(
        "NGDiff",
        "Gradient difference with both gradients scaled to equal length (arXiv 2410.22086).",
        forget="ascend",
        surgery="ngdiff",
        pooled=True,
        learning_rate=LOW_LEARNING_RATE,
    ),
    "blur": Method(
        "BLUR",
        "Forgetting first; the retain gradient keeps only its component orthogonal to the forget gradient "
        "(arXiv 2506.08164).",
        surgery="blur",
        pooled=True,
    ),
    "mgda": Method(
        "MGDA",
        "Follows the shortest convex combination of both gradients (arXiv 1810.04650).",
        surgery="mgda",
        pooled=True,
    ),
    "cagrad": Method(
        "CAGrad",
        "Follows the direction near the weighted sum of both gradients with the largest worst-case gain "
        "(arXiv 2110.14048).",
        surgery="cagrad",
        pooled=True,
    ),
    "upgrad": Method(
        "UPGrad",
        "Projects both gradients on the cone of directions that oppose neither, and sums them (arXiv 2406.16232).",
        surgery="upgrad",
        pooled=True,
    ),
    "retrain": Method(
        "Retrain",
        "Trains the adapter again from the base model without the forget set: the slow gold standard.",
        better_when="Choose it where nothing may be left to doubt, or where a verdict lacks power.",
        retrain=True,
    ),
}


# The row of EXTERNAL. It stands outside the table because it cannot be launched.
ANOTHER_TOOL = Method("Adapter of another tool", "Checks an adapter that another tool made; how is not known.")


def recorded_method(name: str) -> Method:
    """Look up the method of an existing run.

    Args:
        name: Key of `METHODS`, or EXTERNAL.
    """
    return ANOTHER_TOOL if name == EXTERNAL else METHODS[name]


def method_of(name: str, steps: int = 0) -> Method:
    """Look up a method.

    Args:
        name: Key of `METHODS`.
        steps: Largest number of steps; 0 for the method's own.

    Raises:
        RunError: There is no such method.
    """
    if name not in METHODS:
        raise RunError(f"Method {name!r} is unknown: choose one of {', '.join(METHODS)}.")
    return replace(METHODS[name], steps=steps or METHODS[name].steps)


# The method that the benchmark puts first by the advantage left at its own stop, at no cost for others
# (benchmarks/README.md).
DEFAULT_METHOD = "cure_merge"
# Methods that the run page offers; the command line also takes the others, which serve as baselines.
OFFERED = (
    DEFAULT_METHOD,
    "cure_merge_circuit",
    "cure",
    "cure_overfit",
    "uniform",
    "gradient_ascent",
    "graddiff",
    "npo",
    "retrain",
)
